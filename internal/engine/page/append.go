package page

// Appender puts lines behind the last one of a page, with the same effect as InsertLine. It keeps at hand what
// InsertLine looks up for each line, so the page is whole only after Close, and nobody else changes it until then.
type Appender struct {
	p         Page
	prefix    []byte
	tags      int
	mic, free int
}

// Appender begins adding lines behind the last one.
func (p Page) Appender() Appender {
	return Appender{p: p, prefix: p.PrefixKey(), tags: p.tagCount(), mic: p.micFree(), free: p.CbFree()}
}

// Append adds a line. cbPrefix is what CommonPrefix says of its key. NodeCompressed in flags does not count.
func (a *Appender) Append(cbPrefix int, key []byte, flags NodeFlags, data []byte) error {
	if cbPrefix > len(a.prefix) || cbPrefix > len(key) {
		return errPrefix
	}
	suffix := key[cbPrefix:]
	if len(suffix) > keyLenMask || cbPrefix > keyLenMask {
		return errNoSpace
	}
	cb := encodedSize(cbPrefix, len(suffix), len(data))
	if cb+tagSize > a.free || a.tags >= maxTags {
		return errNoSpace
	}
	p, header := a.p, a.p.HeaderSize()
	if a.contiguous(header) < cb+tagSize {
		a.Close()
		if err := p.reorganize(-1); err != nil {
			return err
		}
		if *a = p.Appender(); a.contiguous(header) < cb+tagSize {
			return errTags
		}
	}
	flags &= NodeVersion | NodeDeleted
	off := header + a.mic
	b := p[off : off+cb : off+cb]
	rest := b
	if cbPrefix > 0 {
		flags |= NodeCompressed
		putLen(rest, cbPrefix)
		rest = rest[2:]
	}
	putLen(rest, len(suffix))
	rest = rest[2:]
	copy(rest[copy(rest, suffix):], data)
	if p.Large() {
		b[1] |= byte(flags) << 5
		flags = 0
	}
	p.setTag(a.tags, a.mic, cb, flags)
	a.tags, a.mic, a.free = a.tags+1, a.mic+cb, a.free-cb-tagSize
	return nil
}

func (a *Appender) contiguous(header int) int { return len(a.p) - header - a.mic - tagSize*a.tags }

// Close makes the page whole. The Appender may be used further.
func (a *Appender) Close() {
	a.p.setTagCount(a.tags)
	a.p.setMicFree(a.mic)
	a.p.setCbFree(a.free)
}
