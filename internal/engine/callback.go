package engine

import (
	"slices"
	"sync"
	"sync/atomic"

	"esent/internal/engine/catalog"
	"esent/internal/engine/record"
	"esent/internal/jet"
)

// # Callbacks
//
// Functions of the caller's are called in the middle of an update, a deletion or a retrieval, on the caller's thread,
// and may call the engine with the same session. So the session is given free for the time (Busy), no latch is held,
// and what the call has looked at before is looked at again afterwards. The cursor of the call is lent: it can be
// read, and values set in its prepared update, but neither moved nor closed, and the transaction that the call runs in
// cannot be ended.

// Event is what a callback is told (JET_CALLBACK).
type Event struct {
	Session *Session
	Cursor  *Cursor
	Type    uint32 // one JET_cbtyp
	// Of JET_cbtypUserDefinedDefaultValue: the column, where its value is to go (nil for nowhere), and its size.
	Column jet.ColumnID
	Value  []byte
	Size   uint32
}

// CallbackFunc is a callback. A negative result is an error; others are ignored, but for that of a default value.
type CallbackFunc func(*Event) jet.Err

// Callback is one that JetRegisterCallback has added to a table, or that the catalog has.
type Callback struct {
	// Closed, if set, is called when the table's descriptor is given up.
	Closed func()

	table *catalog.Table
	call  CallbackFunc
	types atomic.Uint32 // JET_cbtyp; 0 when it is removed
	// persisted says that it is from the catalog.
	persisted bool
}

// hooks is what the callers of a table have attached to its descriptor.
type hooks struct {
	inst *Instance
	mu   sync.Mutex
	// callbacks, the newest first, is replaced as a whole.
	callbacks atomic.Pointer[[]*Callback]
	types     atomic.Uint32 // of all callbacks together; some may be removed
	storage   localStorage
}

// hooksOf gives the hooks of a table, nil if it has none.
func hooksOf(t *catalog.Table) *hooks {
	h, _ := t.Attached().(*hooks)
	return h
}

// attachHooks gives the hooks of a table, and makes them if there are none.
func (i *Instance) attachHooks(t *catalog.Table) *hooks {
	return t.Attach(func() catalog.Attachment { return i.newHooks(t) }).(*hooks)
}

// newHooks makes the hooks of a table with the callbacks that the catalog has of it.
func (i *Instance) newHooks(t *catalog.Table) *hooks {
	h := &hooks{inst: i, storage: noStorage}
	if !i.persistedKnown() {
		return h
	}
	for _, cb := range t.Callbacks {
		p := &Callback{table: t, persisted: true, call: i.persisted(cb.Function, nil)}
		p.types.Store(cb.Type)
		h.add(p)
	}
	return h
}

// Gone implements catalog.Attachment.
func (h *hooks) Gone() {
	h.storage.free(h.inst, jet.CbtypFreeTableLS)
	if list := h.callbacks.Load(); list != nil {
		for _, cb := range *list {
			cb.remove(jet.CbtypNull)
			if cb.Closed != nil {
				cb.Closed()
			}
		}
	}
}

func (h *hooks) add(cb *Callback) {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := []*Callback{cb}
	if old := h.callbacks.Load(); old != nil {
		list = append(list, *old...)
	}
	h.callbacks.Store(&list)
	h.types.Or(cb.types.Load())
}

// remove takes types away from what the callback is called for, all for 0; gone says that none is left.
func (cb *Callback) remove(types uint32) (gone bool) {
	if types == jet.CbtypNull {
		types = ^uint32(0)
	}
	return cb.types.And(^types)&^types == 0
}

// RegisterCallback has f called on changes of the cursor's table, whoever makes them, as long as the table's descriptor
// stays in memory; types is a set of JET_cbtyp (JetRegisterCallback, spec chapter 01, 14). It does not depend on
// transactions.
func (c *Cursor) RegisterCallback(s *Session, types uint32, f CallbackFunc) (*Callback, error) {
	if err := c.enterLentFor(s, tempOther); err != nil {
		return nil, err
	}
	defer s.leave()
	if types == jet.CbtypNull || f == nil {
		return nil, jet.ErrInvalidParameter
	}
	cb := &Callback{table: c.table, call: f}
	cb.types.Store(types)
	s.inst.attachHooks(c.table).add(cb)
	return cb, nil
}

