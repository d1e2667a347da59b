package stream

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"esent/internal/backup/meter"
	"esent/internal/jet"
	"esent/internal/vfs"
	"esent/internal/vfs/simdisk"
)

// member is a file of a set.
type member struct {
	name string
	data []byte
}

// sample is a set: what compresses, what does not, and files without content.
func sample(size int) []member {
	noise := make([]byte, size)
	rnd := rand.NewChaCha8([32]byte{1})
	rnd.Read(noise)
	return []member{
		{"app.edb", bytes.Repeat([]byte("page"), size)},
		{"Ünicode " + strings.Repeat("x", 120) + ".edb", noise},
		{"edb00001.log", noise[:size/2]},
		{"edb00002.log", nil},
		{"app.pat", nil},
	}
}

func pack(t testing.TB, set []member, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := packTo(&b, set, level); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func packTo(w io.Writer, set []member, level int) error {
	s, err := NewWriter(w, level)
	if err != nil {
		return err
	}
	for _, m := range set {
		err := s.Begin(m.name, int64(len(m.data)))
		for p := m.data; err == nil && len(p) > 0; {
			n := min(len(p), 3*chunk/2)
			_, err = s.Write(p[:n])
			p = p[n:]
		}
		if err != nil {
			s.Abandon()
			return err
		}
	}
	return s.Close()
}

// unpackHere unpacks into a new simulated disk.
func unpackHere(r io.Reader) (*simdisk.Sim, error) {
	sim := simdisk.New(1, simdisk.Options{StrictNames: true})
	return sim, Unpack(sim.Env().FS, "/set", r, nil)
}

func TestRoundTrip(t *testing.T) {
	set := sample(3 << 20)
	for _, level := range []int{LevelNone, LevelUsual, 1, 22} {
		packed := pack(t, set, level)
		if !bytes.Equal(packed, pack(t, set, level)) {
			t.Errorf("level %d: two streams of one set differ", level)
		}
		t.Logf("level %d: %d bytes", level, len(packed))
		sim, err := unpackHere(iotest.HalfReader(bytes.NewReader(packed)))
		if err != nil {
			t.Fatalf("level %d: %v", level, err)
		}
		sim.Crash(simdisk.Crash{})
		for _, m := range set {
			if got, err := sim.ReadFile("/set/" + m.name); err != nil || !bytes.Equal(got, m.data) {
				t.Errorf("level %d: %s has %d bytes, %v", level, m.name, len(got), err)
			}
		}
		if entries, err := sim.Env().FS.ReadDir("/set"); err != nil || len(entries) != len(set) {
			t.Errorf("level %d: %d files, %v", level, len(entries), err)
		}
	}
}

// A stream that ends too early is recognised wherever it ends; no file stays.
func TestCutOff(t *testing.T) {
	for _, level := range []int{LevelNone, LevelUsual} {
		whole := pack(t, sample(3000), level)
		end := len(whole)
		if level == LevelNone {
			end = bytes.LastIndexByte(whole, '}') + 1 // what follows fills up the archive
		}
		for n := 0; n < end; n += 1 + len(whole)/900 {
			sim, err := unpackHere(bytes.NewReader(whole[:n]))
			if code := jet.CodeOf(err); code != jet.ErrInvalidBackup {
				t.Fatalf("level %d, %d of %d bytes: %v", level, n, len(whole), err)
			}
			wantNothing(t, sim)
		}
	}
}

func wantNothing(t *testing.T, sim *simdisk.Sim) {
	t.Helper()
	if ok, err := vfs.Exists(sim.Env().FS, "/set"); ok || err != nil {
		t.Fatalf("the directory is there: %v", err)
	}
}

// A changed byte is recognised, unless it is one of the archive's that say nothing of the set.
func TestDamage(t *testing.T) {
	set := sample(400)
	for _, level := range []int{LevelNone, LevelUsual} {
		whole := pack(t, set, level)
		harmless := 0
		for n := 0; n < len(whole); n += 1 + len(whole)/900 {
			damaged := bytes.Clone(whole)
			damaged[n] ^= 0x10
			sim, err := unpackHere(bytes.NewReader(damaged))
			if code := jet.CodeOf(err); code == jet.ErrInvalidBackup || code == jet.ErrReadVerifyFailure {
				wantNothing(t, sim)
				continue
			}
			if err != nil {
				t.Fatalf("level %d, byte %d: %v", level, n, err)
			}
			harmless++
			for _, m := range set {
				if got, err := sim.ReadFile("/set/" + m.name); err != nil || !bytes.Equal(got, m.data) {
					t.Fatalf("level %d, byte %d: %s is wrong, %v", level, n, m.name, err)
				}
			}
		}
		t.Logf("level %d: %d of %d bytes say nothing", level, harmless, len(whole))
	}
}

// archiveOf makes an archive by hand, that may be hostile.
func archiveOf(headers ...tar.Header) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		h.Mode = 0o600
		if err := w.WriteHeader(&h); err != nil {
			panic(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := w.Write(make([]byte, h.Size)); err != nil {
				panic(err)
			}
		}
	}
	w.Flush()
	return b.Bytes()
}

