package engine

import (
	"esent/internal/engine/key"
	"esent/internal/engine/param"
	"esent/internal/jet"
)

// Parameters whose values are structures (spec chapter 01, 3.1 and 3.2).

// UnicodeIndex says how Unicode index columns are compared (JET_UNICODEINDEX).
type UnicodeIndex struct {
	LCID, MapFlags uint32
}

// defaultUnicodeIndex is en-US: sort key, ignoring case, kana type and width.
var defaultUnicodeIndex = UnicodeIndex{LCID: 0x409, MapFlags: 0x00030401}

// SetUnicodeIndexDefault changes JET_paramUnicodeIndexDefault; nil restores the default. ErrInvalidParameter for a
// locale or flags that there are not.
func (p *Process) SetUnicodeIndexDefault(t ParamTarget, u *UnicodeIndex) error {
	if u == nil {
		u = &defaultUnicodeIndex
	}
	d, err := param.Find(jet.ParamUnicodeIndexDefault)
	if err != nil {
		return err
	}
	if u.LCID == 0 || key.CheckMapFlags(key.CompleteMapFlags(u.MapFlags)) != nil {
		return jet.ErrInvalidParameter
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	v, i := p.paramHome(d, t)
	packed := int64(u.MapFlags)<<32 | int64(u.LCID)
	if unpackUnicodeIndex(v.Number(d.ID)) != *u {
		if err := p.changeable(d, i); err != nil {
			return err
		}
	}
	v.SetNumber(d.ID, packed)
	return nil
}

// UnicodeIndexDefault reads JET_paramUnicodeIndexDefault.
func (p *Process) UnicodeIndexDefault(t ParamTarget) (UnicodeIndex, error) {
	d, err := param.Find(jet.ParamUnicodeIndexDefault)
	if err != nil {
		return UnicodeIndex{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	v, _ := p.paramHome(d, t)
	return unpackUnicodeIndex(v.Number(d.ID)), nil
}

// unicodeIndex is the default for indexes of the instance.
func (i *Instance) unicodeIndex() UnicodeIndex {
	return unpackUnicodeIndex(i.number(jet.ParamUnicodeIndexDefault))
}

func unpackUnicodeIndex(packed int64) UnicodeIndex {
	if packed == 0 {
		return defaultUnicodeIndex
	}
	return UnicodeIndex{LCID: uint32(packed), MapFlags: uint32(packed >> 32)}
}

// ErrorToString is what JET_paramErrorToString gives for a code.
func ErrorToString(code jet.Err) string {
	if code.Name() == "" {
		return "Unknown Error, Unknown Error"
	}
	return code.Name() + ", " + code.Meaning()
}
