package catalog

import (
	"slices"
	"sync"

	"esent/internal/engine/record"
	"esent/internal/jet"
)

// columnNames finds the columns of a table by their names. All schemas of the table share it, and it only grows: a column
// that it gives may be none of a certain schema, and may have had the name only once.
type columnNames struct {
	mu  sync.RWMutex
	ids map[string][]jet.ColumnID
}

// add notes that a column has the folded name.
func (x *columnNames) add(folded string, id jet.ColumnID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if slices.Contains(x.ids[folded], id) {
		return
	}
	if x.ids == nil {
		x.ids = map[string][]jet.ColumnID{}
	}
	x.ids[folded] = append(x.ids[folded], id)
}

// find gives the columns that have or had the folded name.
func (x *columnNames) find(folded string) []jet.ColumnID {
	if x == nil {
		return nil
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.ids[folded]
}

// orderOf says where a column comes in Schema.Columns: by class, those of the template first, then by FID.
func orderOf(id jet.ColumnID) uint32 {
	const own = 1 << 16
	fid := uint16(id)
	order := uint32(record.ClassOf(fid))<<17 | uint32(fid)
	if id&templateBit == 0 {
		order |= own
	}
	return order
}
