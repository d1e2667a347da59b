package engine

import "esent/internal/jet"

// localStorage is a value that a program keeps with a cursor or a table (spec chapter 01, 14); noStorage for none.
type localStorage uintptr

const noStorage = ^localStorage(0)

// RuntimeCallback is told of local storage that ends: typ is JET_cbtypFreeCursorLS or JET_cbtypFreeTableLS. JetInit
// calls it once with JET_cbtypNull.
type RuntimeCallback func(typ uint32, value uintptr) jet.Err

// SetRuntimeCallback gives the instance the function behind JET_paramRuntimeCallback, before JetInit.
func (i *Instance) SetRuntimeCallback(f RuntimeCallback) { i.runtimeCallback = f }

// probeRuntimeCallback calls the runtime callback once, for one that cannot be called should be known at once.
func (i *Instance) probeRuntimeCallback() error {
	if i.runtimeCallback == nil {
		return nil
	}
	if e := i.runtimeCallback(jet.CbtypNull, 0); e < 0 {
		return e
	}
	return nil
}

// free hands a value that ends to the runtime callback.
func (l *localStorage) free(i *Instance, typ uint32) {
	if v := *l; v != noStorage {
		*l = noStorage
		i.runtimeCallback(typ, uintptr(v)) // of the result nobody could be told
	}
}

func (l *localStorage) set(v localStorage) error {
	if *l != noStorage && v != noStorage {
		return jet.ErrLSAlreadySet
	}
	*l = v
	return nil
}

func (l *localStorage) get(reset bool) (uintptr, error) {
	v := *l
	if reset {
		*l = noStorage
	} else if v == noStorage {
		return uintptr(v), jet.ErrLSNotSet
	}
	return uintptr(v), nil
}

// withStorage does something with the value of the cursor or the table, as the flags say.
func (c *Cursor) withStorage(s *Session, grbit jet.Grbit, do func(*localStorage) error) error {
	if grbit&jet.BitLSTable == 0 {
		return do(&c.storage)
	}
	if grbit&jet.BitLSCursor != 0 {
		return jet.ErrInvalidGrbit
	}
	h := s.inst.attachHooks(c.table)
	h.mu.Lock()
	defer h.mu.Unlock()
	return do(&h.storage)
}

// SetLocalStorage keeps a value with the cursor, or with JET_bitLSTable the table's descriptor; JET_bitLSReset, or all
// ones, takes it away (JetSetLS). Errors: JET_errLSCallbackNotSpecified, JET_errLSAlreadySet, JET_errInvalidGrbit.
func (c *Cursor) SetLocalStorage(s *Session, value uintptr, grbit jet.Grbit) error {
	if err := c.enterLentFor(s, tempLocalStorage); err != nil {
		return err
	}
	defer s.leave()
	if s.inst.runtimeCallback == nil {
		return jet.ErrLSCallbackNotSpecified
	}
	v := localStorage(value)
	if grbit&jet.BitLSReset != 0 {
		v = noStorage
	}
	return c.withStorage(s, grbit, func(l *localStorage) error { return l.set(v) })
}

// LocalStorage gives a value that SetLocalStorage has kept, and with JET_bitLSReset takes it away (JetGetLS).
// JET_errLSNotSet: there is none.
func (c *Cursor) LocalStorage(s *Session, grbit jet.Grbit) (value uintptr, err error) {
	if err := c.enterLentFor(s, tempLocalStorage); err != nil {
		return 0, err
	}
	defer s.leave()
	err = c.withStorage(s, grbit, func(l *localStorage) (e error) {
		value, e = l.get(grbit&jet.BitLSReset != 0)
		return e
	})
	return value, err
}
