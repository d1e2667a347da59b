package ops

import (
	"esent/internal/engine/compress"
	"esent/internal/engine/page"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// AppendImage appends to dst the image of p for the record of a split or merge that nodes leave p by, and
// gives its form. Free space is cut out where that saves a tenth. The image carries the group's dbtime, as
// the original's does (spec chapter 05, 14).
func AppendImage(dst []byte, p page.Page, t jet.DBTime) (image []byte, flags uint32) {
	start := len(dst)
	if size := p.DehydratedSize(); size <= len(p)-len(p)/10 {
		dst, flags = p.Dehydrate(dst), logstore.ImageDehydrated
	} else {
		dst = append(dst, p...)
	}
	page.Page(dst[start:]).SetDBTime(t)
	return dst, flags
}

// DecodeImage gives the page of an image from a Split or Merge record (spec chapter 05, 14).
func DecodeImage(image []byte, flags uint32, pageSize int) (page.Page, error) {
	if flags&logstore.ImageCompressed != 0 {
		n, err := compress.UncompressedSize(image)
		if err != nil || n > pageSize {
			return nil, errNoImage
		}
		if image, err = compress.Decompress(nil, image); err != nil {
			return nil, errNoImage
		}
	}
	if flags&logstore.ImageDehydrated == 0 {
		if len(image) != pageSize {
			return nil, errNoImage
		}
		return append(page.Page(nil), image...), nil
	}
	p := make(page.Page, pageSize)
	if err := p.Rehydrate(image); err != nil {
		return nil, err
	}
	return p, nil
}
