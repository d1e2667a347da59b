package record

import (
	"bytes"
	"math/rand"
	"testing"

	"esent/internal/jet"
)

func fuzzSchema(t testing.TB, pageSize int) *Schema {
	def := column(259, "def", jet.ColtypLong, 4, FlagMultivalued, "05000000")
	derived := column(256, "derived", jet.ColtypLong, 4, 0, "")
	derived.ID, derived.Derived = derived.ID|templateBit, true
	return newSchema(t, pageSize,
		column(1, "a", jet.ColtypLong, 4, 0, ""), column(2, "b", jet.ColtypBit, 1, 0, "01"),
		column(4, "c", jet.ColtypBinary, 9, 0, ""), column(11, "d", jet.ColtypGUID, 16, 0, ""),
		column(128, "e", jet.ColtypBinary, 255, 0, ""), column(130, "f", jet.ColtypText, 255, 0, "6162"), derived,
		column(256, "g", jet.ColtypUnsignedByte, 1, FlagMultivalued, ""),
		column(258, "h", jet.ColtypLongBinary, 0, FlagMultivalued, ""), def)
}

// readAll reads a record in every way there is.
func readAll(s *Schema, rec []byte) {
	for _, class := range [][]Column{s.Fixed, s.Var, s.Tagged} {
		for i := range class {
			c := s.Column(class[i].ID)
			if c == nil {
				continue
			}
			n, _ := s.Count(rec, c)
			for itag := range min(n, 40) + 2 {
				_, _ = s.Get(rec, c, itag)
			}
		}
	}
	it := s.TaggedValues(rec)
	for it.Next() {
		it.Column()
		for itag := range min(it.Count(), 40) + 2 {
			_, _ = it.Value(itag)
		}
	}
	_ = s.CheckRequired(rec)
}

// seedRecords are sound records to start from.
func seedRecords(t testing.TB, s *Schema) [][]byte {
	rng := rand.New(rand.NewSource(6))
	var list [][]byte
	var b Buffer
	for range 30 {
		b.Reset(s)
		for range 12 {
			var columns []*Column
			for _, class := range [][]Column{s.Fixed, s.Var, s.Tagged} {
				for i := range class {
					if c := s.Column(class[i].ID); c != nil {
						columns = append(columns, c)
					}
				}
			}
			c := columns[rng.Intn(len(columns))]
			_, _ = b.Set(c, rng.Intn(4), randomSet(rng, c), 0)
		}
		list = append(list, bytes.Clone(b.Bytes()))
	}
	return list
}

func FuzzRead(f *testing.F) {
	small, large := fuzzSchema(f, 4096), fuzzSchema(f, 32768)
	for _, s := range []*Schema{small, large} {
		for _, rec := range seedRecords(f, s) {
			f.Add(rec, s.Large)
		}
	}
	f.Fuzz(func(t *testing.T, rec []byte, isLarge bool) {
		s := small
		if isLarge {
			s = large
		}
		readAll(s, rec)
		if s.Check(rec) != nil {
			return
		}
		// A record that passes the check can be read without an error and changed.
		for _, class := range [][]Column{s.Fixed, s.Var, s.Tagged} {
			for i := range class {
				if c := s.Column(class[i].ID); c != nil {
					if _, err := s.Get(rec, c, 1); err != nil {
						t.Fatalf("%s: %v", c.Name, err)
					}
				}
			}
		}
		changeLoaded(t, s, rec)
	})
}

// changeLoaded sets values in a record that passed the check.
func changeLoaded(t *testing.T, s *Schema, rec []byte) {
	var b Buffer
	b.Reset(s)
	if err := b.Load(rec); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewSource(int64(len(rec))))
	lc := b.LongValues()
	for lc.Next() {
		lc.Column()
		if rng.Intn(2) == 0 {
			_ = lc.Replace(SetValue{Data: []byte{9, 0, 0, 0}, Separated: true})
		}
	}
	for _, class := range [][]Column{s.Fixed, s.Var, s.Tagged} {
		for i := range class {
			c := s.Column(class[i].ID)
			if c == nil {
				continue
			}
			for range 3 {
				_, _ = b.Set(c, rng.Intn(4), randomSet(rng, c), jet.BitSetZeroLength)
			}
		}
	}
	readAll(s, b.Bytes())
	if err := s.Check(b.Bytes()); err != nil {
		t.Fatalf("after changes: %v\nrecord % x\nbecame % x", err, rec, b.Bytes())
	}
}