func TestHostile(t *testing.T) {
	file := func(name string, size int64) tar.Header {
		return tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size}
	}
	tests := map[string][]byte{
		"no archive": bytes.Repeat([]byte("no archive "), 1000),
		"empty":      nil,
		"directory":  archiveOf(tar.Header{Typeflag: tar.TypeDir, Name: "d"}),
		"link":       archiveOf(tar.Header{Typeflag: tar.TypeSymlink, Name: "a.edb", Linkname: "/etc/passwd"}),
		"twice":      archiveOf(file("a.edb", 3), file("A.edb", 3)),
		"full .pat":  archiveOf(file("a.pat", 3)),
		"manifest":   archiveOf(file(manifestName, 4)),
		"large":      archiveOf(file(manifestName, 1<<20)),
		"huge":       archiveOf(file("a.edb", 3))[:512],
	}
	for _, name := range []string{"../a", "/a", "a/b", "..", ".", `a\b`, "c:a", "a\nb", strings.Repeat("n", 256), "BACKUP-manifest.json"} {
		tests[name] = archiveOf(file(name, 3))
	}
	for name, data := range tests {
		t.Run(fmt.Sprintf("%.20q", name), func(t *testing.T) {
			sim, err := unpackHere(bytes.NewReader(data))
			if code := jet.CodeOf(err); code != jet.ErrInvalidBackup {
				t.Errorf("got %v", err)
			}
			wantNothing(t, sim)
		})
	}
	for _, name := range []string{"", "a/b", "..", manifestName} {
		s, _ := NewWriter(io.Discard, LevelNone)
		if err := s.Begin(name, 1); jet.CodeOf(err) != jet.ErrInvalidBackup {
			t.Errorf("%q: got %v", name, err)
		}
	}
}

// limited fails when it has taken n bytes.
type limited struct{ n int }

func (l *limited) Write(p []byte) (int, error) {
	if len(p) > chunk {
		return 0, errors.New("too much at once")
	}
	if l.n -= len(p); l.n < 0 {
		return 0, jet.ErrDiskFull
	}
	return len(p), nil
}

// What the writer of the stream, its reader and the watcher say is the result.
func TestForeignErrors(t *testing.T) {
	set := sample(3 << 18)
	for _, level := range []int{LevelNone, LevelUsual} {
		whole := pack(t, set, level)
		for n := 0; n < len(whole); n += 1 + len(whole)/20 {
			if err := packTo(&limited{n}, set, level); jet.CodeOf(err) != jet.ErrDiskFull {
				t.Fatalf("level %d, writer fails at %d: %v", level, n, err)
			}
			r := io.MultiReader(bytes.NewReader(whole[:n]), iotest.ErrReader(jet.ErrDiskIO))
			sim, err := unpackHere(r)
			if jet.CodeOf(err) != jet.ErrDiskIO {
				t.Fatalf("level %d, reader fails at %d: %v", level, n, err)
			}
			wantNothing(t, sim)
		}
		calls := 0
		for stop := 1; ; stop++ {
			sim := simdisk.New(1, simdisk.Options{})
			n := 0
			m := meter.New(time.Now, func(p meter.Position) error {
				if n++; n == stop {
					return jet.ErrTermInProgress
				}
				return nil
			})
			err := Unpack(sim.Env().FS, "/set", bytes.NewReader(whole), m)
			if n < stop {
				if err != nil {
					t.Fatal(err)
				}
				break
			}
			calls++
			if jet.CodeOf(err) != jet.ErrTermInProgress {
				t.Fatalf("level %d, call %d: %v", level, stop, err)
			}
			wantNothing(t, sim)
		}
		if calls < 5 {
			t.Errorf("%d calls", calls)
		}
	}
}

func TestNotEmpty(t *testing.T) {
	sim := simdisk.New(1, simdisk.Options{})
	if err := sim.WriteFile("/set/f", nil); err != nil {
		t.Fatal(err)
	}
	if err := Unpack(sim.Env().FS, "/set", bytes.NewReader(nil), nil); jet.CodeOf(err) != jet.ErrBackupDirectoryNotEmpty {
		t.Error(err)
	}
	if ok, _ := vfs.Exists(sim.Env().FS, "/set/f"); !ok {
		t.Error("the file is gone")
	}
	for _, level := range []int{-2, 23} {
		if _, err := NewWriter(io.Discard, level); jet.CodeOf(err) != jet.ErrInvalidParameter {
			t.Errorf("level %d: %v", level, err)
		}
	}
}

// Before the last byte of the stream is there, a power cut leaves nothing that restore would take for a set.
func TestPowerCut(t *testing.T) {
	whole := pack(t, sample(3000), LevelUsual)
	for n := 0; ; n++ {
		sim := simdisk.New(1, simdisk.Options{StrictNames: true})
		sim.PowerOffAfter(n)
		err := Unpack(sim.Env().FS, "/set", bytes.NewReader(whole), nil)
		for seed, how := range []simdisk.Survival{simdisk.LoseAll, simdisk.KeepAll, simdisk.Random} {
			c := sim.CrashClone(simdisk.Crash{Unsynced: how}, uint64(seed))
			if ok, _ := vfs.Exists(c.Env().FS, "/set/app.pat"); !ok {
				if err == nil {
					t.Fatalf("step %d: it has ended, and is not durable", n)
				}
				continue
			}
			for _, m := range sample(3000)[:3] {
				if got, err := c.ReadFile("/set/" + m.name); err != nil || !bytes.Equal(got, m.data) {
					t.Fatalf("step %d: %s has %d bytes, %v", n, m.name, len(got), err)
				}
			}
		}
		if err == nil {
			break
		}
	}
}

func FuzzUnpack(f *testing.F) {
	for _, level := range []int{LevelNone, LevelUsual} {
		f.Add(pack(f, sample(300), level))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			t.Skip("a short stream says it too")
		}
		sim := simdisk.New(1, simdisk.Options{Capacity: 16 << 20})
		if err := Unpack(sim.Env().FS, "/set", bytes.NewReader(data), nil); err != nil {
			wantNothing(t, sim)
		}
	})
}