// UnregisterCallback takes types away from what a callback is called for, all for JET_cbtypNull (JetUnregisterCallback).
// gone says that it is called for none any more. ErrInvalidParameter: it is of another table.
func (c *Cursor) UnregisterCallback(s *Session, cb *Callback, types uint32) (gone bool, err error) {
	if err := c.enterLentFor(s, tempOther); err != nil {
		return false, err
	}
	defer s.leave()
	h := hooksOf(c.table)
	if cb == nil || cb.table != c.table || h == nil {
		return false, jet.ErrInvalidParameter
	}
	if !cb.remove(types) {
		return false, nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	list := slices.DeleteFunc(slices.Clone(*h.callbacks.Load()), func(o *Callback) bool { return o == cb })
	h.callbacks.Store(&list)
	return true, nil
}

// fire calls the callbacks of a type of the cursor's table, then those of its template. The first negative result ends
// it. called says that there was one.
func (c *Cursor) fire(s *Session, typ uint32) (called bool, err error) {
	for t := c.table; t != nil && err == nil; t = t.Template {
		if h := hooksOf(t); h != nil && h.types.Load()&typ != 0 {
			called, err = true, c.fireAll(s, h, typ)
		}
	}
	return called, err
}

func (c *Cursor) fireAll(s *Session, h *hooks, typ uint32) error {
	for _, cb := range *h.callbacks.Load() {
		if cb.types.Load()&typ == 0 {
			continue
		}
		if e := c.call(s, cb.call, &Event{Session: s, Cursor: c, Type: typ}); e < 0 {
			return e
		}
	}
	return nil
}

// before fires a type of callbacks that may prevent an update. What those do may have let an index build begin, which
// is awaited.
func (c *Cursor) before(s *Session, typ uint32) error {
	called, err := c.fire(s, typ)
	if called {
		c.awaitBuild(s)
	}
	return err
}

// after fires a type of callbacks that are told of an update that has happened. What they say changes nothing.
func (c *Cursor) after(s *Session, typ uint32) { _, _ = c.fire(s, typ) }

// keptBuffer is the copy buffer before callbacks could set values in it, of an update that may fail.
type keptBuffer struct {
	data    []byte
	set     record.ColumnSet
	touched bool
}

// keepBuffer keeps the copy buffer where there are callbacks; nil where there are none.
func (c *Cursor) keepBuffer() *keptBuffer {
	if c.table.Attached() == nil && c.table.Template == nil {
		return nil
	}
	u := c.update
	return &keptBuffer{slices.Clone(u.buf.Bytes()), *u.buf.Columns(), u.touched}
}

// bringBack undoes what callbacks have set: their long values are undone too.
func (k *keptBuffer) bringBack(u *update) {
	if k != nil {
		u.buf.Restore(k.data)
		*u.buf.Columns() = k.set
		u.touched = k.touched
	}
}

// call lends the cursor to a callback, of which there is nothing to be seen afterwards but the changes that it has made.
func (c *Cursor) call(s *Session, f CallbackFunc, ev *Event) jet.Err {
	level, floor, lent, owned := s.trx.Level(), s.callbackFloor, c.lentTo.Load(), s.owner.lent
	c.lentTo.Store(s)
	session := c.session.Swap(nil) // nil for a cursor of the engine's own too
	s.callbacks++
	s.callbackFloor, s.owner.lent = level, true
	s.inst.calls.Add(1)                            // JetTerm waits
	inside := s.window.Busy.Load()&busyInside != 0 // but for sessions of the engine's own
	s.leave()

	e := f(ev)

	s.enterAgain()
	if !inside {
		s.leave()
	}
	s.inst.calls.Add(-1)
	s.callbackFloor, s.owner.lent = floor, owned
	s.callbacks--
	c.lentTo.Store(lent)
	c.session.Store(session)
	for s.trx.Level() > level {
		if err := s.rollbackLevel(); err != nil {
			return jet.CodeOf(err)
		}
		e = jet.ErrCallbackFailed // it has left a transaction open
	}
	return e
}

// enterAgain takes the session back after a callback.
func (s *Session) enterAgain() {
	for !s.window.Busy.CompareAndSwap(0, busyInside) {
		pause()
	}
	s.withdraw()
}

// enterLent is enter for calls that callbacks may make on the cursor that is lent to them.
func (c *Cursor) enterLent(s *Session) error {
	if err := s.enter(); err != nil {
		return err
	}
	if c.session.Load() == s || c.lentTo.Load() == s {
		return nil
	}
	return c.foreign(s)
}

// enterLentFor is enterFor for such calls.
func (c *Cursor) enterLentFor(s *Session, op tempOp) error {
	if err := c.enterLent(s); err != nil {
		return err
	}
	if err := c.refuse(op); err != nil {
		s.leave()
		return err
	}
	return nil
}

// inCallback says that a callback of an enclosing call on the session is running, which needs the transaction level and
// the session as they are.
func (s *Session) inCallback() bool { return s.callbacks > 0 && s.trx.Level() <= s.callbackFloor }
