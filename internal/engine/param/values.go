package param

import "esent/internal/jet"

// Values is a set of values, one for each parameter. The zero value is not ready; Defaults gives one.
type Values struct {
	numbers [Last + 1]int64
	texts   [Last + 1]string
	set     [Last + 1]bool
}

// Defaults gives every parameter its default.
func Defaults() *Values {
	v := &Values{}
	v.reset(false)
	return v
}

func (v *Values) reset(small bool) {
	for id, d := range defs {
		if d == nil {
			continue
		}
		v.numbers[id], v.texts[id] = d.number, d.text
		if small && d.hasSmall {
			v.numbers[id] = d.small
		}
	}
}

// Configure gives all parameters the defaults of a configuration: 0 small, 1 normal (JET_paramConfiguration).
func (v *Values) Configure(configuration int64) {
	v.reset(configuration&1 == 0)
	v.SetNumber(jet.ParamConfiguration, configuration)
}

// Clone copies the values.
func (v *Values) Clone() *Values {
	c := *v
	return &c
}

// Number is a parameter's number; its unit stands in api/params.tsv.
func (v *Values) Number(id jet.ParamID) int64 { return v.numbers[id] }

// Bool is a boolean parameter.
func (v *Values) Bool(id jet.ParamID) bool { return v.numbers[id] != 0 }

// Text is a string parameter; paths are absolute and use '/'.
func (v *Values) Text(id jet.ParamID) string { return v.texts[id] }

// IsSet says that the value was given and is not just the default.
func (v *Values) IsSet(id jet.ParamID) bool { return v.set[id] }

// SetNumber stores a checked number.
func (v *Values) SetNumber(id jet.ParamID, n int64) { v.numbers[id], v.set[id] = n, true }

// SetText stores a checked string.
func (v *Values) SetText(id jet.ParamID, s string) { v.texts[id], v.set[id] = s, true }
