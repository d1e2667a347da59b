package backup

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode/utf16"

	"esent/internal/engine"
	"esent/internal/engine/dbfile"
	"esent/internal/engine/recovery"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/logstore"
)

// RestoreEntry tells where a database is that the logs know under another name (JET_RSTMAP).
type RestoreEntry struct{ Old, New string }

// ExternalRestore is what JetExternalRestore and JetExternalRestore2 are given (spec chapter 06, 11.7).
type ExternalRestore struct {
	// CheckpointDir and LogDir are the directories of the instance that restores. They are created when missing.
	CheckpointDir, LogDir string
	// Map has the databases of the set, whose copies lie in their places already. Others are left out.
	Map []RestoreEntry
	// SetDir holds the logs of the set, of generations GenLow to GenHigh; 0 stands for the lowest and the highest there.
	// Other logs in it are deleted, unless it is LogDir or both are 0.
	SetDir          string
	GenLow, GenHigh int32
	// Base is the base name of the logs, empty for the process's default.
	Base string
	// The logs of a target instance are replayed behind those of the set. It is named, or given by its directories, or
	// not at all.
	TargetName, TargetLogDir, TargetCheckpointDir string
	Status                                        Status
}

// ExternalRestore restores databases that the program has put in their places, from the copies that a streaming
// backup delivered. The result is WrnTargetInstanceRunning, when the logs of a running target instance were
// replayed too, or 0. Errors besides those of Restore: ErrRunningInOneInstanceMode, ErrInvalidParameter,
// ErrBadRestoreTargetInstance, those of Engine.Enter for the target, ErrMissingRestoreLogFiles, ErrDatabaseSignInUse,
// ErrLogFilePathInUse for a set in the directory of an instance that runs, starts or ends.
func (s *Service) ExternalRestore(p *engine.Process, x ExternalRestore) (warning jet.Err, err error) {
	if _, err := p.Single(); err == nil {
		return 0, jet.ErrRunningInOneInstanceMode
	}
	byPath := x.TargetLogDir != "" || x.TargetCheckpointDir != ""
	if byPath && (x.TargetLogDir == "" || x.TargetCheckpointDir == "" || x.TargetName != "") {
		return 0, jet.ErrInvalidParameter
	}
	r := &restore{source: x.SetDir, status: x.Status, external: &x}
	target, err := findTarget(p, &x)
	if err != nil {
		return 0, err
	}
	if target != nil && !target.Log().Circular() {
		if err := r.follow(target, &x); err != nil {
			return 0, err
		}
		warning = jet.WrnTargetInstanceRunning
	}
	i, err := newRestoring(p, &x)
	if err != nil {
		return 0, err
	}
	if err := errors.Join(restoreOn(i, r), i.Term(0)); err != nil {
		return 0, err
	}
	return warning, nil
}

// findTarget gives the running target instance, nil for none. Directories in which none runs become those of the
// instance that restores.
func findTarget(p *engine.Process, x *ExternalRestore) (*engine.Instance, error) {
	if x.TargetName == "" && x.TargetLogDir == "" {
		return nil, nil
	}
	for _, i := range p.Instances() {
		if x.TargetName != "" && i.Name() != x.TargetName || x.TargetName == "" && !hasLogDir(i, x.TargetLogDir) {
			continue
		}
		if err := i.Enter(); err != nil {
			return nil, err
		}
		defer i.Leave()
		if i.Log() == nil || x.Base != "" && !strings.EqualFold(i.Log().Naming().Base, x.Base) {
			return nil, jet.ErrBadRestoreTargetInstance.Errorf("instance %s has other logs", i.Name())
		}
		return i, nil
	}
	if x.TargetName != "" {
		return nil, jet.ErrBadRestoreTargetInstance.Errorf("no instance %s runs", x.TargetName)
	}
	x.LogDir, x.CheckpointDir = x.TargetLogDir, x.TargetCheckpointDir
	return nil, nil
}

