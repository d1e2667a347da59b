package page

import "esent/internal/jet"

// ChoosePrefix picks the line whose key is the best prefix key for a page (spec chapter 03, 6.5). common[i] is
// the number of equal leading bytes of the keys of lines i and i-1; common[0] does not count. saving is what
// the prefix saves on the page, in bytes; line is -1 and saving 0 when none saves anything. Its time is linear.
// common is used as memory and has no meaning afterwards.
func ChoosePrefix(common []int) (line, saving int) {
	n := len(common)
	if n < 2 {
		return -1, 0
	}
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	if n > len(s.order) {
		return -1, 0
	}
	gain := common
	gain[0] = 0
	for i := 1; i < n; i++ {
		gain[i] = max(0, gain[i]-MinPrefix)
	}
	// left[p] is the sum over j <= p of min(gain[j..p]): what lines left of p save when p is the prefix.
	// With j the nearest place left of p whose gain is smaller, it is left[j] + gain[p]*(p-j).
	left, stack := s.order[:n], s.stack[:0]
	for p := range n {
		for len(stack) > 0 && gain[stack[len(stack)-1]] >= gain[p] {
			stack = stack[:len(stack)-1]
		}
		if len(stack) == 0 {
			left[p] = uint32(gain[p] * (p + 1))
		} else {
			j := int(stack[len(stack)-1])
			left[p] = left[j] + uint32(gain[p]*(p-j))
		}
		stack = append(stack, uint16(p))
	}
	// right[p] is the same over gain[p..], from the right.
	right := &s.right
	right[n] = 0
	stack = stack[:0]
	for p := n - 1; p >= 0; p-- {
		for len(stack) > 0 && gain[stack[len(stack)-1]] >= gain[p] {
			stack = stack[:len(stack)-1]
		}
		if len(stack) == 0 {
			right[p] = uint32(gain[p] * (n - p))
		} else {
			j := int(stack[len(stack)-1])
			right[p] = right[j] + uint32(gain[p]*(j-p))
		}
		stack = append(stack, uint16(p))
	}
	line = -1
	for p := range n {
		if v := int(left[p]) + int(right[p+1]) - MinPrefix; v > 0 && v >= saving {
			line, saving = p, v
		}
	}
	return line, saving
}

// AppendSeparator appends to dst the shortest string that is above the bookmark of a and not above that of
// b, which lie next to each other on a leaf: the key of the parent's node for the page that ends with a
// (spec chapter 03, 6.6). On internal pages the separator is the whole key of a instead.
func AppendSeparator(dst []byte, a, b *Node) ([]byte, error) {
	c := CommonPrefix(a, b)
	if c < b.KeyLen() {
		start := len(dst)
		dst = b.AppendKey(dst)
		return dst[:start+c+1], nil
	}
	d := commonLen(a.Data, b.Data)
	if c < a.KeyLen() || d >= len(b.Data) {
		return dst, jet.ErrDatabaseCorrupted.Errorf("page: lines are not in order")
	}
	return append(b.AppendKey(dst), b.Data[:d+1]...), nil
}
