package page

import (
	"slices"
	"sync"

	"esent/internal/jet"
)

// Changes to a page. The caller holds the exclusive latch and has asked Fits; a change that the page cannot
// take gives an error and leaves the page as it was. Arguments must not lie in the page itself.

var (
	errNoSpace = jet.ErrDatabaseCorrupted.Errorf("page: line does not fit")
	errNoLine  = jet.ErrDatabaseCorrupted.Errorf("page: no such line")
	errTags    = jet.ErrPageTagCorrupted.Errorf("page: lines overlap or reach out of the data area")
	errPrefix  = jet.ErrNodeCorrupted.Errorf("page: prefix length does not agree with the page's prefix key")
)

// maxTags is the most tags that a page's counter can hold.
const maxTags = tagCountMask

// CommonPrefix is the length of key's common prefix with the page's prefix key as a node stores it: 0 when
// it is not above MinPrefix (spec chapter 03, 1.3).
func (p Page) CommonPrefix(key []byte) int { return usefulPrefix(commonLen(p.PrefixKey(), key)) }

func usefulPrefix(common int) int {
	if common <= MinPrefix {
		return 0
	}
	return common
}

func encodedSize(cbPrefix, cbSuffix, cbData int) int {
	if cbPrefix > 0 {
		return 4 + cbSuffix + cbData
	}
	return 2 + cbSuffix + cbData
}

// EncodedSize is the room that a node with this key and cbData bytes of data takes of a page with a prefix key, its tag
// included, and the length of the prefix in it: what NodeSize and CommonPrefix say of the page.
func EncodedSize(prefix, key []byte, cbData int) (cbPrefix, size int) {
	cbPrefix = usefulPrefix(commonLen(prefix, key))
	return cbPrefix, encodedSize(cbPrefix, len(key)-cbPrefix, cbData) + tagSize
}

// NodeSize is the room that a node with this key and cbData bytes of data takes of this page, its tag
// included (CbNodeCompressed, spec chapter 03, 1.4).
func (p Page) NodeSize(key []byte, cbData int) int {
	_, size := EncodedSize(p.PrefixKey(), key, cbData)
	return size
}

// LinesLeft is how many more lines the page's counter can hold.
func (p Page) LinesLeft() int { return maxTags - p.tagCount() }

// Fits says whether a new node of size bytes, tag included, fits without taking space that a rollback may need.
func (p Page) Fits(size int) bool {
	return size <= p.FreeBytes() && p.tagCount() < maxTags
}

func total(data [][]byte) (n int) {
	for _, d := range data {
		n += len(d)
	}
	return n
}

// InsertLine puts a node before line i, or behind the last. NodeCompressed in flags does not count: the key
// is compressed exactly as far as the page's prefix key allows. data are the pieces of the node's data.
func (p Page) InsertLine(i int, key []byte, flags NodeFlags, data ...[]byte) error {
	q := p.CommonPrefix(key)
	return p.insertNode(i, q, nil, key[q:], flags, data)
}

// InsertEncoded puts a node before line i whose key is the first cbPrefix bytes of the page's prefix key and
// suffix: what an Insert log record tells.
func (p Page) InsertEncoded(i, cbPrefix int, suffix []byte, flags NodeFlags, data ...[]byte) error {
	if cbPrefix < 0 || cbPrefix > len(p.PrefixKey()) {
		return errPrefix
	}
	return p.insertNode(i, cbPrefix, nil, suffix, flags, data)
}

// InsertNode puts a copy of n, a node of another page, before line i, encoded against this page's prefix key.
func (p Page) InsertNode(i int, n Node) error {
	prefix := p.PrefixKey()
	q := commonLen(prefix, n.Prefix)
	if q == len(n.Prefix) {
		q += commonLen(prefix[q:], n.Suffix)
	}
	q = usefulPrefix(q)
	var s1 []byte
	s2 := n.Suffix
	if q < len(n.Prefix) {
		s1 = n.Prefix[q:]
	} else {
		s2 = n.Suffix[q-len(n.Prefix):]
	}
	return p.insertNode(i, q, s1, s2, n.Flags, [][]byte{n.Data})
}

