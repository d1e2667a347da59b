package logstore

// Flags of an entry in a difference list (spec chapter 05, 13.4), as in the small form's header; the large
// form has them in a byte of its own, shifted right by 8.
const (
	diffSameSize = 0x2000 // replaces as many bytes as it brings
	diffInsert   = 0x4000 // replaces nothing
	diffWide     = 0x8000 // lengths are 2 bytes
	diffOffset   = 0x1FFF
)

// diffEntry is one change: New takes the place of OldLen bytes at Offset of the old data.
type diffEntry struct {
	Offset, OldLen int
	New            []byte
	// SameSize, Insert and Wide are the entry's flags.
	SameSize, Insert, Wide bool
}

// nextDiff reads the first entry of list and gives the rest.
func nextDiff(list []byte, large bool) (e diffEntry, rest []byte, err error) {
	head := 2
	if large {
		head = 3
	}
	if len(list) < head {
		return e, nil, errMalformed(RecReplaceD, "difference list is cut off")
	}
	flags := int(le.Uint16(list))
	e.Offset = flags & diffOffset
	if large {
		e.Offset = flags
		flags = int(list[2]) << 8
	}
	list = list[head:]
	length := func() (n int, ok bool) {
		if flags&diffWide != 0 {
			if len(list) < 2 {
				return 0, false
			}
			n, list = int(le.Uint16(list)), list[2:]
			return n, true
		}
		if len(list) < 1 {
			return 0, false
		}
		n, list = int(list[0]), list[1:]
		return n, true
	}
	newLen, ok := length()
	e.SameSize, e.Insert, e.Wide = flags&diffSameSize != 0, flags&diffInsert != 0, flags&diffWide != 0
	switch {
	case e.SameSize:
		e.OldLen = newLen
	case !e.Insert && ok:
		e.OldLen, ok = length()
	}
	if !ok || len(list) < newLen {
		return e, nil, errMalformed(RecReplaceD, "difference list is cut off")
	}
	e.New = list[:newLen:newLen]
	return e, list[newLen:], nil
}

// ApplyDiff gives old changed by a difference list, in the form for pages above 8 KB if large (spec chapter
// 05, 13.4). The result is newly allocated. JET_errLogCorrupted for a list that does not fit old.
func ApplyDiff(old, diff []byte, large bool) ([]byte, error) {
	out := make([]byte, 0, len(old)+len(diff))
	at := 0
	for len(diff) > 0 {
		e, rest, err := nextDiff(diff, large)
		if err != nil {
			return nil, err
		}
		if e.Offset < at || e.Offset+e.OldLen > len(old) {
			return nil, errMalformed(RecReplaceD, "difference lies outside the old data")
		}
		out = append(out, old[at:e.Offset]...)
		out = append(out, e.New...)
		at, diff = e.Offset+e.OldLen, rest
	}
	return append(out, old[at:]...), nil
}

// maxDiffGap is how many equal bytes between two changes are cheaper to repeat than to skip.
const maxDiffGap = 4

// MakeDiff appends to dst the difference list that turns old into data, and says false, leaving dst alone,
// when the list would not be shorter than data or old is too long for the form: then the record is a Replace.
// Changes of size count as one change from the first to the last differing byte.
func MakeDiff(dst, old, data []byte, large bool) ([]byte, bool) {
	if !large && len(old) > diffOffset || len(old) > 0xFFFF || len(data) > 0xFFFF {
		return dst, false
	}
	start := len(dst)
	if len(old) != len(data) {
		prefix := 0
		for prefix < len(old) && prefix < len(data) && old[prefix] == data[prefix] {
			prefix++
		}
		suffix := 0
		for suffix < len(old)-prefix && suffix < len(data)-prefix && old[len(old)-1-suffix] == data[len(data)-1-suffix] {
			suffix++
		}
		dst = appendDiff(dst, prefix, len(old)-prefix-suffix, data[prefix:len(data)-suffix], large)
	} else {
		for at := 0; at < len(data); {
			if old[at] == data[at] {
				at++
				continue
			}
			end := at + 1 // one behind the last differing byte of this change
			for i := end; i < len(data) && i-end <= maxDiffGap; i++ {
				if old[i] != data[i] {
					end = i + 1
				}
			}
			dst = appendDiff(dst, at, end-at, data[at:end], large)
			if len(dst)-start >= len(data) {
				break
			}
			at = end
		}
	}
	if len(dst)-start >= len(data) {
		return dst[:start], false
	}
	return dst, true
}

func appendDiff(dst []byte, offset, oldLen int, data []byte, large bool) []byte {
	flags := 0
	if oldLen == len(data) {
		flags = diffSameSize
	} else if oldLen == 0 {
		flags = diffInsert
	}
	if len(data) > 0xFF || oldLen > 0xFF {
		flags |= diffWide
	}
	if large {
		dst = append(le.AppendUint16(dst, uint16(offset)), byte(flags>>8))
	} else {
		dst = le.AppendUint16(dst, uint16(offset|flags))
	}
	length := func(n int) {
		if flags&diffWide != 0 {
			dst = le.AppendUint16(dst, uint16(n))
		} else {
			dst = append(dst, byte(n))
		}
	}
	length(len(data))
	if flags&(diffSameSize|diffInsert) == 0 {
		length(oldLen)
	}
	return append(dst, data...)
}
