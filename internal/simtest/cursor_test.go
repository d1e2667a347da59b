package simtest

import (
	"bytes"
	"fmt"
	"slices"
	"sort"

	"esent/internal/engine"
	"esent/internal/jet"
)

// place is where a cursor stands.
type place uint8

const (
	first place = iota // on the first entry, which was not looked for yet
	on
	gap // where an entry would be
	before
	after
)

// cursor is a cursor with what the model knows of it.
type cursor struct {
	c   *engine.Cursor
	s   *session
	t   *table
	x   *index // nil for the primary one
	at  place
	pos entry
	// didSet says that the last call of set has set something.
	didSet bool
	// moved, indexed and opened are session.now when the place, the index and the cursor came about.
	moved, indexed, opened uint64
}

func (c *cursor) String() string {
	name := c.t.name
	if c.x != nil {
		name += "." + c.x.name
	}
	return fmt.Sprintf("%s@%s", name, c.place())
}

func (c *cursor) place() string {
	switch c.at {
	case on, gap:
		return fmt.Sprintf("%s %x/%x", []string{on: "on", gap: "gap"}[c.at], c.pos.key, c.pos.pk)
	}
	return []string{first: "first", before: "before", after: "after"}[c.at]
}

// unique says that the current index has each key once.
func (c *cursor) unique() bool { return c.x == nil || c.x.unique }

func (c *cursor) list() []entry { return c.s.w.m.list(c.t, c.x, c.s.view()) }

// settle goes to the first entry where that was put off.
func (c *cursor) settle() bool {
	if c.at == first {
		list := c.list()
		if len(list) == 0 {
			return false
		}
		c.at, c.pos = on, list[0]
	}
	return true
}

// compare compares an entry with the place.
func (c *cursor) compare(e entry) int {
	if c.unique() {
		return bytes.Compare([]byte(e.key), []byte(c.pos.key))
	}
	return e.compare(c.pos)
}

// murky says that the place is one of which it is not said what is next: between two entries, one of which came later.
func (c *cursor) murky() bool {
	return c.at == gap && slices.ContainsFunc(c.list(), func(e entry) bool { return e.key == c.pos.key })
}

// step moves to the next or previous entry.
func (c *cursor) step(back bool) bool {
	c.moved = c.s.now
	if !c.settle() {
		c.at = after
		if back {
			c.at = before
		}
		return false
	}
	list := c.list()
	n := 0 // of the entry
	switch c.at {
	case on, gap:
		n = sort.Search(len(list), func(i int) bool { return c.compare(list[i]) >= 0 })
		if back {
			n--
		} else if n < len(list) && c.compare(list[n]) == 0 {
			n++
		}
	case before:
		if back {
			return false
		}
	case after:
		n = len(list) - 1
		if !back {
			return false
		}
	}
	if n < 0 || n >= len(list) {
		c.at = after
		if back {
			c.at = before
		}
		return false
	}
	c.at, c.pos = on, list[n]
	return true
}

// content is the record that the cursor is on, or why there is none. refused says that the call gives up before it looks
// for the first entry, where that was put off.
func (c *cursor) content(refused bool) (row, jet.Err) {
	if refused || !c.settle() || c.at != on {
		return nil, jet.ErrNoCurrentRecord
	}
	if r := c.t.records[c.pos.pk]; r != nil {
		if content, ok := r.read(c.t, c.s.view()); ok {
			return content, 0
		}
	}
	return nil, jet.ErrRecordDeleted
}

// setIndex selects an index and goes to its first entry.
func (c *cursor) setIndex(x *index) {
	s := c.s
	name := ""
	if x != nil {
		name = x.name
	}
	s.w.run(call{what: fmt.Sprintf("%v: index %q", c, name), ses: s, want: []jet.Err{0},
		do: func() error { return c.c.SetCurrentIndex(s.s, name, nil, jet.BitMoveFirst, 1) },
		effect: func() {
			if x != nil && x != c.x {
				c.indexed = s.now
			}
			c.x, c.at = x, first
		}})
}

