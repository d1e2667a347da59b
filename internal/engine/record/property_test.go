package record

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand"
	"testing"

	"esent/internal/jet"
)

// model is a record as the rules of spec chapter 04, 3 describe it, without bytes.
type model map[string]*modelColumn

type modelColumn struct {
	present bool // the record says something: for fixed and variable columns it reaches that far
	values  []SetValue
}

func randomSchema(t *testing.T, rng *rand.Rand, pageSize int) *Schema {
	var cols []Column
	value := func(n int) []byte {
		b := make([]byte, n)
		rng.Read(b)
		return b
	}
	add := func(fid uint16, types []uint8, derived bool) {
		c := Column{ID: jet.ColumnID(fid), FID: fid, Name: fmt.Sprint(fid, derived), Type: types[rng.Intn(len(types))], Derived: derived}
		if derived {
			c.ID |= templateBit
		}
		c.Max = TypeSize(c.Type)
		if c.Max == 0 && !c.Long() {
			c.Max = 1 + rng.Intn(40)
		}
		if rng.Intn(3) == 0 {
			n := c.Max
			if n == 0 {
				n = 1 + rng.Intn(200)
			} else if TypeSize(c.Type) == 0 {
				n = 1 + rng.Intn(c.Max)
			}
			c.Flags, c.Default = FlagDefault, value(n)
		}
		if rng.Intn(10) > 0 { // FIDs of deleted columns stay free
			cols = append(cols, c)
		}
	}
	fixed := []uint8{1, 2, 3, 4, 5, 8, 9, 10, 16}
	for fid := range uint16(rng.Intn(20)) {
		add(1+fid, fixed, false)
	}
	for fid := range uint16(rng.Intn(12)) {
		add(128+fid, []uint8{9, 10}, false)
	}
	for fid := range uint16(rng.Intn(6)) {
		add(256+fid, []uint8{1, 3, 5, 9, 10, 11, 12}, true)
	}
	for fid := range uint16(rng.Intn(12)) {
		add(256+fid, []uint8{1, 3, 5, 9, 10, 11, 12}, false)
	}
	return newSchema(t, pageSize, cols...)
}

func randomSet(rng *rand.Rand, c *Column) SetValue {
	v := SetValue{}
	n := TypeSize(c.Type)
	if n == 0 {
		n = rng.Intn(60)
	}
	switch rng.Intn(12) {
	case 0, 1:
		v.Null = true
		return v
	case 2:
		n = 0
	case 3:
		n = rng.Intn(300)
	}
	v.Data = make([]byte, n)
	rng.Read(v.Data)
	if c.Long() && n > 0 {
		switch rng.Intn(4) {
		case 0:
			v.Compressed = true
		case 1:
			v.Separated = true
			v.Data = AppendLID(nil, []uint64{uint64(1 + rng.Intn(1000)), 0x80000000_80000001 + uint64(rng.Intn(1000))}[rng.Intn(2)])
		}
	}
	return v
}

// apply is what Set should do; the error is what it should give.
func (m model) apply(s *Schema, c *Column, itag int, v SetValue, grbit jet.Grbit) error {
	null := v.Null || len(v.Data) == 0 && grbit&jet.BitSetZeroLength == 0
	mc := m[c.Name]
	size := TypeSize(c.Type)
	if c.Class() != ClassTagged {
		if c.Class() == ClassFixed {
			null = null || len(v.Data) == 0
			if !null {
				stored := make([]byte, c.Max)
				if len(v.Data) > c.Max || !c.putFixed(stored, v.Data) {
					return jet.ErrInvalidBufferSize
				}
				v.Data = stored
			}
		} else if len(v.Data) > c.Max {
			v.Data = v.Data[:c.Max]
		}
		for _, class := range [][]Column{s.Fixed, s.Var} {
			for i := range class {
				skipped := &class[i]
				if sc := m[skipped.Name]; skipped.FID < c.FID && skipped.Class() == c.Class() && sc != nil && !sc.present {
					sc.present = true
					if skipped.HasDefault() {
						sc.values = []SetValue{{Data: skipped.Default}}
					}
				}
			}
		}
		mc.present, mc.values = true, nil
		if !null {
			mc.values = []SetValue{v}
		}
		return nil
	}
	if null {
		switch {
		case len(mc.values) > 1:
			if itag >= 1 && itag <= len(mc.values) {
				mc.values = append(append([]SetValue(nil), mc.values[:itag-1]...), mc.values[itag:]...)
			}
		case itag != 1 && (len(mc.values) == 1 || !mc.present):
		case grbit&jet.BitSetRevertToDefaultValue != 0:
			mc.present, mc.values = false, nil
		case len(mc.values) == 1 || !mc.present:
			mc.present, mc.values = c.HasDefault(), nil
		}
		return nil
	}
	replace := itag >= 1 && itag <= len(mc.values)
	switch n := len(v.Data); {
	case v.Separated:
	case c.Max > 0 && n > c.Max:
		return jet.ErrColumnTooBig
	case size != 0 && n != 0 && n != size:
		return jet.ErrInvalidBufferSize
	}
	if grbit&jet.BitSetUniqueMultiValues != 0 && !c.Long() {
		for i, other := range mc.values {
			if i != itag-1 && bytes.Equal(other.Data, v.Data) {
				return jet.ErrMultiValuedDuplicate
			}
		}
	}
	if v.Compressed && len(mc.values) > 0 && itag != 1 {
		return ErrCompressionNotPossible
	}
	mc.present = true
	if replace {
		mc.values = append([]SetValue(nil), mc.values...)
		mc.values[itag-1] = v
	} else {
		mc.values = append(append([]SetValue(nil), mc.values...), v)
	}
	return nil
}