// AppendNode puts a copy of n, a node of another page, behind the last line.
func (p Page) AppendNode(n Node) error { return p.InsertNode(p.Lines(), n) }

func (p Page) insertNode(i, cbPrefix int, s1, s2 []byte, flags NodeFlags, data [][]byte) error {
	cbSuffix := len(s1) + len(s2)
	if cbSuffix > keyLenMask || cbPrefix > keyLenMask {
		return errNoSpace
	}
	cb := encodedSize(cbPrefix, cbSuffix, total(data))
	flags &= NodeVersion | NodeDeleted
	if cbPrefix > 0 {
		flags |= NodeCompressed
	}
	b, err := p.insertTag(i, cb, flags)
	if err != nil {
		return err
	}
	if cbPrefix > 0 {
		putLen(b, cbPrefix)
		b = b[2:]
	}
	putLen(b, cbSuffix)
	b = b[2:]
	b = b[copy(b, s1):]
	b = b[copy(b, s2):]
	for _, d := range data {
		b = b[copy(b, d):]
	}
	if p.Large() {
		p.storeLargeFlags(i, flags)
	}
	return nil
}

func putLen(b []byte, n int) { b[0], b[1] = byte(n), byte(n>>8) }

// storeLargeFlags writes the flags that a large page keeps in the first length field of line i.
func (p Page) storeLargeFlags(i int, flags NodeFlags) {
	t, tags, _ := p.lineTag(i)
	if b := p.tagBytes(t, tags); len(b) >= 2 {
		b[1] = b[1]&0x1F | byte(flags)<<5
	}
}

// insertTag makes room for line i of cb bytes and gives its bytes.
func (p Page) insertTag(i, cb int, flags NodeFlags) ([]byte, error) {
	tags, reserved := p.counts()
	t := i + reserved
	if i < 0 || t > tags {
		return nil, errNoLine
	}
	if cb+tagSize > p.CbFree() || tags >= maxTags {
		return nil, errNoSpace
	}
	if p.contiguous() < cb+tagSize {
		if err := p.reorganize(-1); err != nil {
			return nil, err
		}
		if p.contiguous() < cb+tagSize {
			return nil, errTags
		}
	}
	end := len(p) - tagSize*t
	low := len(p) - tagSize*tags
	copy(p[low-tagSize:], p[low:end])
	p.setTagCount(tags + 1)
	ib := p.micFree()
	if p.Large() {
		flags = 0
	}
	p.setTag(t, ib, cb, flags)
	p.setMicFree(ib + cb)
	p.setCbFree(p.CbFree() - cb - tagSize)
	off := p.HeaderSize() + ib
	return p[off : off+cb : off+cb], nil
}

// ReplaceData gives line i other data, in pieces; key and flags stay.
func (p Page) ReplaceData(i int, data ...[]byte) error {
	t, tags, ok := p.lineTag(i)
	if !ok {
		return errNoLine
	}
	raw, flags := p.rawLine(i)
	key := keyEnd(raw, flags)
	if _, cb := p.tag(t); cb != len(raw) {
		return errTags
	}
	if err := p.resizeTag(t, tags, key+total(data), key); err != nil {
		return err
	}
	b := p.tagBytes(t, tags)[key:]
	for _, d := range data {
		b = b[copy(b, d):]
	}
	return nil
}

// SetExtHeader replaces the external header. On pages whose prefix key it is, no node may be compressed:
// SetPrefix changes it with nodes present.
func (p Page) SetExtHeader(b []byte) error {
	tags := p.tagCount()
	if tags == 0 {
		return errNoLine
	}
	if err := p.resizeTag(0, tags, len(b), 0); err != nil {
		return err
	}
	copy(p.tagBytes(0, tags), b)
	return nil
}

