package backup

import "esent/internal/engine"

// Of gives an instance as an Engine. Two of one instance are equal.
func Of(i *engine.Instance) Engine { return instance{i} }

type instance struct{ *engine.Instance }

// Databases implements Engine.
func (i instance) Databases() []Database {
	attached := i.Instance.Databases()
	list := make([]Database, len(attached))
	for k, d := range attached {
		list[k] = d
	}
	return list
}