// Damaged records never panic, whichever byte it is.
func TestDamagedRecords(t *testing.T) {
	rng := rand.New(rand.NewSource(7))
	for _, pageSize := range []int{4096, 32768} {
		s := fuzzSchema(t, pageSize)
		for _, rec := range seedRecords(t, s) {
			for i := range rec {
				damaged := bytes.Clone(rec)
				damaged[i] ^= byte(1 + rng.Intn(255))
				readAll(s, damaged)
				if s.Check(damaged) == nil {
					changeLoaded(t, s, damaged)
				}
				readAll(s, rec[:i])
			}
		}
	}
}

func hotRecord(t testing.TB, pageSize int) (*Schema, *Buffer) {
	s := fuzzSchema(t, pageSize)
	b := new(Buffer)
	b.Reset(s)
	b.LoadInsert()
	for _, st := range []struct {
		name string
		n    int
	}{{"a", 4}, {"c", 5}, {"e", 20}, {"f", 30}, {"g", 1}, {"g", 1}, {"h", 100}, {"derived", 4}} {
		if _, err := b.Set(byName(t, s, st.name), 0, SetValue{Data: make([]byte, st.n)}, 0); err != nil {
			t.Fatal(err)
		}
	}
	return s, b
}

// The hot path allocates nothing.
func TestNoAllocation(t *testing.T) {
	for _, pageSize := range []int{4096, 32768} {
		s, b := hotRecord(t, pageSize)
		rec := bytes.Clone(b.Bytes())
		value := make([]byte, 300)
		check := func(name string, f func()) {
			if n := testing.AllocsPerRun(100, f); n != 0 {
				t.Errorf("%s allocates %v times", name, n)
			}
		}
		for _, name := range []string{"a", "d", "e", "g", "h", "def", "derived"} {
			c := byName(t, s, name)
			check("Get "+name, func() { _, _ = s.Get(rec, s.Column(c.ID), 1) })
			check("Count "+name, func() { _, _ = s.Count(rec, c) })
			n := TypeSize(c.Type)
			if n == 0 {
				n = 9
			}
			check("Set "+name, func() {
				if err := b.Load(rec); err != nil {
					t.Fatal(err)
				}
				for itag := range 4 {
					if _, err := b.Set(c, itag, SetValue{Data: value[:n]}, 0); err != nil {
						t.Fatal(err)
					}
				}
				_, _ = b.Set(c, 1, SetValue{Null: true}, 0)
			})
		}
		check("LoadInsert", func() { b.LoadInsert() })
		check("Reset", func() { b.Reset(s) })
		check("iterators", func() {
			it := s.TaggedValues(rec)
			for it.Next() {
				_, _ = it.Value(1)
			}
			lc := b.LongValues()
			for lc.Next() {
				lc.Value()
			}
		})
	}
}

func BenchmarkRecord(b *testing.B) {
	s, buf := hotRecord(b, 4096)
	rec := bytes.Clone(buf.Bytes())
	for _, name := range []string{"a", "e", "g", "h", "def"} {
		c := byName(b, s, name)
		b.Run("Get "+name, func(b *testing.B) {
			for b.Loop() {
				_, _ = s.Get(rec, c, 1)
			}
		})
	}
	b.Run("Load", func(b *testing.B) {
		for b.Loop() {
			_ = buf.Load(rec)
		}
	})
	value := SetValue{Data: make([]byte, 4)}
	for _, name := range []string{"a", "e", "h"} {
		c := byName(b, s, name)
		b.Run("Set "+name, func(b *testing.B) {
			for b.Loop() {
				_, _ = buf.Set(c, 1, value, 0)
			}
		})
	}
}