func (m model) compare(t *testing.T, s *Schema, rec []byte) {
	t.Helper()
	if err := s.Check(rec); err != nil {
		t.Fatalf("%v\n% x", err, rec)
	}
	for _, class := range [][]Column{s.Fixed, s.Var, s.Tagged} {
		for i := range class {
			c := s.Column(class[i].ID)
			if c == nil {
				continue
			}
			mc := m[c.Name]
			want := mc.values
			if !mc.present && c.HasDefault() {
				want = []SetValue{{Data: c.Default}}
			}
			n, err := s.Count(rec, c)
			if err != nil || n != len(want) {
				t.Fatalf("%s has %d values (%v), want %d\n% x", c.Name, n, err, len(want), rec)
			}
			for itag := 1; itag <= n; itag++ {
				v, err := s.Get(rec, c, itag)
				w := want[itag-1]
				if err != nil || v.Null || v.Itag != itag || !bytes.Equal(v.Data, w.Data) || v.Compressed != w.Compressed ||
					v.Separated != w.Separated || v.FromDefault == mc.present {
					t.Fatalf("%s[%d] = %+v, %v; want %+v\n% x", c.Name, itag, v, err, w, rec)
				}
			}
		}
	}
}

// Random changes to records of random tables give what the rules say, and errors change nothing.
func TestAgainstModel(t *testing.T) {
	for _, pageSize := range []int{2048, 4096, 8192, 16384, 32768} {
		rng := rand.New(rand.NewSource(int64(pageSize)))
		var b Buffer
		for range 25 {
			s := randomSchema(t, rng, pageSize)
			var columns []*Column
			m := model{}
			for _, class := range [][]Column{s.Fixed, s.Var, s.Tagged} {
				for i := range class {
					if c := s.Column(class[i].ID); c != nil {
						columns = append(columns, c)
						m[c.Name] = new(modelColumn)
					}
				}
			}
			if len(columns) == 0 {
				continue
			}
			b.Reset(s)
			for range 200 {
				c := columns[rng.Intn(len(columns))]
				v := randomSet(rng, c)
				itag := rng.Intn(5)
				var grbit jet.Grbit
				for _, bit := range []jet.Grbit{jet.BitSetZeroLength, jet.BitSetRevertToDefaultValue, jet.BitSetUniqueMultiValues} {
					if rng.Intn(2) == 0 {
						grbit |= bit
					}
				}
				before := bytes.Clone(b.Bytes())
				_, err := b.Set(c, itag, v, grbit)
				if errors.Is(err, jet.ErrRecordTooBig) {
					if len(before) < s.RecordMost/2 {
						t.Fatalf("no room in a record of %d bytes", len(before))
					}
				} else {
					if want := m.apply(s, c, itag, v, grbit); err != want && !errors.Is(err, want) {
						t.Fatalf("%s[%d]=%+v: %v, want %v", c.Name, itag, v, err, want)
					}
				}
				if err != nil && !bytes.Equal(before, b.Bytes()) {
					t.Fatalf("%v changed the record", err)
				}
				m.compare(t, s, b.Bytes())
			}
			// What was built can be loaded and changed.
			rec := bytes.Clone(b.Bytes())
			b.Reset(s)
			if err := b.Load(rec); err != nil {
				t.Fatal(err)
			}
			m.compare(t, s, b.Bytes())
		}
	}
}
