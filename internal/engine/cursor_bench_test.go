package engine

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"esent/internal/jet"
)

const benchRows = 300_000

// bench is a table of many rows with a secondary index, and a cursor on it.
func bench(t testing.TB, rows int) *row {
	d := newDeskWith(t, map[jet.ParamID]int64{jet.ParamMaxVerPages: 8192, jet.ParamLogFileSize: 5120, jet.ParamCacheSizeMax: 40000})
	d.table("t", []string{"id long", "a long", "x text"}, "pk:+id primary", "ia:+a")
	r := d.open(d.s, "t")
	for at := 0; at < rows; {
		d.begin(d.s)
		for range min(1000, rows-at) {
			d.want(r.insert("id", at, "a", at*7919%rows, "x", "some text of a row"), 0)
			at++
		}
		d.commit(d.s)
		// Nothing runs in the background on simulated disks.
		d.want(d.i.cleanUp(), 0)
	}
	return r
}

func BenchmarkScan(b *testing.B) {
	r := bench(b, benchRows)
	s := r.s
	var one [4]byte
	var two [64]byte
	get := []Retrieval{{Column: r.column("a"), Buf: one[:], Itag: 1}, {Column: r.column("x"), Buf: two[:], Itag: 1}}
	for _, trx := range []bool{false, true} {
		name := "outside"
		if trx {
			name = "transaction"
		}
		b.Run(name, func(b *testing.B) {
			if trx {
				r.d.begin(s)
				defer r.d.rollback(s)
			}
			r.d.want(r.Move(s, MoveFirst, 0), 0)
			b.ResetTimer()
			for range b.N {
				if _, err := r.RetrieveColumns(s, get); err != nil {
					b.Fatal(err)
				}
				if err := r.Move(s, 1, 0); err != nil {
					r.d.want(err, jet.ErrNoCurrentRecord)
					r.d.want(r.Move(s, MoveFirst, 0), 0)
				}
			}
		})
	}
}

func benchSeek(b *testing.B, r *row) {
	s := r.s
	var k, buf [4]byte
	get := Retrieval{Column: r.column("x"), Buf: make([]byte, 64), Itag: 1}
	_ = buf
	rng := rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		binary.LittleEndian.PutUint32(k[:], uint32(rng.IntN(benchRows)))
		if err := r.MakeKey(s, k[:], jet.BitNewKey); err != nil {
			b.Fatal(err)
		}
		if _, err := r.Seek(s, jet.BitSeekEQ); err != nil {
			b.Fatal(err)
		}
		if _, err := r.RetrieveColumn(s, &get); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSeek(b *testing.B) {
	r := bench(b, benchRows)
	b.Run("primary", func(b *testing.B) { benchSeek(b, r) })
	r.d.begin(r.s)
	b.Run("transaction", func(b *testing.B) { benchSeek(b, r) })
	r.d.rollback(r.s)
	r.index("ia")
	b.Run("secondary", func(b *testing.B) { benchSeek(b, r) })
}

func BenchmarkInsert(b *testing.B) {
	r := bench(b, 0)
	s := r.s
	var k [4]byte
	set := []Setting{{Column: r.column("id"), Data: k[:], Size: 4, Itag: 1}, {Column: r.column("a"), Data: k[:], Size: 4, Itag: 1},
		{Column: r.column("x"), Data: []byte("some text of a row"), Size: 18, Itag: 1}}
	n := 0
	b.ReportAllocs()
	r.d.begin(s)
	for b.Loop() {
		binary.LittleEndian.PutUint32(k[:], uint32(n))
		if n++; n%1000 == 0 {
			r.d.commit(s)
			r.d.want(r.d.i.cleanUp(), 0)
			r.d.begin(s)
		}
		if err := r.PrepareUpdate(s, jet.PrepInsert); err != nil {
			b.Fatal(err)
		}
		if _, err := r.SetColumns(s, 0, set); err != nil {
			b.Fatal(err)
		}
		if _, err := r.Update(s, 0, nil, 0); err != nil {
			b.Fatal(err)
		}
	}
	r.d.commit(s)
}

func BenchmarkReplace(b *testing.B) {
	r := bench(b, 20_000)
	s := r.s
	var v [4]byte
	set := Setting{Column: r.column("a"), Data: v[:], Size: 4, Itag: 1}
	b.ReportAllocs()
	r.d.want(r.Move(s, MoveFirst, 0), 0)
	r.d.begin(s)
	n := 0
	for b.Loop() {
		binary.LittleEndian.PutUint32(v[:], uint32(n))
		if n++; n%1000 == 0 {
			r.d.commit(s)
			r.d.want(r.d.i.cleanUp(), 0)
			r.d.begin(s)
		}
		if err := r.PrepareUpdate(s, jet.PrepReplace); err != nil {
			b.Fatal(err)
		}
		if _, err := r.SetColumn(s, 0, &set); err != nil {
			b.Fatal(err)
		}
		if _, err := r.Update(s, 0, nil, 0); err != nil {
			b.Fatal(err)
		}
		if err := r.Move(s, 1, 0); err != nil {
			r.d.want(r.Move(s, MoveFirst, 0), 0)
		}
	}
	r.d.commit(s)
}
