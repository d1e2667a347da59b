package main

// #include "../include/esent.h"
import "C"

import (
	"unsafe"

	"esent/internal/engine"
	"esent/internal/engine/key"
	"esent/internal/jet"
)

// indexForm is a version of JET_INDEXCREATE. Up to the space hints, which the oldest does not have, all have
// the layout of the newest, but that the older ones give a locale's number (spec chapter 01, 7.5).
type indexForm uint8

const (
	indexCreate1 indexForm = 1 + iota
	indexCreate2
	indexCreate3
)

// size is that of the structure; other is the only other size that it may have, once was without cbKeyMost.
func (f indexForm) size() (size, other uint32) {
	switch f {
	case indexCreate1:
		return C.sizeof_JET_INDEXCREATE_A, C.sizeof_JET_INDEXCREATEOLD_A
	case indexCreate2:
		return C.sizeof_JET_INDEXCREATE2_A, C.sizeof_JET_INDEXCREATE2_A
	}
	return C.sizeof_JET_INDEXCREATE3_A, C.sizeof_JET_INDEXCREATE3_A
}

// indexArray are the caller's definitions of indexes. Their sizes may differ.
type indexArray struct {
	form  indexForm
	first unsafe.Pointer
	defs  []engine.IndexDef
	ends  []uintptr // where each element's successor begins
}

// read takes the definitions over.
func (a *indexArray) read(cs charset, n uint32) error {
	if a.first == nil && n > 0 {
		return jet.ErrInvalidParameter
	}
	a.defs = make([]engine.IndexDef, 0, min(n, 64))
	a.ends = make([]uintptr, 0, min(n, 64))
	size, other := a.form.size()
	var at uintptr
	for range n {
		c := (*C.JET_INDEXCREATE3_A)(unsafe.Add(a.first, at))
		held := uint32(c.cbStruct)
		bad := held != size && held != other
		if bad && a.form != indexCreate3 {
			return jet.ErrInvalidParameter
		}
		def := engine.IndexDef{BadSize: bad}
		if bad {
			held = size
		} else if err := cs.readIndex(a.form, held, c, &def); err != nil {
			return err
		}
		at += uintptr(held)
		a.defs, a.ends = append(a.defs, def), append(a.ends, at)
	}
	return nil
}

// write gives each definition its result back.
func (a *indexArray) write() {
	var at uintptr
	for i := range a.defs {
		if a.defs[i].Grbit&jet.BitIndexImmutableStructure == 0 {
			c := (*C.JET_INDEXCREATE3_A)(unsafe.Add(a.first, at))
			c.err = C.JET_ERR(a.defs[i].Err)
		}
		at = a.ends[i]
	}
}

// readIndex takes over one definition of held bytes.
func (cs charset) readIndex(form indexForm, held uint32, c *C.JET_INDEXCREATE3_A, def *engine.IndexDef) error {
	name, err := cs.created(unsafe.Pointer(c.szIndexName))
	if err != nil {
		return err
	}
	text, err := cs.key(unsafe.Pointer(c.szKey), uint32(c.cbKey))
	if err != nil {
		return err
	}
	*def = engine.IndexDef{Name: name, Key: text, Grbit: jet.Grbit(c.grbit), Density: uint32(c.ulDensity), Err: jet.Err(c.err)}
	if held > C.sizeof_JET_INDEXCREATEOLD_A {
		def.KeyMost = uint32(c.cbKeyMost)
	}
	if def.Grbit&jet.BitIndexTupleLimits == 0 {
		def.VarSegMac = *(*uint32)(unsafe.Pointer(&c.anon0))
	} else if t := *(**C.JET_TUPLELIMITS)(unsafe.Pointer(&c.anon0)); t != nil {
		def.Tuple = &key.TupleLimits{LengthMin: uint32(t.chLengthMin), LengthMax: uint32(t.chLengthMax), ToIndexMax: uint32(t.chToIndexMax),
			Increment: uint32(t.cchIncrement), Start: uint32(t.ichStart)}
	}
	if def.Conditions, err = cs.conditions(c); err != nil {
		return err
	}
	if form == indexCreate1 {
		def.Hints = &engine.SpaceHints{InitialDensity: def.Density}
	} else {
		def.Hints = spaceHints(c.pSpacehints)
	}
	if form == indexCreate3 {
		def.Locale, err = namedLocale(c.pidxunicode)
		if def.Grbit&jet.BitIndexUnicode == 0 {
			def.Locale = nil
		}
		return err
	}
	return numberedLocale(def, unsafe.Pointer(&c.pidxunicode))
}

