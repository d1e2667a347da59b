package page

import "esent/internal/jet"

// DehydratedSize is the length of the image without its contiguous free area (spec chapters 02, 11 and
// 05, 14).
func (p Page) DehydratedSize() int { return len(p) - max(0, p.contiguous()) }

// Dehydrate appends to dst the image without its contiguous free area: header and lines, then the tag array,
// and CbFree less by what was cut. Such images occur in log records only.
func (p Page) Dehydrate(dst []byte) []byte {
	cut := max(0, p.contiguous())
	start := len(dst)
	end := len(p) - tagSize*p.tagCount()
	dst = append(dst, p[:end-cut]...)
	dst = append(dst, p[end:]...)
	image := Page(dst[start:])
	image.setCbFree(p.CbFree() - cut)
	return dst
}

// Rehydrate makes p the page whose dehydrated image is given; len(p) is the page size.
func (p Page) Rehydrate(image []byte) error {
	header := p.HeaderSize()
	if len(image) < header || len(image) > len(p) {
		return jet.ErrDatabaseCorrupted.Errorf("page: image of %d bytes for a page of %d", len(image), len(p))
	}
	tags := tagSize * (Page(image).u16(offTagState) & tagCountMask)
	grow := len(p) - len(image)
	free := Page(image).CbFree() + grow
	if header+tags > len(image) || free > len(p)-header {
		return jet.ErrDatabaseCorrupted.Errorf("page: tags or free bytes of an image exceed it")
	}
	n := copy(p, image[:len(image)-tags])
	clear(p[n : len(p)-tags])
	copy(p[len(p)-tags:], image[len(image)-tags:])
	p.setCbFree(free)
	return nil
}
