package engine

import (
	"errors"

	"esent/internal/engine/dbfile"
	"esent/internal/engine/recovery"
	"esent/internal/jet"
	"esent/internal/vfs"
)

// recoveryHost is the instance as recovery sees it (recovery.Host).
type recoveryHost struct {
	inst    *Instance
	options *InitOptions
	// stage is the folder that the log is written to, empty for the instance's own.
	stage string
}

// OpenLog implements recovery.Host.
func (h *recoveryHost) OpenLog(t recovery.Tail, state recovery.LogState) (recovery.Log, error) {
	i := h.inst
	i.gens.setRedo(state)
	cfg := i.logConfig(t.Naming)
	if h.stage != "" {
		cfg.LogDir = h.stage
		if err := h.stageLog(t); err != nil {
			return nil, err
		}
	}
	l, v, err := i.resume(cfg, t, state.Checkpoint())
	if err != nil {
		return nil, err
	}
	i.log, i.logVersion = l, v
	i.writing.Store(l)
	return sessionLog{l}, nil
}

// stageLog makes the folder that the log is written to, with a copy of the log that goes on there.
func (h *recoveryHost) stageLog(t recovery.Tail) error {
	fsys := h.inst.env.FS
	if err := fsys.MkdirAll(h.stage); err != nil {
		return err
	}
	if !t.Current {
		return nil
	}
	data, err := vfs.ReadFile(fsys, t.Path)
	if err != nil {
		return err
	}
	f, err := fsys.Open(h.stage+t.Naming.Current(), vfs.Create)
	if err != nil {
		return err
	}
	return errors.Join(f.WriteAt(data, 0), f.Sync(), f.Close())
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