// resizeTag gives tag t the length cb and keeps its first keep bytes.
func (p Page) resizeTag(t, tags, cb, keep int) error {
	ib, old := p.tag(t)
	grow := cb - old
	if grow > p.CbFree() {
		return errNoSpace
	}
	flags := p.tagFlags(t)
	last := ib+old == p.micFree()
	switch {
	case grow <= 0:
	case last && p.contiguous() >= grow:
	case p.contiguous() >= cb:
		mic := p.micFree()
		off := p.HeaderSize()
		copy(p[off+mic:], p.tagBytes(t, tags)[:keep])
		p.setTag(t, mic, cb, flags)
		p.setMicFree(mic + cb)
		p.setCbFree(p.CbFree() - grow)
		return nil
	default:
		if err := p.reorganize(t); err != nil {
			return err
		}
		if p.contiguous() < grow {
			return errTags
		}
		ib, _ = p.tag(t)
		last = true
	}
	p.setTag(t, ib, cb, flags)
	if last {
		p.setMicFree(p.micFree() + grow)
	}
	p.setCbFree(p.CbFree() - grow)
	return nil
}

// ReplaceKey gives line i another key; data and flags stay.
func (p Page) ReplaceKey(i int, key []byte) error {
	n := p.Line(i)
	q := p.CommonPrefix(key)
	raw, _ := p.rawLine(i)
	if len(key)-q > keyLenMask || encodedSize(q, len(key)-q, len(n.Data))-len(raw) > p.CbFree() {
		return errNoSpace
	}
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	data := s.data[:copy(s.data[:], n.Data)]
	if err := p.DeleteLine(i); err != nil {
		return err
	}
	return p.insertNode(i, q, nil, key[q:], n.Flags, [][]byte{data})
}

// DeleteLine removes line i.
func (p Page) DeleteLine(i int) error {
	t, tags, ok := p.lineTag(i)
	if !ok {
		return errNoLine
	}
	ib, cb := p.tag(t)
	free := p.CbFree() + cb + tagSize
	if free > len(p)-p.HeaderSize() {
		return errTags
	}
	if ib+cb == p.micFree() {
		p.setMicFree(ib)
	}
	p.setCbFree(free)
	low := len(p) - tagSize*tags
	copy(p[low+tagSize:], p[low:len(p)-tagSize*(t+1)])
	p.setTagCount(tags - 1)
	if free+tagSize+p.HeaderSize() == len(p) {
		p.setMicFree(0)
	}
	return nil
}

// scratch is memory for one re-arrangement of a page.
type scratch struct {
	data  [MaxSize]byte
	order [maxTags + 1]uint32
	right [maxTags + 2]uint32
	stack [maxTags + 1]uint16
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// Reorganize moves all lines together, so that all free bytes are contiguous. Lines keep their physical order.
func (p Page) Reorganize() error { return p.reorganize(-1) }

// FillFree moves all lines together and makes every free byte v.
func (p Page) FillFree(v byte) error {
	if err := p.Reorganize(); err != nil {
		return err
	}
	free := p[p.HeaderSize()+p.micFree() : len(p)-tagSize*p.tagCount()]
	for i := range free {
		free[i] = v
	}
	return nil
}

// reorganize moves the lines together in the order of their offsets, but tag last, if not -1, behind all others.
func (p Page) reorganize(last int) error {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	tags := p.tagCount()
	area := len(p) - p.HeaderSize() - tagSize*tags
	mic := p.micFree()
	if mic > area {
		return errTags
	}
	sum := 0
	for t := range tags {
		ib, cb := p.tag(t)
		if cb > 0 && ib+cb > mic {
			return errTags
		}
		sum += cb
		if t == last {
			ib = MaxSize
		}
		s.order[t] = uint32(ib)<<12 | uint32(t)
	}
	if sum+p.CbFree() != area {
		return errTags
	}
	order := s.order[:tags]
	slices.Sort(order)
	data := []byte(p[p.HeaderSize():])
	old := s.data[:copy(s.data[:], data[:mic])]
	run := 0
	for _, o := range order {
		t := int(o & tagCountMask)
		ib, cb := p.tag(t)
		if cb > 0 {
			copy(data[run:], old[ib:ib+cb])
		}
		p.setTag(t, run, cb, p.tagFlags(t))
		run += cb
	}
	p.setMicFree(run)
	return nil
}
