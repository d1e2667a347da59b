package verify

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"esent/internal/checksum"
	"esent/internal/engine/page"
	"esent/internal/jet"
	"esent/internal/vfs"
)

// goldenSet is a set with two databases and an incremental, made once.
var goldenSet = sync.OnceValue(func() map[string][]byte {
	dir, err := os.MkdirTemp("", "esent")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	t := &testing.T{} // never fails: newWorld's errors show as an empty set
	w := newWorld(t, vfs.System(), dir+"/w", 4096, "app.edb", "other.edb")
	w.grow(1500)
	w.backup(dir+"/set", 0)
	w.grow(100)
	w.backup(dir+"/set", jet.BitBackupIncremental)
	w.end()
	files := map[string][]byte{}
	for name, content := range snapshot(t, w.env.FS, dir+"/set") {
		files[filepath.Base(name)] = []byte(content)
	}
	return files
})

// damagedSet is a set of its own, in memory.
type damagedSet map[string][]byte

func golden(t testing.TB) damagedSet {
	t.Helper()
	s := damagedSet{}
	for name, b := range goldenSet() {
		s[name] = slices.Clone(b)
	}
	if len(s["app.edb"]) == 0 {
		t.Fatal("there is no set")
	}
	return s
}

func (s damagedSet) put(t testing.TB, dir string) {
	t.Helper()
	for name, b := range s {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// logs are the names of the logs.
func (s damagedSet) logs() []string {
	var list []string
	for name := range s {
		if strings.HasSuffix(name, ".log") {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

const testPage = 4096

func (s damagedSet) page(pgno int) []byte { return s["app.edb"][(pgno+1)*testPage:][:testPage] }

// last is the last page before the trailer.
func (s damagedSet) last() int { return len(s["app.edb"])/testPage - 3 }

// used gives a page of the table that was not changed for long: the leaf with the lowest dbtime, of a tree with the
// highest object id that has several.
func (s damagedSet) used(t testing.TB) int {
	t.Helper()
	leaves := map[uint32]int{}
	leaf := func(p []byte) bool { return binary.LittleEndian.Uint32(p[36:])&0x27 == 0x2 }
	top := uint32(0)
	for pgno := 1; pgno <= s.last(); pgno++ {
		if p := s.page(pgno); leaf(p) {
			id := binary.LittleEndian.Uint32(p[24:])
			if leaves[id]++; leaves[id] > 2 {
				top = max(top, id)
			}
		}
	}
	found, oldest := 0, uint64(1)<<63
	for pgno := 1; pgno <= s.last(); pgno++ {
		p := s.page(pgno)
		if dbtime := binary.LittleEndian.Uint64(p[8:]); binary.LittleEndian.Uint32(p[24:]) == top && leaf(p) && dbtime < oldest {
			found, oldest = pgno, dbtime
		}
	}
	if found == 0 {
		t.Fatal("no page of a table")
	}
	return found
}

func flip(b []byte) {
	for i := range 40 {
		b[len(b)/2+i] ^= byte(0x55 + i)
	}
}

// segments is the number of segments of a log that hold something.
func segments(log []byte) int {
	n := len(log)/4096 - 1
	for n > 1 && binary.LittleEndian.Uint64(log[n*4096:]) == 0 {
		n--
	}
	return n
}

// Every kind of damage is found under its code, and nothing of the set changes.
func TestDamage(t *testing.T) {
	for _, c := range []struct {
		name     string
		do       func(t *testing.T, s damagedSet)
		want     jet.Err // of both levels
		rehearse jet.Err // where only the rehearsal finds it
		file     string
	}{
		{"none", func(t *testing.T, s damagedSet) {}, 0, 0, ""},
		{"used page", func(t *testing.T, s damagedSet) { flip(s.page(s.used(t))) }, jet.ErrReadVerifyFailure, 0, "app.edb"},
		{"used page is another", func(t *testing.T, s damagedSet) {
			p := s.used(t)
			copy(s.page(p), s.page(p-1))
		}, jet.ErrReadVerifyFailure, 0, "app.edb"},
		{"used page is blank", func(t *testing.T, s damagedSet) { clear(s.page(s.used(t))) }, 0, jet.ErrPageNotInitialized, ""},
		{"one bit of a page", func(t *testing.T, s damagedSet) { s.page(s.used(t))[2000] ^= 4 }, 0, 0, ""},
		{"last page", func(t *testing.T, s damagedSet) { flip(s.page(s.last())); s.page(s.last())[0]++ }, jet.ErrReadVerifyFailure, 0, "app.edb"},
		{"header", func(t *testing.T, s damagedSet) { flip(s["app.edb"][:testPage]) }, jet.ErrReadVerifyFailure, 0, "app.edb"},
		{"shadow", func(t *testing.T, s damagedSet) { flip(s["app.edb"][testPage : 2*testPage]) }, jet.ErrReadVerifyFailure, 0, "app.edb"},
		{"both headers", func(t *testing.T, s damagedSet) {
			flip(s["app.edb"][:testPage])
			flip(s["app.edb"][testPage : 2*testPage])
		},
			jet.ErrDatabaseCorrupted, 0, "app.edb"},
		{"trailer", func(t *testing.T, s damagedSet) { flip(s.page(s.last() + 1)) }, jet.ErrBadPatchPage, 0, "app.edb"},
		{"trailer of another", func(t *testing.T, s damagedSet) {
			o := s["other.edb"]
			copy(s.page(s.last()+1), o[len(o)-testPage:])
		}, jet.ErrDatabasePatchFileMismatch, 0, "app.edb"},
		{"log header", func(t *testing.T, s damagedSet) { flip(s[s.logs()[1]][:4096]) }, jet.ErrLogFileCorrupt, 0, "1"},
		{"log, middle segment", func(t *testing.T, s damagedSet) { flip(s[s.logs()[1]][10*4096 : 11*4096]) }, jet.ErrLogCorruptDuringHardRestore, 0, "1"},
		{"log, last segment", func(t *testing.T, s damagedSet) {
			l := s[s.logs()[1]]
			n := segments(l)
			flip(l[n*4096 : (n+1)*4096])
		}, jet.ErrLogCorruptDuringHardRestore, 0, "1"},
		{"log, last segment gone", func(t *testing.T, s damagedSet) {
			l := s[s.logs()[1]]
			n := segments(l)
			clear(l[n*4096 : (n+1)*4096])
		}, jet.ErrLogSequenceChecksumMismatch, 0, "2"},
		{"last log, last segment", func(t *testing.T, s damagedSet) {
			l := s[s.logs()[len(s.logs())-1]]
			n := segments(l)
			flip(l[n*4096 : (n+1)*4096])
		}, jet.ErrLogCorruptDuringHardRestore, 0, "last"},
		{"log of another generation", func(t *testing.T, s damagedSet) { s[s.logs()[1]] = s[s.logs()[2]] }, jet.ErrLogGenerationMismatch, 0, "1"},
		{"log cut off", func(t *testing.T, s damagedSet) { s[s.logs()[1]] = s[s.logs()[1]][:20*4096] }, jet.ErrLogFileSizeMismatch, 0, "1"},
		{"log is empty", func(t *testing.T, s damagedSet) { s[s.logs()[1]] = nil }, jet.ErrLogFileSizeMismatch, 0, "1"},
		{"log is missing", func(t *testing.T, s damagedSet) { delete(s, s.logs()[1]) }, jet.ErrFileNotFound, 0, "1"},
		{"first log is missing", func(t *testing.T, s damagedSet) { delete(s, s.logs()[0]) }, jet.ErrStartingRestoreLogTooHigh, 0, "app.edb"},
		{"last logs are missing", func(t *testing.T, s damagedSet) {
			for _, l := range s.logs()[1:] {
				delete(s, l)
			}
		}, jet.ErrEndingRestoreLogTooLow, 0, "app.edb"},
		{"foreign log", func(t *testing.T, s damagedSet) { resign(s[s.logs()[2]], 44) }, jet.ErrGivenLogFileHasBadSignature, 0, "2"},
		{"log of another time", func(t *testing.T, s damagedSet) { resign(s[s.logs()[2]], 24) }, jet.ErrGivenLogFileIsNotContiguous, 0, "2"},
		{"no logs", func(t *testing.T, s damagedSet) {
			for _, l := range s.logs() {
				delete(s, l)
			}
		}, jet.ErrFileNotFound, 0, ""},
		{"one .pat is missing", func(t *testing.T, s damagedSet) { delete(s, "app.pat") }, jet.ErrPatchFileMissing, 0, "app.edb"},
		{"all .pat are missing", func(t *testing.T, s damagedSet) { delete(s, "app.pat"); delete(s, "other.pat") }, jet.ErrPatchFileMissing, 0, "app.edb"},
		{"a copy is missing", func(t *testing.T, s damagedSet) { delete(s, "other.edb") }, jet.ErrAttachedDatabaseMismatch, 0, "other"},
		{"a copy and its .pat are missing", func(t *testing.T, s damagedSet) { delete(s, "other.edb"); delete(s, "other.pat") }, 0, jet.ErrAttachedDatabaseMismatch, ""},
		{"copy cut off at a page", func(t *testing.T, s damagedSet) { s["app.edb"] = s["app.edb"][:60*testPage] }, jet.ErrBadPatchPage, 0, "app.edb"},
		{"copy cut off in a page", func(t *testing.T, s damagedSet) { s["app.edb"] = s["app.edb"][:60*testPage+100] }, jet.ErrBadBackupDatabaseSize, 0, "app.edb"},
		{"copy of nothing but headers", func(t *testing.T, s damagedSet) { s["app.edb"] = s["app.edb"][:2*testPage] }, jet.ErrDatabaseCorrupted, 0, "app.edb"},
		{"copy of nothing", func(t *testing.T, s damagedSet) { s["app.edb"] = nil }, jet.ErrDatabaseCorrupted, 0, "app.edb"},
		{"copy too long by a page", func(t *testing.T, s damagedSet) { s["app.edb"] = append(s["app.edb"], make([]byte, testPage)...) }, jet.ErrBadPatchPage, 0, "app.edb"},
		{"copy too long", func(t *testing.T, s damagedSet) { s["app.edb"] = append(s["app.edb"], 1, 2, 3) }, jet.ErrBadBackupDatabaseSize, 0, "app.edb"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := golden(t)
			logs := s.logs()
			c.do(t, s)
			dir := t.TempDir()
			s.put(t, dir)
			env := vfs.System()
			before, times := snapshot(t, env.FS, dir), modTimes(t, dir)
			for _, rehearse := range []bool{false, true} {
				want := c.want
				if rehearse && want == 0 {
					want = c.rehearse
				}
				r, err := Run(env, Options{Path: dir, Rehearse: rehearse, TempDir: t.TempDir()})
				if got := jet.CodeOf(err); got != want {
					t.Fatalf("rehearsal %v: %v, want %v\n%s", rehearse, err, want, faults(r))
				}
				if want == 0 {
					continue
				}
				file := c.file
				switch file {
				case "1", "2":
					file = logs[file[0]-'0']
				case "last":
					file = logs[len(logs)-1]
				}
				if c.want != 0 && (r.OK || r.Code != int32(want) || r.Faults[0].File != file) {
					t.Errorf("report of %s: %+v", file, r.Faults)
				}
			}
			if !maps.Equal(before, snapshot(t, env.FS, dir)) || !maps.Equal(times, modTimes(t, dir)) {
				t.Error("the set has changed")
			}
		})
	}
}

// resign changes 8 bytes of a log's header at an offset and makes its checksum right.
func resign(log []byte, at int) {
	log[at+3] ^= 0xFF
	sum := uint32(0x89abcdef)
	for i := 4; i < 4096; i += 4 {
		sum ^= binary.LittleEndian.Uint32(log[i:])
	}
	binary.LittleEndian.PutUint32(log, sum)
}

func modTimes(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = info.ModTime().String()
	}
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	all["."] = info.ModTime().String()
	return all
}

// One wrong bit is told and is no fault; the rehearsal puts it right as a restore would.
func TestCorrectable(t *testing.T) {
	s := golden(t)
	s.page(s.used(t))[2000] ^= 4
	dir := t.TempDir()
	s.put(t, dir)
	r, err := Run(vfs.System(), Options{Path: dir, Rehearse: true, TempDir: t.TempDir()})
	if err != nil || r.Databases[0].Correctable != 1 {
		t.Errorf("%v, %+v", err, r.Databases[0])
	}
}

// Damage at random gives codes, and never a panic.
func TestRandomDamage(t *testing.T) {
	rounds := 60
	if testing.Short() {
		rounds = 10
	}
	base := golden(t)
	names := slices.Sorted(maps.Keys(base))
	for seed := range rounds {
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		s := golden(t)
		var done []string
		for range 1 + r.IntN(4) {
			name := names[r.IntN(len(names))]
			b := s[name]
			if len(b) == 0 {
				continue
			}
			at := r.IntN(len(b))
			if r.IntN(3) == 0 {
				at %= 8192 // headers
			}
			n := 1 + r.IntN(min(5000, len(b)-at))
			what := r.IntN(4)
			done = append(done, fmt.Sprintf("%s: %d bytes at %d, %d", name, n, at, what))
			switch what {
			case 0:
				clear(b[at : at+n])
			case 1:
				for i := range b[at : at+n] {
					b[at+i] = byte(r.Uint32())
				}
			case 2:
				b[at] ^= 1 << r.IntN(8)
			case 3:
				s[name] = b[:at]
			}
		}
		dir := t.TempDir()
		s.put(t, dir)
		before := snapshot(t, vfs.System().FS, dir)
		_, err := Run(vfs.System(), Options{Path: dir, Rehearse: true, TempDir: t.TempDir()})
		if jet.CodeOf(err) == jet.ErrInternalError {
			t.Errorf("seed %d: %v: %v", seed, done, err)
		}
		if !maps.Equal(before, snapshot(t, vfs.System().FS, dir)) {
			t.Errorf("seed %d: the set has changed", seed)
		}
	}
}

// Damage that all checksums agree with is what only the rehearsal meets. It gives codes, and never a panic.
func TestForgery(t *testing.T) {
	rounds := 80
	if testing.Short() {
		rounds = 10
	}
	found := 0
	for seed := range rounds {
		r := rand.New(rand.NewPCG(uint64(seed), 2))
		s := golden(t)
		logs := s.logs()
		for range 1 + r.IntN(4) {
			switch r.IntN(4) {
			case 0: // a log that no other has the checksum of
				l := s[logs[len(logs)-1]]
				isec := 1 + r.IntN(segments(l))
				b := l[isec*4096:][:4096]
				scramble(r, b[40:])
				binary.LittleEndian.PutUint64(b, checksum.ECC(b, uint32(isec), true))
			case 1:
				b := s["app.edb"][r.IntN(2)*testPage:][:testPage]
				scramble(r, b[4:800])
				binary.LittleEndian.PutUint32(b, checksum.XOR(b))
			default:
				pgno := 1 + r.IntN(s.last())
				p := s.page(pgno)
				scramble(r, p[16:])
				page.Page(p).Seal(jet.Pgno(pgno), 0)
			}
		}
		dir := t.TempDir()
		s.put(t, dir)
		_, err := Run(vfs.System(), Options{Path: dir, Rehearse: true, TempDir: t.TempDir()})
		if jet.CodeOf(err) == jet.ErrInternalError {
			t.Errorf("seed %d: %v", seed, err)
		}
		if err != nil {
			found++
		}
	}
	if found < rounds/2 {
		t.Errorf("%d of %d forgeries were found", found, rounds)
	}
}

// scramble changes a few bytes.
func scramble(r *rand.Rand, b []byte) {
	at := r.IntN(len(b))
	for i := range 1 + r.IntN(min(20, len(b)-at)) {
		b[at+i] = byte(r.Uint32())
	}
}