// badIndex tries to select an index that the session may not use.
func (c *cursor) badIndex(x *index) {
	if c.x != nil {
		return
	}
	s := c.s
	s.w.run(call{what: fmt.Sprintf("%v: bad index %q", c, x.name), ses: s, want: []jet.Err{jet.ErrIndexNotFound},
		do: func() error { return c.c.SetCurrentIndex(s.s, x.name, nil, jet.BitMoveFirst, 1) }})
}

// position puts the cursor somewhere.
func (c *cursor) position() {
	r := c.s.w.rng
	if r.IntN(2) == 0 {
		choice := append([]*index{nil}, c.t.secondary(c.s.view())...)
		c.setIndex(choice[r.IntN(len(choice))])
	} else if len(c.t.indexes) > 0 {
		if x := c.t.indexes[r.IntN(len(c.t.indexes))]; !x.usable(c.s.view()) && r.IntN(4) == 0 {
			c.badIndex(x)
		}
	}
	switch r.IntN(5) {
	case 0:
		c.edge(false)
	case 1:
		c.edge(true)
	default:
		if !c.seek() {
			c.edge(r.IntN(2) == 0)
		}
	}
}

// edge goes to the first or last entry.
func (c *cursor) edge(last bool) {
	s := c.s
	rows := int32(engine.MoveFirst)
	if last {
		rows = engine.MoveLast
	}
	c.moved = s.now
	list := c.list()
	want := jet.Err(0)
	if len(list) == 0 {
		want = jet.ErrNoCurrentRecord
	}
	what := fmt.Sprintf("%v: move to edge, last %v", c, last)
	switch {
	case len(list) == 0 && last:
		c.at = after
	case len(list) == 0:
		c.at = before
	case last:
		c.at, c.pos = on, list[len(list)-1]
	default:
		c.at, c.pos = on, list[0]
	}
	s.w.run(call{what: what, ses: s, want: []jet.Err{want}, do: func() error { return c.c.Move(s.s, rows, 0) }})
	c.mark()
}

// move moves by some entries.
func (c *cursor) move(n int) {
	if c.murky() {
		c.edge(n > 0)
		return
	}
	s := c.s
	what := fmt.Sprintf("%v: move %d", c, n)
	want := jet.Err(0)
	for i := n; i != 0; {
		if !c.step(i < 0) {
			want = jet.ErrNoCurrentRecord
			break
		}
		if i > 0 {
			i--
		} else {
			i++
		}
	}
	s.w.run(call{what: what, ses: s, want: []jet.Err{want}, do: func() error { return c.c.Move(s.s, int32(n), 0) }})
	c.mark()
}

// stay is JetMove(0).
func (c *cursor) stay() {
	s := c.s
	want := jet.Err(jet.ErrNoCurrentRecord)
	if c.settle() && c.at == on {
		want = jet.ErrRecordDeleted
		if slices.ContainsFunc(c.list(), func(e entry) bool { return c.compare(e) == 0 }) {
			want = 0
		}
	}
	s.w.run(call{what: fmt.Sprintf("%v: move 0", c), ses: s, want: []jet.Err{want}, do: func() error { return c.c.Move(s.s, 0, 0) }})
}

// mark compares the cursor's bookmark and key with the model's.
func (c *cursor) mark() {
	if c.at != on {
		return
	}
	s, w := c.s, c.s.w
	n, err := c.c.Bookmark(s.s, w.buf)
	w.cut(err, "JetGetBookmark")
	got := entry{pk: string(w.buf[:n])}
	n, _, err = c.c.RetrieveKey(s.s, w.buf, 0)
	w.cut(err, "JetRetrieveKey")
	if got.key = string(w.buf[:n]); got != c.pos {
		w.fail("session %d: %v: is on %x/%x", s.n, c, got.key, got.pk)
	}
}