func hasLogDir(i *engine.Instance, dir string) bool {
	if !i.BackupAllowed() {
		return false
	}
	abs, err := i.Env().FS.Abs(dir)
	return err == nil && path.Clean(i.LogDir()) == abs
}

// follow has the logs of a running instance replayed behind those of the set, up to now.
func (r *restore) follow(target *engine.Instance, x *ExternalRestore) error {
	if err := target.Enter(); err != nil {
		return err
	}
	defer target.Leave()
	text := utf16.Encode([]rune(fmt.Sprintf("%s\x00%s\x00", x.LogDir, target.Name())))
	raw := make([]byte, 0, 2*len(text))
	for _, c := range text {
		raw = le.AppendUint16(raw, c)
	}
	pos, err := target.AppendInNewGeneration(&logstore.RestoreMark{Kind: logstore.RecExtRestore2, Text: raw})
	if err != nil {
		return err
	}
	r.targetDir, r.targetHigh = path.Clean(target.LogDir()), pos.Gen()-1
	return nil
}

// newRestoring makes the instance that restores.
func newRestoring(p *engine.Process, x *ExternalRestore) (*engine.Instance, error) {
	i, err := createRestoring(p, x.TargetName)
	if err != nil {
		return nil, err
	}
	texts := map[jet.ParamID]string{jet.ParamSystemPath: x.CheckpointDir, jet.ParamTempPath: x.CheckpointDir, jet.ParamLogFilePath: x.LogDir}
	if x.Base != "" {
		texts[jet.ParamBaseName] = x.Base
	}
	if !strings.HasSuffix(x.CheckpointDir, "/") {
		texts[jet.ParamTempPath] += "/"
	}
	in := engine.ParamTarget{Instance: i}
	for id, text := range texts {
		err = errors.Join(err, p.SetParam(in, id, 0, text))
	}
	err = errors.Join(err, p.SetParam(in, jet.ParamCreatePathIfNotExist, 1, ""))
	if err != nil {
		return nil, errors.Join(err, i.Term(0))
	}
	return i, nil
}

// createRestoring makes an instance under a name that no other has.
func createRestoring(p *engine.Process, target string) (*engine.Instance, error) {
	const most = 9999
	for n := 1; ; n++ {
		name, display := fmt.Sprintf("%sRestore%04d", target, n), fmt.Sprintf("Restore%04d", n)
		if target != "" {
			display = fmt.Sprintf("%s - %s", target, display)
		}
		i, err := p.CreateInstance(name, display)
		if jet.CodeOf(err) != jet.ErrInstanceNameInUse || n == most {
			return i, err
		}
	}
}

// mappedFile is a database that lies in its place already.
type mappedFile struct {
	RestoreEntry
	sign jet.Signature
	told bool // event 216 was reported
}

// findExternal finds the logs of the set.
func (r *restore) findExternal() error {
	s, err := setIn(r.Env.FS, r.source, r.Naming)
	if err != nil {
		return err
	}
	if len(s.Logs.Archives) == 0 {
		return jet.ErrFileNotFound.Errorf("there are no logs in %s", s.Dir)
	}
	r.set = s
	if r.external.GenLow != 0 {
		s.GenLow = r.external.GenLow
	}
	if r.external.GenHigh != 0 {
		s.GenHigh = r.external.GenHigh
	}
	if s.GenLow > s.GenHigh {
		return jet.ErrInvalidParameter.Errorf("generations %d to %d", s.GenLow, s.GenHigh)
	}
	if err := s.CheckLogs(r.Env.FS, r.Events); err != nil {
		return err
	}
	return r.removeSurplus()
}

