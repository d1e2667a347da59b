package key

import "bytes"

// normaliseText writes a Text or LongText segment (spec chapter 04, 7.6 and 7.7).
func normaliseText(dst []byte, ix *Index, seg *Segment, data []byte) (c cut, err error) {
	// Indexes of the old limit have always looked at 255 bytes of source only, and must for ever.
	if ix.KeyMost == KeyMostDefault && len(data) > KeyMostDefault {
		data = data[:KeyMostDefault]
	}
	limit := ix.varSegMac()
	space := len(dst)
	if limit != 0 && limit < space {
		space = limit
	}
	dst[0] = prefixData
	body := dst[1:space]
	var tooBig bool
	if seg.isUnicode() {
		c.n, tooBig, err = ix.Collation.sortKey(body, data)
	} else {
		c.n, tooBig = upper1252(body, data)
	}
	if err != nil {
		return cut{}, err
	}
	c.n++
	c.truncated = tooBig && c.n != limit
	return c, nil
}

// upper1252 writes code page 1252 text in upper case up to its first NUL, with a terminating 00. Where the text and
// its terminator do not fit, the text is cut and the last byte that fits is lowered by 0x20, a letter or not: an old
// mistake that all existing keys have.
func upper1252(dst, text []byte) (n int, tooBig bool) {
	if len(dst) == 0 {
		return 0, false
	}
	kept := min(len(text), len(dst)-1)
	end := bytes.IndexByte(text[:kept], 0)
	whole := end >= 0 || kept == len(text) || text[kept] == 0
	if end < 0 {
		end = kept
	}
	for i, b := range text[:end] {
		if b-'a' <= 'z'-'a' {
			b -= 0x20
		}
		dst[i] = b
	}
	if !whole {
		dst[end] = text[end] - 0x20
		return end + 1, true
	}
	dst[end] = 0
	return end + 1, false
}