// numberedLocale takes over the order of Unicode text from the older versions: with JET_bitIndexUnicode field
// holds a pointer to JET_UNICODEINDEX, without it the locale's number, which says the same as the flag.
func numberedLocale(def *engine.IndexDef, field unsafe.Pointer) error {
	var u engine.UnicodeIndex
	if def.Grbit&jet.BitIndexUnicode != 0 {
		p := *(**C.JET_UNICODEINDEX)(field)
		if p == nil {
			return jet.ErrInvalidParameter
		}
		u = engine.UnicodeIndex{LCID: uint32(p.lcid), MapFlags: uint32(p.dwMapFlags)}
	} else if u.LCID = *(*uint32)(field); u.LCID == 0 {
		return nil
	}
	def.Grbit |= jet.BitIndexUnicode
	var err error
	def.Locale, err = u.Locale()
	return err
}

// namedLocale takes over JET_UNICODEINDEX2; nil for none.
func namedLocale(u *C.JET_UNICODEINDEX2) (*engine.IndexLocale, error) {
	if u == nil {
		return nil, nil
	}
	name, ok := wString((*uint16)(unsafe.Pointer(u.szLocaleName)))
	if !ok {
		return nil, jet.ErrInvalidLanguageId
	}
	return &engine.IndexLocale{Name: name, Default: u.szLocaleName == nil, MapFlags: uint32(u.dwMapFlags)}, nil
}

func (cs charset) conditions(c *C.JET_INDEXCREATE3_A) ([]engine.IndexCondition, error) {
	list, ok := sliceAt(c.rgconditionalcolumn, uint32(c.cConditionalColumn))
	if !ok {
		return nil, jet.ErrInvalidParameter
	}
	var conditions []engine.IndexCondition
	for i := range list {
		cond := engine.IndexCondition{BadSize: list[i].cbStruct != C.sizeof_JET_CONDITIONALCOLUMN_A}
		if !cond.BadSize {
			name := cs.name(unsafe.Pointer(list[i].szColumnName))
			if !name.ok {
				return nil, jet.ErrColumnNotFound
			}
			cond.Column, cond.Grbit = name.text, jet.Grbit(list[i].grbit)
		}
		conditions = append(conditions, cond)
	}
	return conditions, nil
}

// spaceHints takes over JET_SPACEHINTS; nil for none.
func spaceHints(h *C.JET_SPACEHINTS) *engine.SpaceHints {
	switch {
	case h == nil:
		return nil
	case h.cbStruct != C.sizeof_JET_SPACEHINTS:
		return &engine.SpaceHints{BadSize: true}
	}
	return &engine.SpaceHints{InitialDensity: uint32(h.ulInitialDensity), Initial: uint32(h.cbInitial), Grbit: jet.Grbit(h.grbit),
		MaintDensity: uint32(h.ulMaintDensity), Growth: uint32(h.ulGrowth), MinExtent: uint32(h.cbMinExtent), MaxExtent: uint32(h.cbMaxExtent)}
}

func createIndex(sesid C.JET_SESID, tableid C.JET_TABLEID, cs charset, name nameArgument, grbit C.JET_GRBIT, text unsafe.Pointer, size, density C.uint32_t) C.JET_ERR {
	return onCursor(sesid, tableid, func(s *engine.Session, c *engine.Cursor) error {
		n, err := name.created()
		if err != nil {
			return err
		}
		k, err := cs.key(text, uint32(size))
		if err != nil {
			return err
		}
		return c.CreateIndex(s, []engine.IndexDef{{Name: n, Key: k, Grbit: jet.Grbit(grbit), KeyMost: C.JET_cbKeyMost_OLD,
			Hints: &engine.SpaceHints{InitialDensity: uint32(density)}}})
	})
}

//export esent_JetCreateIndexA
func esent_JetCreateIndexA(sesid C.JET_SESID, tableid C.JET_TABLEID, szIndexName C.JET_PCSTR, grbit C.JET_GRBIT, szKey *C.char, cbKey, lDensity C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return createIndex(sesid, tableid, textA, nameFromA(szIndexName), grbit, unsafe.Pointer(szKey), cbKey, lDensity)
}