// removeSurplus deletes the logs in the set's directory that are not asked for.
func (r *restore) removeSurplus() error {
	s := r.set
	if x := r.external; s.Dir == path.Clean(r.LogDir) || x.GenLow == 0 && x.GenHigh == 0 {
		return nil
	}
	var names []string
	for _, a := range s.Logs.Archives {
		if a.Gen < s.GenLow || a.Gen > s.GenHigh {
			names = append(names, a.Name)
		}
	}
	if s.Logs.Current {
		names = append(names, s.Naming.Current())
	}
	for _, name := range names {
		if err := r.Env.FS.Remove(path.Join(s.Dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// checkTarget makes sure that the target's logs continue the set (spec chapter 06, 11.3).
func (r *restore) checkTarget() error {
	logs, err := existingLogs(r.Env.FS, r.targetDir, r.set.Naming)
	if err != nil {
		return err
	}
	n := 0
	for n < len(logs) && logs[n].header.Gen <= r.targetHigh {
		n++
	}
	if n == 0 || logs[n-1].header.Gen != r.targetHigh {
		file := path.Join(r.targetDir, r.set.Naming.Archive(r.targetHigh))
		r.Events.Report(eventlog.RestoreLogMissing, file)
		return jet.ErrMissingRestoreLogFiles.Errorf("%s", file)
	}
	return r.checkExisting(logs[:n], r.targetDir, r.set.Naming)
}

// prepareExternal makes the mapped databases ready for redo where they lie.
func (r *restore) prepareExternal() error {
	for _, e := range r.external.Map {
		file, err := r.Env.FS.Abs(e.New)
		if err != nil {
			return jet.ErrInvalidPath.Errorf("%s: %v", e.New, err)
		}
		m := &mappedFile{RestoreEntry: RestoreEntry{e.Old, file}}
		c := restoredFile{r: r, from: file, to: file}
		h, err := c.header()
		if err != nil {
			return err
		}
		m.sign = h.SignDB
		for _, o := range r.mapped {
			if o.sign == m.sign {
				return jet.ErrDatabaseSignInUse.Errorf("%s and %s are copies of one database", o.New, m.New)
			}
		}
		r.mapped = append(r.mapped, m)
	}
	for _, m := range r.mapped {
		c := restoredFile{r: r, from: m.New, to: m.New}
		if err := c.bring(); err != nil {
			return err
		}
	}
	return nil
}

// header is the header of the copy in the set.
func (c *restoredFile) header() (dbfile.Header, error) {
	f, err := OpenCopy(c.r.Env, c.from, true)
	if err != nil {
		return dbfile.Header{}, err
	}
	return f.Header(), f.Close()
}

// placeExternal finds a database that the log names by its name, or by its signature (recovery.Config.Map).
func (r *restore) placeExternal(logged string, sign jet.Signature) (recovery.Mapping, error) {
	for _, m := range r.mapped {
		if strings.EqualFold(m.Old, logged) {
			return recovery.Mapping{Path: m.New}, nil
		}
	}
	for _, m := range r.mapped {
		if m.sign == sign {
			if !m.told {
				m.told = true
				r.Events.Report(eventlog.DatabaseLocationChange, logged, m.New)
			}
			return recovery.Mapping{Path: m.New}, nil
		}
	}
	return recovery.Mapping{Path: logged, Skip: true, IgnoreMissing: true}, nil
}

// removeCheckpoint removes what an earlier use of the checkpoint directory has left.
func (r *restore) removeCheckpoint() error {
	dir, err := r.Env.FS.Abs(r.external.CheckpointDir)
	if err != nil {
		return jet.ErrInvalidPath.Errorf("%s: %v", r.external.CheckpointDir, err)
	}
	if err := r.Env.FS.Remove(path.Join(dir, r.Naming.Checkpoint())); err != nil && !absent(err) {
		return err
	}
	return nil
}

// removeReserves removes the reserved logs of an instance that has served for the restore alone.
func (r *restore) removeReserves() error {
	logs, err := r.Env.FS.ReadDir(r.LogDir)
	if err != nil {
		return err
	}
	reserve := r.Naming.Base + "res"
	for _, e := range logs {
		if strings.HasPrefix(e.Name, reserve) && path.Ext(e.Name) == ".jrs" {
			if err := r.Env.FS.Remove(path.Join(r.LogDir, e.Name)); err != nil && !absent(err) {
				return err
			}
		}
	}
	return nil
}