// seek seeks with a key made up, often of an entry that there is; false if the index has no key.
func (c *cursor) seek() bool {
	s, w := c.s, c.s.w
	r := w.rng
	x := c.x
	if x == nil {
		x = c.t.primary
	}
	if x == nil {
		return false
	}
	v := s.view()
	var from row
	if list := w.m.list(c.t, nil, v); len(list) > 0 {
		from, _ = c.t.records[list[r.IntN(len(list))].pk].read(c.t, v)
	}
	count := len(x.segs)
	if r.IntN(3) == 0 {
		count = 1 + r.IntN(count)
	}
	var values [][]byte
	var k []byte
	for _, seg := range x.segs[:count] {
		var val []byte
		switch n := r.IntN(10); {
		case n < 7 && from != nil:
			val = from.get(seg.col, 1)
			if list := from.values(seg.col); len(list) > 0 {
				val = list[r.IntN(len(list))]
			}
		case n < 9:
			val = seg.col.value(r)
		}
		values = append(values, val)
		k = seg.col.normalise(k, val, seg.descending)
	}
	if len(k) >= keyMost {
		return false
	}
	c.seekFor(values, string(k), []jet.Grbit{jet.BitSeekEQ, jet.BitSeekEQ, jet.BitSeekGE, jet.BitSeekGT, jet.BitSeekLE, jet.BitSeekLT}[r.IntN(6)])
	return true
}

// seekFor seeks with the values whose key is k.
func (c *cursor) seekFor(values [][]byte, k string, rel jet.Grbit) {
	s, w := c.s, c.s.w
	list := c.list()
	lower := sort.Search(len(list), func(i int) bool { return list[i].key >= k })
	upper := sort.Search(len(list), func(i int) bool { return list[i].key > k })
	exact := lower < upper
	n := -1 // of the entry
	warn := jet.Err(0)
	switch rel {
	case jet.BitSeekEQ:
		if exact {
			n = lower
		}
	case jet.BitSeekGE:
		n = lower
		if !exact {
			warn = jet.WrnSeekNotEqual
		}
	case jet.BitSeekGT:
		n = upper
	case jet.BitSeekLE:
		n = lower
		if !exact {
			n, warn = lower-1, jet.WrnSeekNotEqual
		}
	case jet.BitSeekLT:
		n = lower - 1
	}
	what := fmt.Sprintf("%v: seek %#x %x", c, uint32(rel), k)
	c.moved = s.now
	want := jet.Err(0)
	if n >= 0 && n < len(list) {
		c.at, c.pos = on, list[n]
	} else {
		want, warn = jet.ErrRecordNotFound, 0
		switch rel {
		case jet.BitSeekEQ:
			c.at, c.pos = gap, entry{key: k}
		case jet.BitSeekGE, jet.BitSeekGT:
			c.at = after
		default:
			c.at = before
		}
	}
	var got jet.Err
	w.run(call{what: what, ses: s, want: []jet.Err{want}, do: func() (err error) {
		for i, v := range values {
			grbit := jet.Grbit(0)
			if i == 0 {
				grbit |= jet.BitNewKey
			}
			if v != nil && len(v) == 0 {
				grbit |= jet.BitKeyDataZeroLength
			}
			if err := c.c.MakeKey(s.s, v, grbit); err != nil {
				return err
			}
		}
		got, err = c.c.Seek(s.s, rel)
		return err
	}})
	if want == 0 && got != warn {
		w.fail("session %d: %s: warning %d, want %d", s.n, what, got, warn)
	}
	c.mark()
}