//export esent_JetCreateIndexW
func esent_JetCreateIndexW(sesid C.JET_SESID, tableid C.JET_TABLEID, szIndexName C.JET_PCWSTR, grbit C.JET_GRBIT, szKey *C.WCHAR, cbKey, lDensity C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return createIndex(sesid, tableid, textW, nameFromW(szIndexName), grbit, unsafe.Pointer(szKey), cbKey, lDensity)
}

func createIndexes(sesid C.JET_SESID, tableid C.JET_TABLEID, cs charset, form indexForm, p unsafe.Pointer, n C.uint32_t) C.JET_ERR {
	return onCursor(sesid, tableid, func(s *engine.Session, c *engine.Cursor) error {
		a := indexArray{form: form, first: p}
		if err := a.read(cs, uint32(n)); err != nil {
			return err
		}
		err := c.CreateIndex(s, a.defs)
		a.write()
		return err
	})
}

//export esent_JetCreateIndex2A
func esent_JetCreateIndex2A(sesid C.JET_SESID, tableid C.JET_TABLEID, pindexcreate *C.JET_INDEXCREATE_A, cIndexCreate C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return createIndexes(sesid, tableid, textA, indexCreate1, unsafe.Pointer(pindexcreate), cIndexCreate)
}

//export esent_JetCreateIndex2W
func esent_JetCreateIndex2W(sesid C.JET_SESID, tableid C.JET_TABLEID, pindexcreate *C.JET_INDEXCREATE_W, cIndexCreate C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return createIndexes(sesid, tableid, textW, indexCreate1, unsafe.Pointer(pindexcreate), cIndexCreate)
}

//export esent_JetCreateIndex3A
func esent_JetCreateIndex3A(sesid C.JET_SESID, tableid C.JET_TABLEID, pindexcreate *C.JET_INDEXCREATE2_A, cIndexCreate C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return createIndexes(sesid, tableid, textA, indexCreate2, unsafe.Pointer(pindexcreate), cIndexCreate)
}

//export esent_JetCreateIndex3W
func esent_JetCreateIndex3W(sesid C.JET_SESID, tableid C.JET_TABLEID, pindexcreate *C.JET_INDEXCREATE2_W, cIndexCreate C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return createIndexes(sesid, tableid, textW, indexCreate2, unsafe.Pointer(pindexcreate), cIndexCreate)
}

//export esent_JetCreateIndex4A
func esent_JetCreateIndex4A(sesid C.JET_SESID, tableid C.JET_TABLEID, pindexcreate *C.JET_INDEXCREATE3_A, cIndexCreate C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return createIndexes(sesid, tableid, textA, indexCreate3, unsafe.Pointer(pindexcreate), cIndexCreate)
}

//export esent_JetCreateIndex4W
func esent_JetCreateIndex4W(sesid C.JET_SESID, tableid C.JET_TABLEID, pindexcreate *C.JET_INDEXCREATE3_W, cIndexCreate C.uint32_t) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return createIndexes(sesid, tableid, textW, indexCreate3, unsafe.Pointer(pindexcreate), cIndexCreate)
}

func deleteIndex(sesid C.JET_SESID, tableid C.JET_TABLEID, name nameArgument) C.JET_ERR {
	return onCursor(sesid, tableid, func(s *engine.Session, c *engine.Cursor) error {
		if !name.ok {
			return jet.ErrIndexNotFound
		}
		return c.DeleteIndex(s, name.text)
	})
}

//export esent_JetDeleteIndexA
func esent_JetDeleteIndexA(sesid C.JET_SESID, tableid C.JET_TABLEID, szIndexName C.JET_PCSTR) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return deleteIndex(sesid, tableid, nameFromA(szIndexName))
}

//export esent_JetDeleteIndexW
func esent_JetDeleteIndexW(sesid C.JET_SESID, tableid C.JET_TABLEID, szIndexName C.JET_PCWSTR) (rc C.JET_ERR) {
	defer guard(&rc, uintptr(tableid))
	return deleteIndex(sesid, tableid, nameFromW(szIndexName))
}
