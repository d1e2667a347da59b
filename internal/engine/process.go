package engine

import (
	"slices"
	"sync"

	"esent/internal/engine/param"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/vfs"
)

// mode is how many instances a process may have (spec chapter 01, 2.1).
type mode uint8

const (
	modeUnset mode = iota
	modeSingle
	modeMulti
)

// Process is the engine of one process: its mode, the parameters that are not an instance's, and the
// instances. The C library has one; tests make their own.
type Process struct {
	env  *vfs.Env
	sink eventlog.Sink

	mu        sync.Mutex
	mode      mode
	resolve   CallbackResolver
	values    *param.Values // of the process, and what new instances begin with
	instances []*Instance
	dbids     []bool // which JET_DBIDs are in use, from 1
}

// NewProcess makes a process without instances that tells its operator through sink.
func NewProcess(env *vfs.Env, sink eventlog.Sink) *Process {
	return &Process{env: env, sink: sink, values: param.Defaults()}
}

// CreateInstance makes an instance in multi-instance mode (JetCreateInstance). The name may be empty once.
// Errors: ErrRunningInOneInstanceMode, ErrInstanceNameInUse, ErrTooManyInstances.
func (p *Process) CreateInstance(name, display string) (*Instance, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mode == modeSingle {
		return nil, jet.ErrRunningInOneInstanceMode
	}
	return p.create(name, display, modeMulti)
}

// create makes an instance and enters mode m; the process is locked.
func (p *Process) create(name, display string, m mode) (*Instance, error) {
	for _, i := range p.instances {
		if i.name == name {
			return nil, jet.ErrInstanceNameInUse
		}
	}
	if int64(len(p.instances)) >= p.values.Number(jet.ParamMaxInstances) {
		return nil, jet.ErrTooManyInstances
	}
	i := newInstance(p, name, display)
	p.instances = append(p.instances, i)
	p.mode = m
	return i, nil
}

// ForInit gives the instance that JetInit is to start. Without a handle it makes one: the only one of the
// process, or an unnamed one in multi-instance mode; noPointer says that the caller has no place for its
// handle (spec chapter 01, 2.1).
func (p *Process) ForInit(given *Instance, noPointer bool) (*Instance, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch p.mode {
	case modeUnset:
		return p.create("", "", modeSingle)
	case modeSingle:
		return p.instances[0], nil
	}
	switch {
	case noPointer:
		return nil, jet.ErrRunningInMultiInstanceMode
	case given == nil:
		return p.create("", "", modeMulti)
	case !p.has(given):
		return nil, jet.ErrInvalidParameter
	}
	return given, nil
}

// Resolve gives the instance that an instance argument means: in single-instance mode always the one.
func (p *Process) Resolve(given *Instance) (*Instance, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mode == modeSingle {
		return p.instances[0], nil
	}
	if given == nil || !p.has(given) {
		return nil, jet.ErrInvalidParameter
	}
	return given, nil
}

// Single gives the one instance for calls that take none; ErrInvalidParameter where there is no mode yet,
// ErrRunningInMultiInstanceMode in that mode.
func (p *Process) Single() (*Instance, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch p.mode {
	case modeUnset:
		return nil, jet.ErrInvalidParameter
	case modeMulti:
		return nil, jet.ErrRunningInMultiInstanceMode
	}
	return p.instances[0], nil
}

func (p *Process) has(i *Instance) bool {
	for _, o := range p.instances {
		if o == i {
			return true
		}
	}
	return false
}

// remove forgets an instance; without any the process has no mode again.
func (p *Process) remove(i *Instance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k, o := range p.instances {
		if o == i {
			p.instances = append(p.instances[:k:k], p.instances[k+1:]...)
			break
		}
	}
	if len(p.instances) == 0 {
		p.mode = modeUnset
	}
}

// Instances gives the instances that exist, in order of creation.
func (p *Process) Instances() []*Instance {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]*Instance(nil), p.instances...)
}

// occupied says that a file is one of a running instance itself, where no database may be made.
func (p *Process) occupied(abs string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.instances, func(i *Instance) bool { return i.reserved && i.set.occupies(abs) })
}

// takeDBID gives the lowest free number of an attached database as the API shows it (JET_DBID); it is unique in the
// process.
func (p *Process) takeDBID() uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k, used := range p.dbids {
		if !used {
			p.dbids[k] = true
			return uint32(k) + 1
		}
	}
	p.dbids = append(p.dbids, true)
	return uint32(len(p.dbids))
}

func (p *Process) freeDBID(number uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dbids[number-1] = false
}
