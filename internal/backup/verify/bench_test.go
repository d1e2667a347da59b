package verify

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"esent/internal/engine/page"
	"esent/internal/jet"
	"esent/internal/vfs"
)

// Verification is measured against reading the same file without looking at it.
func BenchmarkPages(b *testing.B) {
	const size = 512 << 20
	s := golden(b)
	model := slices.Clone(s.page(s.used(b)))
	dir := b.TempDir()
	trailer := slices.Clone(s.page(s.last() + 1))
	delete(s, "other.edb")
	delete(s, "other.pat")
	s["app.edb"] = s["app.edb"][:2*testPage]
	s.put(b, dir)
	file := filepath.Join(dir, "app.edb")
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 1<<20)
	for pgno := 1; pgno < size/testPage; {
		for at := 0; at < len(buf); at += testPage {
			p := page.Page(buf[at : at+testPage])
			copy(p, model)
			p.Seal(jet.Pgno(pgno), 0)
			pgno++
		}
		if _, err := f.Write(buf); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := f.Write(trailer); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	b.Run("read", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			f, err := os.Open(file)
			if err != nil {
				b.Fatal(err)
			}
			for {
				if _, err := f.Read(buf[:128<<10]); err == io.EOF {
					break
				} else if err != nil {
					b.Fatal(err)
				}
			}
			if err := f.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("verify", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			if r, err := Run(vfs.System(), Options{Path: dir}); err != nil {
				b.Fatal(fmt.Sprint(err, faults(r)))
			}
		}
	})
}
