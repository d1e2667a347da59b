package logstore

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// testHost is an engine without databases.
type testHost struct {
	mu     sync.Mutex
	begun  []int32
	keep   atomic.Int32
	attach []AttachInfo
	err    error
	defect any // what GenerationBegun panics with
}

func (h *testHost) Attachments(jet.LogPos) []AttachInfo { return h.attach }
func (h *testHost) KeepFrom() int32                     { return h.keep.Load() }
func (h *testHost) GenerationBegun(gen int32, _ jet.LogTime) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.begun = append(h.begun, gen)
	if h.defect != nil {
		panic(h.defect)
	}
	return h.err
}

func testConfig(env *vfs.Env, dir string) Config {
	return Config{Env: env, LogDir: dir, SystemDir: dir, Naming: NewNaming("edb", 3), FileKB: 64, PageSize: 4096, EFV: 9600}
}

// readStream reads all logs of a stream and checks their chain, as recovery does, and says where it goes on.
func readStream(fsys vfs.FS, dir string, n Naming, mode ScanMode) (entries []Entry, r Resume, err error) {
	d, err := FindLogs(fsys, dir, n)
	if err != nil {
		return nil, r, err
	}
	names := d.Archives
	if d.Current {
		names = append(names[:len(names):len(names)], Archive{0, n.Current()})
	} else if len(names) > 0 && !d.Temp {
		return nil, r, jet.ErrMissingLogFile
	}
	if len(names) == 0 {
		return nil, r, io.EOF
	}
	for i, a := range names {
		f, err := OpenFile(fsys, join(dir, a.Name), Expect{Gen: a.Gen})
		if err != nil {
			return entries, r, err
		}
		defer f.Close()
		if r.Header != nil {
			if err := r.Header.CheckNext(f.Header, r.Scan.Checksum); err != nil {
				return entries, r, err
			}
		}
		m := ScanArchive
		if i == len(names)-1 {
			m = mode
		}
		r = Resume{Header: f.Header, Archived: a.Gen != 0}
		if r.Scan, err = f.Scan(m); err != nil {
			return entries, r, err
		}
		for rd := f.Records(0); ; {
			e, err := rd.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				return entries, r, err
			}
			entries = append(entries, e)
		}
	}
	return entries, r, nil
}

// sized is a record of size bytes, at least 13, that holds an identity. The rest is random: to regular patterns
// the segments' checksums can be blind.
func sized(b []byte, size int, id uint64) []byte {
	text := make([]byte, max(size, 13)-5)
	r := rand.NewPCG(id, 5)
	for i := range text {
		text[i] = byte(r.Uint64())
	}
	le.PutUint64(text, id)
	rec := Trace{Proc: 7, Text: text}
	return rec.Append(b[:0])
}

func randomSize(r *rand.Rand, largest int) int {
	switch r.IntN(10) {
	case 0:
		return 13 + r.IntN(largest-13)
	case 1:
		return 4030 + r.IntN(40)
	default:
		return 13 + r.IntN(300)
	}
}

// appended is what a test has put into a log.
type appended struct {
	pos, end jet.LogPos
	raw      []byte
}

func checkEntries(t *testing.T, entries []Entry, want []appended) {
	t.Helper()
	if len(entries) != len(want) {
		t.Errorf("%d records read, %d written", len(entries), len(want))
	}
	for i := range min(len(entries), len(want)) {
		e, w := entries[i], want[i]
		if e.Pos != w.pos || e.End != w.end || !bytes.Equal(e.Raw, w.raw) {
			t.Fatalf("record %d: read %s to %s (%d bytes), written %s to %s (%d bytes)", i, e.Pos, e.End, len(e.Raw), w.pos, w.end, len(w.raw))
		}
	}
}

