package simdisk

import (
	"io/fs"
	"path"
	"strings"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// view is the file system as one epoch's programs have it.
type view struct {
	s     *Sim
	epoch int
}

func clean(p string) string { return path.Join("/", p) }

// place is where a path leads: the directory that holds or would hold it, and what is there.
type place struct {
	dir  *node
	name string
	node *node // nil when nothing is there
}

// find follows a clean path. The root itself has neither directory nor name.
func (s *Sim) find(p string, info *OpInfo) (place, error) {
	at := place{node: s.root}
	for name := range strings.SplitSeq(p[1:], "/") {
		if name == "" {
			continue
		}
		if at.node == nil {
			return place{}, &vfs.Error{Code: jet.ErrInvalidPath, Op: info.Op.String(), Path: p, Err: fs.ErrNotExist}
		}
		if !at.node.dir {
			return place{}, simError(jet.ErrInvalidPath, info, "not a directory")
		}
		at = place{dir: at.node, name: name, node: at.node.kids[name]}
	}
	return at, nil
}

func missing(code jet.Err, info *OpInfo) error {
	return &vfs.Error{Code: code, Op: info.Op.String(), Path: info.Path, Err: fs.ErrNotExist}
}

func exists(info *OpInfo) error {
	return &vfs.Error{Code: jet.ErrFileAlreadyExists, Op: info.Op.String(), Path: info.Path, Err: fs.ErrExist}
}

func (v *view) Open(p string, mode vfs.OpenMode) (vfs.File, error) {
	s := v.s
	info := OpInfo{Op: OpOpen, Path: clean(p)}
	if m := mode.Access(); m == vfs.Create || m == vfs.CreateTruncate {
		info.Op = OpCreate
	}
	d := s.enter(v.epoch, info)
	defer s.mu.Unlock()
	if d.skip {
		return nil, d.err
	}
	at, err := s.find(info.Path, &info)
	switch {
	case err != nil:
		return nil, err
	case at.node == nil && info.Op == OpOpen:
		return nil, missing(jet.ErrFileNotFound, &info)
	case at.node != nil && mode.Access() == vfs.Create:
		return nil, exists(&info)
	case at.node != nil && at.node.dir:
		return nil, simError(jet.ErrFileAccessDenied, &info, "is a directory")
	}
	exclusive := mode.Access() != vfs.ReadOnly
	if n := at.node; n != nil && mode&vfs.Lock != 0 && (n.locked || exclusive && n.shared > 0) {
		return nil, &vfs.Error{Code: jet.ErrFileAccessDenied, Op: "lock", Path: info.Path, Err: vfs.ErrLocked}
	}
	if at.node == nil {
		at.node = s.newNode(false)
		s.change(nameOp{dst: at.dir, dstName: at.name, child: at.node})
	} else if mode.Access() == vfs.CreateTruncate && len(at.node.data) > 0 {
		s.used -= int64(len(at.node.data))
		at.node.truncate(0)
	}
	if d.err != nil {
		return nil, d.err
	}
	at.node.open++
	if mode&vfs.Lock != 0 {
		if exclusive {
			at.node.locked = true
		} else {
			at.node.shared++
		}
	}
	return &file{s: s, epoch: v.epoch, node: at.node, path: info.Path, name: p, mode: mode}, nil
}

func (v *view) Remove(p string) error {
	return v.remove(OpInfo{Op: OpRemove, Path: clean(p)}, jet.ErrFileNotFound, func(n *node) string {
		if n.dir {
			return "is a directory"
		}
		return ""
	})
}

func (v *view) RemoveDir(p string) error {
	return v.remove(OpInfo{Op: OpRemoveDir, Path: clean(p)}, jet.ErrInvalidPath, func(n *node) string {
		if n.dir && len(n.kids) > 0 {
			return "directory not empty"
		}
		return ""
	})
}

// remove takes a name away, unless refuse has something against it.
func (v *view) remove(info OpInfo, absent jet.Err, refuse func(*node) string) error {
	s := v.s
	d := s.enter(v.epoch, info)
	defer s.mu.Unlock()
	if d.skip {
		return d.err
	}
	at, err := s.find(info.Path, &info)
	if err != nil {
		return err
	}
	if at.node == nil {
		return missing(absent, &info)
	}
	if info.Op == OpRemoveDir && !at.node.dir {
		return simError(jet.ErrInvalidPath, &info, "not a directory")
	}
	text := refuse(at.node)
	if at.dir == nil {
		text = "is the root directory"
	}
	if text != "" {
		return simError(jet.ErrFileAccessDenied, &info, text)
	}
	s.change(nameOp{src: at.dir, srcName: at.name, child: at.node})
	return d.err
}

func (v *view) Rename(oldPath, newPath string) error {
	s := v.s
	info := OpInfo{Op: OpRename, Path: clean(oldPath), Target: clean(newPath)}
	d := s.enter(v.epoch, info)
	defer s.mu.Unlock()
	if d.skip {
		return d.err
	}
	from, err := s.find(info.Path, &info)
	if err != nil {
		return err
	}
	if from.node == nil {
		return missing(jet.ErrFileNotFound, &info)
	}
	to, err := s.find(info.Target, &info)
	switch {
	case err != nil:
		return err
	case to.node == from.node && to.dir == from.dir:
		return d.err
	case to.node != nil && (to.node.dir || from.node.dir):
		return exists(&info)
	case from.dir == nil || strings.HasPrefix(info.Target, info.Path+"/"):
		return simError(jet.ErrInvalidPath, &info, "a directory cannot move below itself")
	}
	s.change(nameOp{src: from.dir, srcName: from.name, dst: to.dir, dstName: to.name, child: from.node})
	return d.err
}

func (v *view) Mkdir(p string) error {
	s := v.s
	info := OpInfo{Op: OpMkdir, Path: clean(p)}
	d := s.enter(v.epoch, info)
	defer s.mu.Unlock()
	if d.skip {
		return d.err
	}
	at, err := s.find(info.Path, &info)
	if err != nil {
		return err
	}
	if at.node != nil {
		return exists(&info)
	}
	s.change(nameOp{dst: at.dir, dstName: at.name, child: s.newNode(true)})
	return d.err
}

func (v *view) MkdirAll(p string) error {
	p = clean(p)
	for i := 1; i <= len(p); i++ {
		if i < len(p) && p[i] != '/' {
			continue
		}
		info, err := v.Stat(p[:i])
		switch {
		case err == nil && info.IsDir:
		case err == nil:
			return simError(jet.ErrInvalidPath, &OpInfo{Op: OpMkdir, Path: p[:i]}, "not a directory")
		case jet.CodeOf(err) != jet.ErrFileNotFound:
			return err
		default:
			if err := v.Mkdir(p[:i]); err != nil && jet.CodeOf(err) != jet.ErrFileAlreadyExists {
				return err
			}
		}
	}
	return nil
}

func (v *view) ReadDir(p string) ([]vfs.DirEntry, error) {
	s := v.s
	info := OpInfo{Op: OpReadDir, Path: clean(p)}
	d := s.enter(v.epoch, info)
	defer s.mu.Unlock()
	if d.skip {
		return nil, d.err
	}
	at, err := s.find(info.Path, &info)
	switch {
	case err != nil:
		return nil, err
	case at.node == nil:
		return nil, missing(jet.ErrInvalidPath, &info)
	case !at.node.dir:
		return nil, simError(jet.ErrInvalidPath, &info, "not a directory")
	}
	var list []vfs.DirEntry
	for _, name := range sortedNames(at.node.kids) {
		list = append(list, vfs.DirEntry{Name: name, Info: at.node.kids[name].info()})
	}
	return list, nil
}

func (n *node) info() vfs.Info { return vfs.Info{Size: int64(len(n.data)), IsDir: n.dir} }

func (v *view) Stat(p string) (vfs.Info, error) {
	s := v.s
	info := OpInfo{Op: OpStat, Path: clean(p)}
	d := s.enter(v.epoch, info)
	defer s.mu.Unlock()
	if d.skip {
		return vfs.Info{}, d.err
	}
	at, err := s.find(info.Path, &info)
	if err != nil {
		return vfs.Info{}, err
	}
	if at.node == nil {
		return vfs.Info{}, missing(jet.ErrFileNotFound, &info)
	}
	return at.node.info(), nil
}

func (v *view) SyncDir(p string) error {
	s := v.s
	info := OpInfo{Op: OpSyncDir, Path: clean(p)}
	d := s.enter(v.epoch, info)
	defer s.mu.Unlock()
	if d.skip {
		return d.err
	}
	at, err := s.find(info.Path, &info)
	switch {
	case err != nil:
		return err
	case at.node == nil:
		return missing(jet.ErrInvalidPath, &info)
	case !at.node.dir:
		return simError(jet.ErrInvalidPath, &info, "not a directory")
	case d.err != nil:
		return d.err // what is pending may be durable or not, as for any crash
	}
	s.syncNames(at.node, false)
	return nil
}

func (v *view) Abs(p string) (string, error) { return clean(p), nil }
