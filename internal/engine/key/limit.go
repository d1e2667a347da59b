package key

// Limit options of search keys (spec chapter 04, 9.1). A region is the segment just made at the front of all space
// that is left, including the one byte beyond the key limit that only sentinels use.

// limitFull ends the key behind the segment of n bytes, or fills the region with sentinels. It returns the bytes used.
func limitFull(region []byte, n int, end bool) int {
	if !end {
		return n
	}
	fill(region[n:])
	return len(region)
}

// limitPartial makes the segment a prefix: what delimits the value is stripped, and for an end limit replaced by
// sentinels. Where nothing can be stripped it acts as limitFull.
func limitPartial(region []byte, ix *Index, seg *Segment, c cut, end bool) int {
	if !seg.isText() {
		return limitPartialBinary(region, c, end)
	}
	if c.n < 2 {
		return limitFull(region, c.n, end)
	}
	n := textPrefix(region[:c.n], ix, seg)
	if !end {
		return n
	}
	fill(region[n:])
	return len(region)
}

// limitPartialBinary strips the padding and length byte of the last chunk; the end limit fills what it strips and
// one byte more.
func limitPartialBinary(region []byte, c cut, end bool) int {
	switch {
	case c.delimiter == 0:
		return limitFull(region, c.n, end)
	case !end:
		return c.delimiter
	}
	fill(region[c.delimiter : c.n+1])
	return c.n + 1
}

// textPrefix is the length of a text segment without what delimits it: everything from the end of the base weights
// on in a sort key, the terminator otherwise.
func textPrefix(segment []byte, ix *Index, seg *Segment) int {
	mask := byte(0)
	if seg.Descending {
		mask = 0xFF
	}
	if seg.isUnicode() && !ix.Collation.upper() {
		for i := 1; i < len(segment); i++ {
			if segment[i] == sortKeySeparator^mask {
				return i
			}
		}
		return len(segment)
	}
	terminator := 1
	if seg.isUnicode() {
		terminator = 2
	}
	n := len(segment)
	for i := 1; i <= terminator; i++ {
		if n-i < 1 || segment[n-i] != mask {
			return n
		}
	}
	return n - terminator
}

func fill(b []byte) {
	for i := range b {
		b[i] = sentinel
	}
}
