package engine

import (
	"strings"

	"esent/internal/engine/param"
	"esent/internal/jet"
)

// ParamTarget says whose parameter a call means: an instance, by handle or by session, or the process.
type ParamTarget struct {
	Instance *Instance
	Session  *Session
}

// values gives the set that a parameter lives in, and the instance if it is one's.
func (p *Process) paramHome(d *param.Def, t ParamTarget) (*param.Values, *Instance) {
	i := t.Instance
	if t.Session != nil {
		i = t.Session.inst
	}
	if p.mode == modeSingle {
		i = p.instances[0]
	}
	if d.Global || i == nil {
		return p.values, nil
	}
	return i.values, i
}

// SetParam changes a system parameter (JetSetSystemParameter, spec chapter 01, 3.1). Parameters with a
// structure of their own have methods of their own.
func (p *Process) SetParam(t ParamTarget, id jet.ParamID, number int64, text string) error {
	d, err := param.Find(id)
	if err != nil {
		return err
	}
	if id == jet.ParamCommitDefault && t.Session != nil {
		return t.Session.SetCommitDefault(jet.Grbit(number))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	v, i := p.paramHome(d, t)
	if d.Advanced && !v.Bool(jet.ParamEnableAdvanced) {
		return nil
	}
	if d.When == param.Never {
		return jet.ErrInvalidParameter
	}
	if d.IsText() {
		return p.setText(d, v, i, text)
	}
	return p.setNumber(d, v, i, number)
}

// changeable says whether a parameter may still be changed.
func (p *Process) changeable(d *param.Def, i *Instance) error {
	if d.When == param.BeforeEngine && p.mode != modeUnset || d.When == param.BeforeInit && i != nil && i.started() {
		return jet.ErrAlreadyInitialized
	}
	return nil
}

func (p *Process) setNumber(d *param.Def, v *param.Values, i *Instance, n int64) error {
	if d.Kind == param.Bool && n != 0 {
		n = 1
	}
	if n == v.Number(d.ID) {
		v.SetNumber(d.ID, n)
		return nil
	}
	if err := p.changeable(d, i); err != nil {
		return err
	}
	n, err := d.CheckNumber(n)
	if err != nil {
		return err
	}
	switch d.ID {
	case jet.ParamDatabasePageSize:
		if n < 4096 || n&(n-1) != 0 {
			return jet.ErrInvalidParameter
		}
	case jet.ParamCommitDefault:
		if jet.Grbit(n)&^commitBits != 0 {
			return jet.ErrInvalidParameter
		}
	case jet.ParamEngineFormatVersion:
		if i != nil && i.hasDatabases() {
			return jet.ErrAlreadyInitialized
		}
		if _, err := resolveFormatVersion(n); err != nil {
			return err
		}
	case jet.ParamConfiguration:
		v.Configure(n)
		return nil
	}
	v.SetNumber(d.ID, n)
	if i != nil {
		i.parameterChanged(d.ID)
	} else {
		for _, o := range p.instances {
			o.parameterChanged(d.ID)
		}
	}
	return nil
}

func (p *Process) setText(d *param.Def, v *param.Values, i *Instance, s string) error {
	if err := d.CheckText(s); err != nil {
		return err
	}
	switch {
	case d.Kind == param.Folder && s != "":
		abs, err := p.env.FS.Abs(s)
		if err != nil {
			return err
		}
		s = strings.TrimRight(abs, "/") + "/"
	case d.Kind == param.File && strings.ContainsAny(s, `/\`):
		abs, err := p.env.FS.Abs(s)
		if err != nil {
			return err
		}
		if strings.HasSuffix(s, "/") || strings.HasSuffix(s, `\`) {
			abs = strings.TrimRight(abs, "/") + "/"
		}
		s = abs
	}
	if s == v.Text(d.ID) {
		v.SetText(d.ID, s)
		return nil
	}
	if err := p.changeable(d, i); err != nil {
		return err
	}
	if err := d.CheckText(s); err != nil {
		return err
	}
	v.SetText(d.ID, s)
	return nil
}

// GetParam reads a system parameter: its number, or its text for string parameters (JetGetSystemParameter).
func (p *Process) GetParam(t ParamTarget, id jet.ParamID) (number int64, text string, isText bool, err error) {
	if id == jet.ParamTransactionLevel && t.Session != nil {
		return int64(t.Session.trx.Level()), "", false, nil
	}
	d, err := param.Find(id)
	if err != nil {
		return 0, "", false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	v, i := p.paramHome(d, t)
	switch id {
	case jet.ParamCommitDefault:
		if t.Session != nil {
			return int64(t.Session.commitDefault), "", false, nil
		}
	case jet.ParamEngineFormatVersion:
		n, err := resolveFormatVersion(v.Number(id))
		return n, "", false, err
	case jet.ParamKeyMost:
		return int64(keyMost(int(p.values.Number(jet.ParamDatabasePageSize)))), "", false, nil
	case jet.ParamMaxColtyp:
		return jet.ColtypMax, "", false, nil
	case jet.ParamRecordSizeMost:
		return int64(recordSizeMost(int(p.values.Number(jet.ParamDatabasePageSize)))), "", false, nil
	case jet.ParamLVChunkSizeMost:
		return int64(lvChunkSize(int(p.values.Number(jet.ParamDatabasePageSize)))), "", false, nil
	case jet.ParamRecoveryCurrentLogfile:
		if i != nil {
			if gen := i.currentGen(); gen != 0 {
				return int64(gen), "", false, nil
			}
		}
		return 0, "", false, jet.ErrInvalidParameter
	case jet.ParamCacheSize:
		if i == nil && len(p.instances) > 0 {
			i = p.instances[0]
		}
		if i != nil {
			return int64(i.cachePages()), "", false, nil
		}
	}
	if d.IsText() {
		return 0, v.Text(id), true, nil
	}
	return v.Number(id), "", false, nil
}

// SetParamItem is one element of JetEnableMultiInstance.
type SetParamItem struct {
	ID     jet.ParamID
	Number int64
	Text   string
	Err    error // result
}

// EnableMulti sets parameters of the process and fixes multi-instance mode, or in that mode compares them
// (JetEnableMultiInstance, spec chapter 01, 2.2). It returns how many were set.
func (p *Process) EnableMulti(items []SetParamItem) (int, error) {
	p.mu.Lock()
	m := p.mode
	p.mu.Unlock()
	switch m {
	case modeSingle:
		return 0, jet.ErrRunningInOneInstanceMode
	case modeMulti:
		return 0, p.compareParams(items)
	}
	for k := range items {
		it := &items[k]
		if it.Err = p.SetParam(ParamTarget{}, it.ID, it.Number, it.Text); it.Err != nil {
			return k, it.Err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode = modeMulti
	return len(items), nil
}

func (p *Process) compareParams(items []SetParamItem) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	named := map[jet.ParamID]bool{}
	for k := range items {
		it := &items[k]
		named[it.ID] = true
		d, err := param.Find(it.ID)
		if err == nil && (d.IsText() && it.Text != p.values.Text(it.ID) || !d.IsText() && it.Number != p.values.Number(it.ID)) {
			err = jet.ErrSystemParameterConflict
		}
		if it.Err = err; err != nil {
			return err
		}
	}
	for id := jet.ParamID(0); id <= param.Last; id++ {
		if d, err := param.Find(id); err == nil && d.Global && d.When == param.BeforeEngine && p.values.IsSet(id) && !named[id] {
			return jet.ErrSystemParameterConflict
		}
	}
	return jet.ErrSystemParamsAlreadySet
}
