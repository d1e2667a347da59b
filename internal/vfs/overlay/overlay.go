// Package overlay is a file system over another one that it never writes to. Files that are written keep their changed
// blocks in memory and, beyond a limit, in one unlinked temporary file; names that are made, removed or given to
// something else exist here alone. What was not touched shows through.
//
// It is for work that needs the engine on files that must stay as they are: recovery of a backup set that is only
// verified. When the FS is closed all is as if nothing had been. The files below must not change meanwhile.
//
// Paths are followed lexically: ".." takes a name away, whatever a symbolic link says. Names differ by case, but not on
// Windows. A file takes no space before it is written to, so that a full disk shows at the write.
package overlay

import (
	"errors"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// Options say where changes are kept.
type Options struct {
	// Memory is how many bytes of changed blocks are kept in memory, 0 for 64 MiB.
	Memory int64
	// TempDir is a directory of the file system below, for the temporary file of what goes beyond.
	TempDir string
	// Rand gives the temporary file its name.
	Rand func() uint64
}

const memoryDefault = 64 << 20

// FS is an overlay. It implements vfs.FS.
type FS struct {
	base  vfs.FS
	store *store
	fold  bool // names that differ by case alone are one

	mu    sync.Mutex
	roots map[string]*node // by volume
}

// New makes an overlay over base that has nothing changed yet.
func New(base vfs.FS, opt Options) *FS {
	if opt.Memory <= 0 {
		opt.Memory = memoryDefault
	}
	return &FS{base: base, store: newStore(base, opt), fold: runtime.GOOS == "windows", roots: map[string]*node{}}
}

// Close forgets all changes. No file of the overlay may be used any more.
func (f *FS) Close() error { return f.store.close() }

// Kept is how many bytes the overlay keeps of what was changed.
func (f *FS) Kept() int64 { return f.store.used() }

// node is a file or directory.
type node struct {
	// base is the path of what shows through, empty for what is here alone.
	base string
	dir  bool
	// entries are the names in a directory that are known, by key. The others are those of base.
	entries map[string]entry
	// content is that of a file that was opened.
	content *content
}

// entry is a name; its node is nil when the name was taken away.
type entry struct {
	name string
	node *node
}

// place is where a path leads: the directory that holds or would hold it, and what is there.
type place struct {
	path string
	dir  *node // nil for a root
	name string
	node *node // nil when nothing is there
}

var (
	errNotDirectory = errors.New("not a directory")
	errIsDirectory  = errors.New("is a directory")
	errNotEmpty     = errors.New("directory is not empty")
	errBelowItself  = errors.New("a directory cannot move below itself")
	errClosed       = errors.New("file is closed")
	errNegative     = errors.New("negative offset")
	errReadOnly     = errors.New("opened for reading")
)

func fail(code jet.Err, op, path string, err error) error {
	return &vfs.Error{Code: code, Op: op, Path: path, Err: err}
}

func (f *FS) key(name string) string {
	if f.fold {
		return strings.ToLower(name)
	}
	return name
}

// find follows a path; the overlay is locked.
func (f *FS) find(op, path string) (place, error) {
	abs, err := f.base.Abs(path)
	if err != nil {
		return place{}, err
	}
	volume := filepath.ToSlash(filepath.VolumeName(filepath.FromSlash(abs)))
	root := f.roots[f.key(volume)]
	if root == nil {
		root = &node{base: volume + "/", dir: true}
		f.roots[f.key(volume)] = root
	}
	at := place{path: abs, node: root}
	for name := range strings.SplitSeq(abs[len(volume):], "/") {
		switch {
		case name == "":
			continue
		case at.node == nil:
			return place{}, fail(jet.ErrInvalidPath, op, path, fs.ErrNotExist)
		case !at.node.dir:
			return place{}, fail(jet.ErrInvalidPath, op, path, errNotDirectory)
		}
		child, err := f.child(at.node, name)
		if err != nil {
			return place{}, err
		}
		at = place{path: abs, dir: at.node, name: name, node: child}
	}
	return at, nil
}

// child is what a name in a directory stands for, nil for nothing.
func (f *FS) child(dir *node, name string) (*node, error) {
	if e, known := dir.entries[f.key(name)]; known || dir.base == "" {
		return e.node, nil
	}
	base := below(dir.base, name)
	info, err := f.base.Stat(base)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	n := &node{base: base, dir: info.IsDir}
	f.set(dir, name, n)
	return n, nil
}

func below(dir, name string) string { return strings.TrimSuffix(dir, "/") + "/" + name }

// set makes a name stand for n, nil for nothing.
func (f *FS) set(dir *node, name string, n *node) {
	if dir.entries == nil {
		dir.entries = map[string]entry{}
	}
	dir.entries[f.key(name)] = entry{name, n}
}

// unset takes a name away.
func (f *FS) unset(at place) {
	if at.dir.base == "" {
		delete(at.dir.entries, f.key(at.name))
	} else {
		f.set(at.dir, at.name, nil)
	}
}

func (f *FS) info(n *node) (vfs.Info, error) {
	switch {
	case n.dir:
		return vfs.Info{IsDir: true}, nil
	case n.content != nil:
		return vfs.Info{Size: n.content.length()}, nil
	}
	return f.base.Stat(n.base)
}

// Open implements vfs.FS.
func (f *FS) Open(path string, mode vfs.OpenMode) (vfs.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at, err := f.find("open", path)
	if err != nil {
		return nil, err
	}
	access := mode.Access()
	creates := access == vfs.Create || access == vfs.CreateTruncate
	switch {
	case at.node == nil && !creates:
		return nil, fail(jet.ErrFileNotFound, "open", path, fs.ErrNotExist)
	case at.node != nil && access == vfs.Create:
		return nil, fail(jet.ErrFileAlreadyExists, "open", path, fs.ErrExist)
	case at.node != nil && at.node.dir:
		return nil, fail(jet.ErrFileAccessDenied, "open", path, errIsDirectory)
	case at.node == nil:
		at.node = &node{content: newContent(f.store, 0)}
		f.set(at.dir, at.name, at.node)
	}
	h := &file{fs: f, node: at.node, name: path, mode: mode}
	if err := h.open(); err != nil {
		return nil, err
	}
	return h, nil
}

// Remove implements vfs.FS.
func (f *FS) Remove(path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	at, err := f.find("remove", path)
	switch {
	case err != nil:
		return err
	case at.node == nil:
		return fail(jet.ErrFileNotFound, "remove", path, fs.ErrNotExist)
	case at.node.dir:
		return fail(jet.ErrFileAccessDenied, "remove", path, errIsDirectory)
	}
	f.unset(at)
	at.node.unlink()
	return nil
}

// unlink says that a file has no name any more.
func (n *node) unlink() {
	if n.content != nil {
		n.content.unlink()
	}
}

// Rename implements vfs.FS.
func (f *FS) Rename(oldPath, newPath string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	const op = "rename"
	from, err := f.find(op, oldPath)
	if err != nil {
		return err
	}
	if from.node == nil {
		return fail(jet.ErrFileNotFound, op, oldPath, fs.ErrNotExist)
	}
	to, err := f.find(op, newPath)
	switch {
	case err != nil:
		return err
	case to.node == from.node:
		return nil
	case to.node != nil && to.node.dir:
		return fail(jet.ErrFileAlreadyExists, op, newPath, fs.ErrExist)
	case from.dir == nil || strings.HasPrefix(to.path, from.path+"/"):
		return fail(jet.ErrInvalidPath, op, oldPath, errBelowItself)
	case to.node != nil && from.node.dir:
		return fail(jet.ErrInvalidPath, op, newPath, errNotDirectory)
	case to.node != nil:
		to.node.unlink()
	}
	f.unset(from)
	f.set(to.dir, to.name, from.node)
	return nil
}

// Mkdir implements vfs.FS.
func (f *FS) Mkdir(path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	at, err := f.find("mkdir", path)
	switch {
	case err != nil:
		return err
	case at.node != nil:
		return fail(jet.ErrFileAlreadyExists, "mkdir", path, fs.ErrExist)
	}
	f.set(at.dir, at.name, &node{dir: true})
	return nil
}

// MkdirAll implements vfs.FS.
func (f *FS) MkdirAll(path string) error {
	info, err := f.Stat(path)
	switch {
	case err == nil && info.IsDir:
		return nil
	case err == nil:
		return fail(jet.ErrInvalidPath, "mkdir", path, errNotDirectory)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	abs, err := f.Abs(path)
	if err != nil {
		return err
	}
	if parent := filepath.ToSlash(filepath.Dir(filepath.FromSlash(abs))); parent != abs {
		if err := f.MkdirAll(parent); err != nil {
			return err
		}
	}
	if err := f.Mkdir(path); jet.CodeOf(err) != jet.ErrFileAlreadyExists {
		return err
	}
	return nil // another was faster
}

// RemoveDir implements vfs.FS.
func (f *FS) RemoveDir(path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	at, err := f.findDir("rmdir", path)
	if err != nil {
		return err
	}
	list, err := f.list(at.node)
	switch {
	case err != nil:
		return err
	case len(list) > 0 || at.dir == nil:
		return fail(jet.ErrFileAccessDenied, "rmdir", path, errNotEmpty)
	}
	f.unset(at)
	return nil
}

// findDir follows a path that must lead to a directory.
func (f *FS) findDir(op, path string) (place, error) {
	at, err := f.find(op, path)
	switch {
	case err != nil:
		return at, err
	case at.node == nil:
		return at, fail(jet.ErrInvalidPath, op, path, fs.ErrNotExist)
	case !at.node.dir:
		return at, fail(jet.ErrInvalidPath, op, path, errNotDirectory)
	}
	return at, nil
}

// ReadDir implements vfs.FS.
func (f *FS) ReadDir(path string) ([]vfs.DirEntry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at, err := f.findDir("list", path)
	if err != nil {
		return nil, err
	}
	return f.list(at.node)
}

func (f *FS) list(dir *node) ([]vfs.DirEntry, error) {
	var list []vfs.DirEntry
	if dir.base != "" {
		below, err := f.base.ReadDir(dir.base)
		if err != nil {
			return nil, err
		}
		for _, e := range below {
			if _, known := dir.entries[f.key(e.Name)]; !known {
				list = append(list, e)
			}
		}
	}
	for _, e := range dir.entries {
		if e.node == nil {
			continue
		}
		info, err := f.info(e.node)
		if err != nil {
			return nil, err
		}
		list = append(list, vfs.DirEntry{Name: e.name, Info: info})
	}
	slices.SortFunc(list, func(a, b vfs.DirEntry) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// Stat implements vfs.FS.
func (f *FS) Stat(path string) (vfs.Info, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at, err := f.find("stat", path)
	switch {
	case err != nil:
		return vfs.Info{}, err
	case at.node == nil:
		return vfs.Info{}, fail(jet.ErrFileNotFound, "stat", path, fs.ErrNotExist)
	}
	return f.info(at.node)
}

// SyncDir implements vfs.FS: nothing here is to outlive the process.
func (f *FS) SyncDir(path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, err := f.findDir("sync directory", path)
	return err
}

// Abs implements vfs.FS.
func (f *FS) Abs(path string) (string, error) { return f.base.Abs(path) }
