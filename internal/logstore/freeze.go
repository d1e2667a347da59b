package logstore

import "esent/internal/jet"

// Freeze makes everything durable that is appended, with rec behind it, and then holds the log's files still until the
// function thaw that it gives is called: that must happen, and once. Appends go on as far as there are buffers; who
// waits for durability waits for thaw.
//
// Without circular logging rec begins a new generation. It is the first that thaw has written: meanwhile all logs are
// archives, the new one is complete under its temporary name, and there is no current log, which recovery takes for a
// roll-over that was interrupted (spec chapter 06, 10.2). With circular logging rec goes where it belongs, and there is
// no temporary log.
func (l *Log) Freeze(rec []byte) (pos jet.LogPos, thaw func() error, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.lockWriting(rec); err != nil {
		return 0, nil, err
	}
	if l.circular.Load() {
		return l.freezeCircular(rec)
	}
	if l.isec > 0 {
		l.closeSegment()
		if err := l.nextGeneration(); err != nil {
			l.unlockWriting()
			return 0, nil, err
		}
	}
	pos, _ = l.put(rec)
	// Everything in front of rec is of older generations.
	if err := l.writeUpTo(l.cur); err != nil {
		l.unlockWriting()
		return 0, nil, err
	}
	gen := pos.Gen()
	l.mu.Unlock()
	h, err := l.archive(gen)
	l.mu.Lock()
	if err != nil {
		l.fail(err)
		l.unlockWriting()
		return 0, nil, l.err
	}
	l.frozen.Store(true)
	return pos, func() error { return l.thaw(h) }, nil
}

// AwaitRoom waits while the log is frozen and half of its buffers are full. Who is about to latch pages and append
// records calls it before, as nobody can use a page whose change waits for room in the log.
func (l *Log) AwaitRoom() {
	if !l.frozen.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.frozen.Load() && l.err == nil && l.cur-l.reusable > uint64(len(l.places))/2 {
		l.written.Wait()
	}
}

// lockWriting keeps others from writing, with room for rec in the buffers. mu is held, and given up meanwhile.
func (l *Log) lockWriting(rec []byte) error {
	for l.writing {
		l.written.Wait()
	}
	if err := l.admit(RecType(rec[0])); err != nil {
		return err
	}
	l.writing = true
	const room = 4
	for l.cur+room >= l.reusable+uint64(len(l.places)) {
		l.closeSegment()
		if err := l.writeUpTo(l.cur + 1); err != nil {
			l.unlockWriting()
			return err
		}
	}
	return nil
}

func (l *Log) unlockWriting() {
	l.writing = false
	l.frozen.Store(false)
	l.written.Broadcast()
}

// writeUpTo writes the segments below to, which are closed. mu is held, and given up meanwhile.
func (l *Log) writeUpTo(to uint64) error {
	from := l.unwritten
	if to <= from {
		return nil
	}
	l.unwritten = to
	l.mu.Unlock()
	err := l.write(from, to)
	l.mu.Lock()
	if err != nil {
		l.fail(err)
		return l.err
	}
	l.reusable = to
	p := l.places[(to-1)%uint64(len(l.places))]
	l.durable.Store(uint64(jet.MakeLogPos(p.gen, p.isec+1, 0)))
	l.written.Broadcast()
	return nil
}

// archive makes the current log an archive and the one of generation gen complete under its temporary name. It leaves
// prep locked if it succeeds.
func (l *Log) archive(gen int32) (*Header, error) {
	h := l.newHeader(gen, l.header)
	l.prep.Lock()
	err := l.archiveFile(h, l.header)
	if err == nil {
		err = l.fs.SyncDir(l.cfg.LogDir)
	}
	if err != nil {
		l.prep.Unlock()
		return nil, err
	}
	return h, nil
}

// thaw makes the log that archive has prepared the current one.
func (l *Log) thaw(h *Header) error {
	err := l.nameFile()
	l.prep.Unlock()
	if err == nil {
		err = l.beginWith(h)
	}
	if err == nil {
		err = l.host.GenerationBegun(h.Gen, h.Created)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.fail(err)
	}
	l.unlockWriting()
	l.filesTask.Kick()
	return l.err
}

// freezeCircular is Freeze with circular logging. mu is held.
func (l *Log) freezeCircular(rec []byte) (pos jet.LogPos, thaw func() error, err error) {
	if _, ok := l.fitAll(int(l.isec), l.fill, len(rec), nil); !ok {
		l.closeSegment()
		if err := l.nextGeneration(); err != nil {
			l.unlockWriting()
			return 0, nil, err
		}
	}
	pos, _ = l.put(rec)
	l.closeSegment()
	if err := l.writeUpTo(l.cur + 1); err != nil {
		l.unlockWriting()
		return 0, nil, err
	}
	l.mu.Unlock()
	l.prep.Lock()
	err = l.fs.Remove(l.path(l.cfg.Naming.Temp()))
	if absent(err) {
		err = nil
	}
	l.tempReady = false
	l.mu.Lock()
	if err != nil {
		l.prep.Unlock()
		l.unlockWriting()
		return 0, nil, err
	}
	l.frozen.Store(true)
	return pos, func() error {
		l.prep.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		l.unlockWriting()
		l.filesTask.Kick()
		return l.err
	}, nil
}