func TestWriteAndRead(t *testing.T) {
	dir := t.TempDir()
	host := &testHost{attach: []AttachInfo{{DB: 1, DBTime: 5, ObjIDLast: 6, Attach: jet.MakeLogPos(1, 1, 0), Path: "/data/db.edb"}}}
	l, err := Create(testConfig(vfs.System(), dir), host, jet.Signature{}, FirstGeneration)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	var want []appended
	add := func(pos, end jet.LogPos, raw []byte, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if len(want) > 0 && pos < want[len(want)-1].end {
			t.Fatalf("record at %s before the end of the last, %s", pos, want[len(want)-1].end)
		}
		want = append(want, appended{pos, end, bytes.Clone(raw)})
	}
	var next atomic.Uint32
	gen := int32(1)
	for i := range 3000 {
		switch r.IntN(40) {
		case 0:
			err = l.Flush(want[max(0, len(want)-1)].end)
			if err != nil || l.DurablePos() < want[len(want)-1].end {
				t.Fatal(err)
			}
		case 1:
			trx, pos, end, err := l.AppendCommit(9, &next, nil)
			add(pos, end, (&Commit0{Proc: 9, Trx: trx}).Append(nil), err)
		case 2:
			recs := [][]byte{sized(nil, randomSize(r, 20000), uint64(i)), sized(nil, randomSize(r, 20000), uint64(i)+1e6)}
			pos, end, err := l.AppendTogether(recs...)
			if err != nil {
				t.Fatal(err)
			}
			if pos.Gen() != end.Gen() {
				t.Errorf("records from %s to %s are in two files", pos, end)
			}
			// Where they meet is seen when they are read.
			want = append(want, appended{pos: pos, raw: recs[0]}, appended{end: end, raw: recs[1]})
		case 3:
			if r.IntN(10) == 0 {
				rec := sized(nil, 100, uint64(i))
				pos, end, err := l.AppendInNewGeneration(rec)
				add(pos, end, rec, err)
				if pos.Isec() != 1 || pos.Ib() != 0 || l.DurablePos() < end {
					t.Errorf("first record of a generation at %s, durable %s", pos, l.DurablePos())
				}
			}
		case 4:
			if r.IntN(10) == 0 {
				l.FlushSoon()
			}
		case 5:
			var recs []byte
			var ends []int
			from := len(want)
			for j := range 1 + r.IntN(30) {
				rec := sized(nil, randomSize(r, 20000), uint64(i)+uint64(j)<<32)
				recs = append(recs, rec...)
				ends = append(ends, len(recs))
				want = append(want, appended{raw: rec})
			}
			pos, end, n, err := l.AppendEach(recs, ends)
			if err != nil || n != len(ends) {
				t.Fatal(n, err)
			}
			want[from].pos, want[len(want)-1].end = pos, end
		default:
			rec := sized(nil, randomSize(r, 50000), uint64(i))
			pos, end, err := l.Append(rec)
			add(pos, end, rec, err)
		}
		if len(want) > 0 {
			gen = max(gen, want[len(want)-1].end.Gen())
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	entries, resume, err := readStream(vfs.System().FS, dir, NewNaming("edb", 3), ScanReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if want[i].pos == 0 && i < len(entries) {
			want[i].pos = entries[i].Pos
		}
		if want[i].end == 0 && i < len(entries) {
			want[i].end = entries[i].End
		}
	}
	checkEntries(t, entries, want)
	checkStarts(t, dir, entries)
	if gen < 10 || resume.Header.Gen != gen || len(host.begun) != int(gen)-1 || host.begun[0] != 2 || host.begun[len(host.begun)-1] != gen {
		t.Errorf("generation %d, last file %d, host told of %v", gen, resume.Header.Gen, host.begun)
	}
	if len(resume.Header.Attachments) != 1 || resume.Header.Attachments[0] != host.attach[0] {
		t.Errorf("attachments %+v", resume.Header.Attachments)
	}
}

// checkStarts begins to read at the position of each record.
func checkStarts(t *testing.T, dir string, entries []Entry) {
	n := NewNaming("edb", 3)
	d, err := FindLogs(vfs.System().FS, dir, n)
	if err != nil {
		t.Fatal(err)
	}
	var f *File
	for _, want := range entries {
		if f == nil || f.Header.Gen != want.Pos.Gen() {
			name, ok := d.Find(want.Pos.Gen())
			if !ok {
				name = n.Current()
			}
			if f, err = OpenFile(vfs.System().FS, join(dir, name), Expect{}); err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.Scan(ScanReadOnly); err != nil {
				t.Fatal(err)
			}
		}
		e, err := f.Records(want.Pos).Next()
		if err != nil || e.Pos != want.Pos || e.End != want.End || !bytes.Equal(e.Raw, want.Raw) {
			t.Fatalf("reading from %s gives %s to %s, %v", want.Pos, e.Pos, e.End, err)
		}
	}
}

func TestManyWriters(t *testing.T) {
	dir := t.TempDir()
	cfg := testConfig(vfs.System(), dir)
	cfg.FileKB = 256
	l, err := Create(cfg, &testHost{}, jet.Signature{}, FirstGeneration)
	if err != nil {
		t.Fatal(err)
	}
	const writers, each = 8, 400
	var wg sync.WaitGroup
	var next atomic.Uint32
	fail := make(chan error, writers)
	for w := range writers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 1))
			var last jet.LogPos
			for i := range each {
				pos, _, err := l.Append(sized(nil, randomSize(r, 9000), uint64(w)<<32|uint64(i)))
				if err == nil && pos <= last {
					err = fmt.Errorf("position %s behind %s", pos, last)
				}
				last = pos
				if err == nil && i%4 == 0 {
					var end jet.LogPos
					if _, _, end, err = l.AppendCommit(jet.ProcID(w+1), &next, nil); err == nil {
						if err = l.Flush(end); err == nil && l.DurablePos() < end {
							err = fmt.Errorf("durable to %s, want %s", l.DurablePos(), end)
						}
					}
				}
				if err != nil {
					fail <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(fail)
	for err := range fail {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	entries, _, err := readStream(vfs.System().FS, dir, cfg.Naming, ScanReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	var seen [writers]uint32
	var trx jet.Trx
	for _, e := range entries {
		switch rec := e.Rec.(type) {
		case *Commit0:
			if rec.Trx != trx+4 {
				t.Fatalf("commit %d behind %d", rec.Trx, trx)
			}
			trx = rec.Trx
		case *Trace:
			id := le.Uint64(rec.Text)
			if uint32(id) != seen[id>>32] {
				t.Fatalf("writer %d: record %d, want %d", id>>32, uint32(id), seen[id>>32])
			}
			seen[id>>32]++
		}
	}
	for w, n := range seen {
		if n != each {
			t.Errorf("writer %d: %d records", w, n)
		}
	}
}

func TestLimits(t *testing.T) {
	cfg := testConfig(vfs.System(), t.TempDir())
	cfg.TooDeep = 20
	l, err := Create(cfg, &testHost{}, jet.Signature{}, FirstGeneration)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Abandon()
	if _, _, err := l.Append(sized(nil, 60000, 1)); jet.CodeOf(err) != jet.ErrLogBufferTooSmall {
		t.Errorf("record larger than a file: %v", err)
	}
	recs := slices.Concat(sized(nil, 50, 1), sized(nil, 50, 2), sized(nil, 60000, 3))
	pos, end, n, err := l.AppendEach(recs, []int{50, 100, len(recs)})
	if n != 2 || jet.CodeOf(err) != jet.ErrLogBufferTooSmall || end != l.EndPos() || pos >= end {
		t.Errorf("of three records, one larger than a file, %d from %v to %v: %v", n, pos, end, err)
	}
	begin := (&Begin{Proc: 1, Levels: 1, Trx: 4}).Append(nil)
	rollback := (&Rollback{Proc: 1, Levels: 1}).Append(nil)
	for {
		gen, err := l.Roll(1, "test")
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = l.Append(begin)
		if deep := gen > 1+4; (jet.CodeOf(err) == jet.ErrCheckpointDepthTooDeep) != deep {
			t.Fatalf("generation %d: %v", gen, err)
		}
		_, _, err = l.Append(rollback)
		if gen == 1+12 {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	l.SetCheckpoint(jet.MakeLogPos(12, 1, 0))
	if _, _, err := l.Append(begin); err != nil {
		t.Error(err)
	}
}

// A defect met while the log is written ends the log and keeps nobody waiting.
func TestDefect(t *testing.T) {
	host := &testHost{}
	l, err := Create(testConfig(vfs.System(), t.TempDir()), host, jet.Signature{}, FirstGeneration)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Roll(1, "test"); err != nil {
		t.Fatal(err)
	}
	host.defect = "test"
	func() {
		defer func() {
			if v := recover(); v != host.defect {
				t.Errorf("recovered %v", v)
			}
		}()
		_, err := l.Roll(1, "test")
		t.Errorf("roll-over: %v", err)
	}()
	if _, _, err := l.Append((&Begin{Proc: 1, Levels: 1, Trx: 4}).Append(nil)); jet.CodeOf(err) != jet.ErrLogWriteFail {
		t.Errorf("append: %v", err)
	}
	if err := l.Close(); jet.CodeOf(err) != jet.ErrLogWriteFail {
		t.Errorf("close: %v", err)
	}
}

func TestCircularLogging(t *testing.T) {
	dir := t.TempDir()
	cfg := testConfig(vfs.System(), dir)
	cfg.Circular = true
	host := &testHost{}
	l, err := Create(cfg, host, jet.Signature{}, FirstGeneration)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	lowest := func() int32 {
		l.filesTask.Wait()
		d, err := FindLogs(vfs.System().FS, dir, cfg.Naming)
		if err != nil {
			t.Fatal(err)
		}
		return d.Lowest()
	}
	var gen int32
	for range 8 {
		if gen, err = l.Roll(1, "test"); err != nil {
			t.Fatal(err)
		}
	}
	if low := lowest(); low != 1 {
		t.Errorf("lowest log %d with the checkpoint in 1", low)
	}
	host.keep.Store(3)
	l.SetCheckpoint(jet.MakeLogPos(7, 1, 0))
	if low := lowest(); low > 3 {
		t.Errorf("lowest log %d, 3 is to be kept", low)
	}
	host.keep.Store(0)
	l.SetCheckpoint(jet.MakeLogPos(gen, 1, 0))
	if low := lowest(); low < gen-spareArchives || low > gen {
		t.Errorf("lowest log %d with the checkpoint in %d", low, gen)
	}
	for range 5 {
		if gen, err = l.Roll(1, "test"); err != nil {
			t.Fatal(err)
		}
		l.SetCheckpoint(jet.MakeLogPos(gen, 1, 0))
	}
	h, err := ReadHeader(vfs.System().FS, join(dir, cfg.Naming.Current()))
	if err != nil || h.Flags != LogCircular|LogCircularOnce {
		t.Errorf("flags %d, %v", h.Flags, err)
	}
}

// nullFS takes all writes and does none, to measure what the disk does not cost.
type nullFS struct{ vfs.FS }

type nullFile struct{ vfs.File }

func (f nullFS) Open(path string, mode vfs.OpenMode) (vfs.File, error) {
	file, err := f.FS.Open(path, mode)
	return nullFile{file}, err
}

func (nullFile) WriteAt([]byte, int64) error { return nil }
func (nullFile) Sync() error                 { return nil }

func BenchmarkAppend150(b *testing.B) {
	env := vfs.System()
	env.FS = nullFS{env.FS}
	cfg := testConfig(env, b.TempDir())
	cfg.FileKB, cfg.BufferUnits = 64<<10, 8192
	l, err := Create(cfg, &testHost{}, jet.Signature{}, FirstGeneration)
	if err != nil {
		b.Fatal(err)
	}
	defer l.Abandon()
	rec := sized(nil, 150, 1)
	b.SetBytes(150)
	for b.Loop() {
		if _, _, err := l.Append(rec); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCommit makes durable commits of one record each, from 1 to 64 goroutines.
func BenchmarkCommit(b *testing.B) {
	for _, writers := range []int{1, 2, 8, 64} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			cfg := testConfig(vfs.System(), b.TempDir())
			cfg.FileKB, cfg.BufferUnits = 5120, 126
			l, err := Create(cfg, &testHost{}, jet.Signature{}, FirstGeneration)
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			var next atomic.Uint32
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ResetTimer()
			var wg sync.WaitGroup
			for w := range writers {
				wg.Go(func() {
					rec := sized(nil, 150, uint64(w))
					for left.Add(-1) >= 0 {
						if _, _, err := l.Append(rec); err != nil {
							b.Error(err)
							return
						}
						_, _, end, err := l.AppendCommit(1, &next, nil)
						if err == nil {
							err = l.Flush(end)
						}
						if err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
		})
	}
}
