package sort

import (
	"esent/internal/jet"
	"esent/internal/vfs"
)

// run is a part of the file with entries in order.
type run struct{ from, to int64 }

const (
	// runBuffer is how much of a run is read or written at once.
	runBuffer = 64 << 10
	// mostRuns is how many runs a scan merges at once.
	mostRuns = 64
)

// spill orders the entries in memory and writes them to the file as a run.
func (s *Sorter) spill() error {
	if s.file == nil {
		f, err := s.conf.FS.Open(s.conf.Path, vfs.CreateTruncate)
		if err != nil {
			return err
		}
		s.file = f
	}
	if len(s.runs) == mostRuns {
		if err := s.mergeRuns(); err != nil {
			return err
		}
	}
	s.order()
	w := runWriter{s: s, from: s.end}
	for i, e := range s.entries {
		if i%touchAhead == 0 {
			s.touch(i)
		}
		key, data := s.at(e)
		if err := w.add(key, data); err != nil {
			return err
		}
	}
	if err := w.finish(); err != nil {
		return err
	}
	s.runs = append(s.runs, run{w.from, s.end})
	s.empty()
	return nil
}

// mergeRuns makes one run of all there are. The place of the old ones in the file stays unused.
func (s *Sorter) mergeRuns() error {
	sc := Scan{s: s}
	if err := sc.open(); err != nil {
		return err
	}
	w := runWriter{s: s, from: s.end}
	for {
		key, data, err := sc.Next()
		if err != nil {
			return err
		}
		if key == nil {
			break
		}
		if err := w.add(key, data); err != nil {
			return err
		}
	}
	if err := w.finish(); err != nil {
		return err
	}
	s.runs = append(s.runs[:0], run{w.from, s.end})
	return nil
}

// runWriter writes a run behind the end of the file.
type runWriter struct {
	s    *Sorter
	from int64
}

func (w *runWriter) add(key, data []byte) error {
	w.s.buf = appendEntry(w.s.buf, key, data)
	if len(w.s.buf) < runBuffer {
		return nil
	}
	return w.finish()
}

func (w *runWriter) finish() error {
	s := w.s
	if len(s.buf) == 0 {
		return nil
	}
	if err := s.file.WriteAt(s.buf, s.end); err != nil {
		return err
	}
	s.end += int64(len(s.buf))
	s.buf = s.buf[:0]
	return nil
}

// reader reads a run.
type reader struct {
	file     vfs.File
	at, to   int64 // what is not in buf yet
	buf      []byte
	pos      int // in buf, of what was not read yet
	key      []byte
	data     []byte
	finished bool
}

// next goes to the next entry.
func (r *reader) next() error {
	for {
		key, data, size := cutEntry(r.buf[r.pos:])
		if size > 0 {
			r.key, r.data, r.pos = key, data, r.pos+size
			return nil
		}
		if r.at == r.to {
			if r.pos < len(r.buf) {
				return jet.ErrReadVerifyFailure.Errorf("run in %s ends inside an entry", r.file.Name())
			}
			r.finished = true
			return nil
		}
		if err := r.fill(); err != nil {
			return err
		}
	}
}

// fill reads on, and keeps what was not read yet.
func (r *reader) fill() error {
	rest := copy(r.buf[:cap(r.buf)], r.buf[r.pos:])
	r.pos = 0
	size := max(runBuffer, 2*rest)
	if cap(r.buf) < size {
		r.buf = append(make([]byte, 0, size), r.buf[:rest]...)
	}
	n := int(min(int64(size-rest), r.to-r.at))
	r.buf = r.buf[:rest+n]
	if err := r.file.ReadAt(r.buf[rest:], r.at); err != nil {
		return err
	}
	r.at += int64(n)
	return nil
}
