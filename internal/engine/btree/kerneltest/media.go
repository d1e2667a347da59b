package kerneltest

import (
	"slices"
	"sync"
	"sync/atomic"

	"esent/internal/jet"
	"esent/internal/logstore"
)

// Log is a log in memory. It is a version.Log.
type Log struct {
	mu      sync.Mutex
	records [][]byte
	end     uint64
	durable uint64
	// Fail, when set, is asked before each append.
	Fail func(rec []byte) error
}

const firstPos = uint64(1) << 32

func (l *Log) append(rec []byte) (pos, end jet.LogPos) {
	if l.end == 0 {
		l.end = firstPos
	}
	pos = jet.LogPos(l.end)
	l.end += uint64(len(rec))
	l.records = append(l.records, append([]byte(nil), rec...))
	return pos, jet.LogPos(l.end)
}

// Append implements version.Log.
func (l *Log) Append(rec []byte) (pos, end jet.LogPos, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.Fail != nil {
		if err := l.Fail(rec); err != nil {
			return 0, 0, err
		}
	}
	pos, end = l.append(rec)
	return pos, end, nil
}

// AppendEach implements version.Log.
func (l *Log) AppendEach(recs []byte, ends []int) (pos, end jet.LogPos, n int, err error) {
	from := 0
	for i, to := range ends {
		at, behind, err := l.Append(recs[from:to])
		if err != nil {
			return pos, end, i, err
		}
		if i == 0 {
			pos = at
		}
		end, from = behind, to
	}
	return pos, end, len(ends), nil
}

// AwaitRoom does nothing: there is always room.
func (l *Log) AwaitRoom() {}

// AppendCommit implements version.Log.
func (l *Log) AppendCommit(proc jet.ProcID, next *atomic.Uint32) (jet.Trx, jet.LogPos, jet.LogPos, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	trx := jet.Trx(next.Add(4))
	r := logstore.Commit0{Proc: proc, Trx: trx}
	pos, end := l.append(r.Append(nil))
	return trx, pos, end, nil
}

// Flush implements version.Log.
func (l *Log) Flush(end jet.LogPos) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.durable = max(l.durable, min(uint64(end), l.end))
	return nil
}

// DurablePos implements version.Log.
func (l *Log) DurablePos() jet.LogPos {
	l.mu.Lock()
	defer l.mu.Unlock()
	return jet.LogPos(l.durable)
}

// Records are all records.
func (l *Log) Records() [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.records)
}

// Bytes is the length of all records.
func (l *Log) Bytes() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.end == 0 {
		return 0
	}
	return l.end - firstPos
}

// File is a database file in memory. It is a cache.Store and a space.Grower.
type File struct {
	mu       sync.Mutex
	pageSize int
	data     []byte
	Writes   int
}

func (f *File) slice(first jet.Pgno, n int) []byte {
	at := int(first-1) * f.pageSize
	if first == 0 || at+n > len(f.data) {
		return nil
	}
	return f.data[at : at+n]
}

// Grow implements space.Grower.
func (f *File) Grow(last jet.Pgno) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := int(last) * f.pageSize; n > len(f.data) {
		f.data = append(f.data, make([]byte, n-len(f.data))...)
	}
	return nil
}

// ReadPages implements cache.Store.
func (f *File) ReadPages(first jet.Pgno, buf []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.slice(first, len(buf))
	if b == nil {
		return jet.ErrFileIOBeyondEOF
	}
	blank := true
	for _, c := range b[:f.pageSize] {
		if c != 0 {
			blank = false
			break
		}
	}
	if blank {
		return jet.ErrPageNotInitialized
	}
	copy(buf, b)
	return nil
}

// WritePages implements cache.Store.
func (f *File) WritePages(first jet.Pgno, buf []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.slice(first, len(buf))
	if b == nil {
		return jet.ErrDiskIO
	}
	copy(b, buf)
	f.Writes++
	return nil
}

// BeginWrite implements cache.Store.
func (f *File) BeginWrite(jet.Pgno, int) bool { return true }

// EndWrite implements cache.Store.
func (f *File) EndWrite(jet.Pgno, int) {}

// FlushType implements cache.Store.
func (f *File) FlushType(jet.Pgno) uint8 { return 0 }

// Sync implements cache.Store.
func (f *File) Sync() error { return nil }
