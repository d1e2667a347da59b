package main

import (
	"unicode/utf8"
	"unsafe"
)

// What the caller passes is used in place, never copied: a []byte or a typed slice over C memory is valid
// only until the call returns, and whoever keeps its content copies it. Text is converted and copied, for
// no call of the hot path takes any.

// bytesAt is the caller's buffer of n bytes at p. Without a buffer (nil) it is nil, and ok only if n is 0.
func bytesAt(p unsafe.Pointer, n uint32) (b []byte, ok bool) { return sliceAt((*byte)(p), n) }

// sliceAt is the caller's array of n elements at p. Without an array (nil) it is nil, and ok only if n is 0.
func sliceAt[T any](p *T, n uint32) (s []T, ok bool) {
	if p == nil {
		return nil, n == 0
	}
	if start := uintptr(unsafe.Pointer(p)); start+uintptr(n)*unsafe.Sizeof(*p) < start {
		return nil, false // would run round the end of the address space
	}
	return unsafe.Slice(p, n), true
}

// put stores v for the caller, where the caller wants it.
func put[T any](p *T, v T) {
	if p != nil {
		*p = v
	}
}

// cString is the text at p up to its NUL, byte for byte; "" for nil.
func cString(p unsafe.Pointer) string {
	if p == nil {
		return ""
	}
	n := 0
	for *(*byte)(unsafe.Add(p, n)) != 0 {
		n++
	}
	return string(unsafe.Slice((*byte)(p), n))
}

// wString is the UTF-16 text at p up to its NUL as UTF-8; "" for nil. ok is false for an unpaired surrogate,
// which has no UTF-8 form.
func wString(p *uint16) (s string, ok bool) {
	if p == nil {
		return "", true
	}
	n := 0
	for *(*uint16)(unsafe.Add(unsafe.Pointer(p), n*2)) != 0 {
		n++
	}
	return decodeUTF16(unsafe.Slice(p, n))
}

// decodeUTF16 converts without replacing what is not UTF-16: then ok is false.
func decodeUTF16(units []uint16) (s string, ok bool) {
	b := make([]byte, 0, len(units)+8)
	for i := 0; i < len(units); i++ {
		r := rune(units[i])
		if r >= 0xD800 && r < 0xE000 {
			if r >= 0xDC00 || i+1 == len(units) || units[i+1] < 0xDC00 || units[i+1] > 0xDFFF {
				return "", false
			}
			r = (r-0xD800)<<10 + rune(units[i+1]) - 0xDC00 + 0x10000
			i++
		}
		b = utf8.AppendRune(b, r)
	}
	return string(b), true
}

// pathA is a path or another full Unicode text given through an A function: UTF-8 (spec chapter 01, 16).
// ok is false for invalid UTF-8, which is JET_errInvalidParameter.
func pathA(p unsafe.Pointer) (s string, ok bool) {
	s = cString(p)
	return s, utf8.ValidString(s)
}

// nameA is the name of a table, column or index given through an A function: single-byte text as it is.
func nameA(p unsafe.Pointer) string { return cString(p) }

// nameW is an object's name given through a W function, in the single-byte text that names are stored in.
// ok is false for a character outside code page 1252: JET_errInvalidName on creation, elsewhere no object
// has such a name.
func nameW(p *uint16) (name string, ok bool) {
	if p == nil {
		return "", true
	}
	var b []byte
	for ; *p != 0; p = (*uint16)(unsafe.Add(unsafe.Pointer(p), 2)) {
		c, ok := toCP1252(*p)
		if !ok {
			return "", false
		}
		b = append(b, c)
	}
	return string(b), true
}

// cp1252High are the characters 0x80 to 0x9F of code page 1252; the five that it leaves undefined stand for
// the control characters of the same number, as Windows converts them.
var cp1252High = [32]uint16{
	0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x008D, 0x017D, 0x008F,
	0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178,
}

func toCP1252(u uint16) (byte, bool) {
	if u < 0x80 || u >= 0xA0 && u <= 0xFF {
		return byte(u), true
	}
	for i, h := range cp1252High {
		if h == u {
			return byte(0x80 + i), true
		}
	}
	return 0, false
}

func fromCP1252(c byte) uint16 {
	if c >= 0x80 && c < 0xA0 {
		return cp1252High[c-0x80]
	}
	return uint16(c)
}

// putTextA stores the bytes of s and a NUL in the caller's buffer. What does not fit is cut, the NUL always
// stands if there is room for anything. fits tells whether all of it went in; a call decides whether that
// is an error (spec chapter 01, 1.4).
func putTextA(buffer []byte, s string) (fits bool) {
	if len(buffer) == 0 {
		return false
	}
	n := copy(buffer[:len(buffer)-1], s)
	buffer[n] = 0
	return n == len(s)
}

// putPathW stores UTF-8 text as UTF-16 and a NUL, cut as by putTextA but never within a surrogate pair.
// need is the full size in bytes with the NUL.
func putPathW(buffer []byte, s string) (need uint32, fits bool) {
	w := wideWriter{buffer: buffer}
	for _, r := range s {
		if r >= 0x10000 {
			w.put(uint16(0xD800+(r-0x10000)>>10), uint16(0xDC00+(r-0x10000)&0x3FF))
		} else {
			w.put(uint16(r))
		}
	}
	return w.finish()
}

// putNameW stores an object's name, single-byte text, as UTF-16 and a NUL, cut as by putTextA.
// need is the full size in bytes with the NUL.
func putNameW(buffer []byte, name string) (need uint32, fits bool) {
	w := wideWriter{buffer: buffer}
	for i := 0; i < len(name); i++ {
		w.put(fromCP1252(name[i]))
	}
	return w.finish()
}

// wideWriter puts UTF-16 text with its NUL into a buffer that need not be aligned.
type wideWriter struct {
	buffer []byte
	size   uint32 // bytes of the whole text so far
	at     int    // bytes stored
	full   bool
}

// put adds one character; it is stored whole, with room for the NUL, or not at all.
func (w *wideWriter) put(units ...uint16) {
	w.size += uint32(2 * len(units))
	if w.full = w.full || w.at+2*len(units)+2 > len(w.buffer); w.full {
		return
	}
	for _, u := range units {
		w.buffer[w.at], w.buffer[w.at+1] = byte(u), byte(u>>8)
		w.at += 2
	}
}

func (w *wideWriter) finish() (need uint32, fits bool) {
	if w.at+2 > len(w.buffer) {
		return w.size + 2, false
	}
	w.buffer[w.at], w.buffer[w.at+1] = 0, 0
	return w.size + 2, !w.full
}