// read reads the record and compares it with the model's.
func (c *cursor) read() {
	s, w := c.s, c.s.w
	what := fmt.Sprintf("%v: read", c)
	want, code := c.content(false)
	v := s.view()
	w.note("s%d %s, %d expected", s.n, what, code)
	for _, col := range c.t.cols {
		if !v.sight(col.born, col.died) {
			if code == 0 {
				_, err := c.c.RetrieveColumn(s.s, &engine.Retrieval{Column: col.id, Buf: w.buf, Itag: 1})
				w.seen(err, what+" of invisible column "+col.name, jet.ErrColumnNotFound)
			}
			continue
		}
		list, err := c.values(col)
		w.seen(err, what+" of "+col.name, code)
		if code != 0 {
			return
		}
		if !slices.EqualFunc(list, want.values(col), bytes.Equal) {
			w.fail("session %d: %s: column %s (%d) has %s, want %s", s.n, what, col.name, col.id, showAll(list), showAll(want.values(col)))
		}
	}
}

func showAll(list [][]byte) string {
	var b []byte
	for _, v := range list {
		b = append(show(append(b, '['), v), ']')
	}
	return string(b)
}

// values reads all values of a column of the record.
func (c *cursor) values(col *column) ([][]byte, error) {
	var list [][]byte
	buf := c.s.w.buf
	for itag := uint32(1); ; itag++ {
		r := engine.Retrieval{Column: col.id, Buf: buf, Itag: itag}
		warn, err := c.c.RetrieveColumn(c.s.s, &r)
		if err != nil || warn == jet.WrnColumnNull {
			return list, err
		}
		list = append(list, append([]byte{}, buf[:r.Actual]...))
		if col.class != tagged {
			return list, nil
		}
	}
}

// scan goes through the current index and compares all entries.
func (c *cursor) scan(back bool) {
	s, w := c.s, c.s.w
	list := c.list()
	c.edge(back)
	if len(list) > 0 && w.rng.IntN(2) == 0 {
		n, err := c.c.IndexRecordCount(s.s, 0)
		w.seen(err, "JetIndexRecordCount", 0)
		want := len(list)
		if back {
			want = 1
		}
		if int(n) != want {
			w.fail("session %d: %v: %d records counted, want %d", s.n, c, n, want)
		}
	}
	w.note("s%d %v: scan of %d, back %v", s.n, c, len(list), back)
	var got []entry
	for i := 0; ; i++ {
		rows := int32(1)
		if back {
			rows = -1
		}
		if i > 0 {
			err := c.c.Move(s.s, rows, 0)
			w.met(err, "JetMove in a scan", nil, 0, jet.ErrNoCurrentRecord)
			if err != nil {
				break
			}
		} else if len(list) == 0 {
			break
		}
		n, err := c.c.Bookmark(s.s, w.buf)
		w.seen(err, "JetGetBookmark in a scan", 0)
		pk := string(w.buf[:n])
		n, _, err = c.c.RetrieveKey(s.s, w.buf, 0)
		w.seen(err, "JetRetrieveKey in a scan", 0)
		got = append(got, entry{string(w.buf[:n]), pk})
		if len(got) > len(list)+5 {
			break
		}
	}
	if back {
		slices.Reverse(got)
	}
	if !slices.Equal(got, list) {
		w.fail("session %d: scan of %v, back %v:\n%s", s.n, c, back, difference(lines(got), lines(list)))
	}
	c.moved = s.now
	if len(list) > 0 {
		if c.at = after; back {
			c.at = before
		}
	}
}

func lines(list []entry) []string {
	var out []string
	for _, e := range list {
		out = append(out, fmt.Sprintf("%x/%x", e.key, e.pk))
	}
	return out
}

// difference tells in which lines two lists differ.
func difference(got, want []string) string {
	count := map[string]int{}
	for _, l := range got {
		count[l]++
	}
	for _, l := range want {
		count[l]--
	}
	var out []string
	for l, n := range count {
		switch {
		case n > 0:
			out = append(out, "too much: "+l)
		case n < 0:
			out = append(out, "missing:  "+l)
		}
	}
	slices.Sort(out)
	if len(out) == 0 {
		return "in another order"
	}
	text := ""
	for i, l := range out {
		if i == 20 {
			return text + fmt.Sprintf("and %d more\n", len(out)-i)
		}
		text += l + "\n"
	}
	return text
}
