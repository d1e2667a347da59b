package record

// tagEdit changes the tagged part of the record in a Buffer. The record has been checked, so its offsets are
// trusted.
type tagEdit struct {
	b     *Buffer
	start int // where the tagged part begins
	t     tagged
}

func (b *Buffer) editTagged() (e tagEdit, ok bool) {
	l, ok := layoutOf(b.data)
	if !ok {
		return e, false
	}
	e = tagEdit{b: b, start: l.taggedStart()}
	e.t, ok = l.tagged(b.schema.Large)
	return e, ok
}

// refresh lets t see the record's bytes after it was resized.
func (e *tagEdit) refresh() { e.t.b = e.b.data[e.start:] }

// bytes are field i's data with its header byte.
func (e *tagEdit) bytes(i int) []byte { return e.t.b[e.t.ib(i):e.t.ib(i+1)] }

// size is the length of bytes(i).
func (e *tagEdit) size(i int) int { return e.t.ib(i+1) - e.t.ib(i) }

// shift adds delta to the offsets of fields from to upto-1; it leaves their flags.
func (e *tagEdit) shift(from, upto, delta int) {
	for i := from; i < upto; i++ {
		at := tagfldSize*i + 2
		putLE16(e.t.b, at, le16(e.t.b, at)+delta)
	}
}

// setFlags gives field i's TAGFLD other flags (small pages), keeping Derived.
func (e *tagEdit) setFlags(i, flags int) {
	if e.t.large {
		return
	}
	at := tagfldSize*i + 2
	putLE16(e.t.b, at, le16(e.t.b, at)&(tagDerived|tagMaskSmall)|flags)
}

// splice replaces del bytes at offset off of field i's data by ins bytes of any content.
func (e *tagEdit) splice(i, off, del, ins int) {
	e.b.splice(e.start+e.t.ib(i)+off, del, ins)
	e.refresh()
	e.shift(i+1, e.t.n, ins-del)
}

// insert adds a field at place i with size bytes of data of any content. tagFlags are the flags of its TAGFLD.
func (e *tagEdit) insert(i int, fid uint16, tagFlags, size int) {
	data := len(e.t.b)
	if i < e.t.n {
		data = e.t.ib(i)
	}
	e.b.splice(e.start+data, 0, size)
	e.b.splice(e.start+tagfldSize*i, 0, tagfldSize)
	e.t.n++
	e.refresh()
	putLE16(e.t.b, tagfldSize*i, int(fid))
	putLE16(e.t.b, tagfldSize*i+2, tagFlags|data+tagfldSize)
	e.shift(0, i, tagfldSize)
	e.shift(i+1, e.t.n, tagfldSize+size)
}

// remove takes field i out.
func (e *tagEdit) remove(i int) {
	size := e.size(i)
	e.b.splice(e.start+e.t.ib(i), size, 0)
	e.b.splice(e.start+tagfldSize*i, tagfldSize, 0)
	e.t.n--
	e.refresh()
	e.shift(0, i, -tagfldSize)
	e.shift(i, e.t.n, -tagfldSize-size)
}

// The following work on fields whose data begins with a header byte and a list of MultiValues.

// multiOffset is the place of value k's offset (from 0) in the field's data.
func multiOffset(k int) int { return 1 + multiOffsetSize*k }

// shiftMulti adds delta to the offsets of values from to upto-1.
func shiftMulti(data []byte, from, upto, delta int) {
	for k := from; k < upto; k++ {
		putLE16(data, multiOffset(k), le16(data, multiOffset(k))+delta)
	}
}

// multiRange is where value k of n lies, relative to the offsets.
func multiRange(data []byte, k, n int) (start, end int) {
	start, end = le16(data, multiOffset(k))&multiMask, len(data)-1
	if k+1 < n {
		end = le16(data, multiOffset(k+1)) & multiMask
	}
	return start, end
}

// spliceMulti makes value k of n size bytes long, with any content, and gives the place.
func (e *tagEdit) spliceMulti(i, k, n, size int) []byte {
	start, end := multiRange(e.bytes(i), k, n)
	e.splice(i, 1+start, end-start, size)
	data := e.bytes(i)
	shiftMulti(data, k+1, n, size-(end-start))
	return data[1+start : 1+start+size]
}
