package engine

import (
	"esent/internal/engine/dbfile"
	"esent/internal/engine/recovery"
	"esent/internal/jet"
)

// recoveryHost is the instance as recovery sees it (recovery.Host).
type recoveryHost struct {
	inst    *Instance
	options *InitOptions
}

// OpenLog implements recovery.Host.
func (h *recoveryHost) OpenLog(t recovery.Tail, state recovery.LogState) (recovery.Log, error) {
	i := h.inst
	i.gens.setRedo(state)
	l, v, err := i.resume(t, state.Checkpoint())
	if err != nil {
		return nil, err
	}
	i.log, i.logVersion = l, v
	i.writing.Store(l)
	return sessionLog{l}, nil
}

// currentGen is the generation that is being replayed or written, 0 when there is none.
func (i *Instance) currentGen() int32 {
	if l := i.writing.Load(); l != nil {
		return l.EndPos().Gen()
	}
	return i.replaying.Load()
}

// Control implements recovery.Host.
func (h *recoveryHost) Control(c *recovery.Control) error {
	if c.Kind == recovery.ControlOpenLog && c.Reason == jet.OpenLogForRedo {
		h.inst.replaying.Store(c.Gen)
	}
	if h.options.Control == nil {
		return c.Default
	}
	err := h.options.Control(c)
	if c.Kind == recovery.ControlMissingLog && jet.CodeOf(err) == jet.ErrFileNotFound {
		return jet.ErrMissingLogFile // whatever file the application has looked for
	}
	return err
}

// Progress implements recovery.Host.
func (h *recoveryHost) Progress(done, total int) error {
	if h.options.Progress == nil {
		return nil
	}
	return h.options.Progress(done, total)
}

// Fault implements recovery.Host.
func (h *recoveryHost) Fault(db *recovery.Database, f dbfile.Fault) {
	h.inst.pageFault(db.Path)(f)
}
