package engine

import (
	"errors"
	"sync"

	"esent/internal/vfs"
)

// openFiles is the file system of an instance. It knows the files that the instance has open, so that their locks can
// be given back when those who opened them cannot.
type openFiles struct {
	vfs.FS

	mu    sync.Mutex
	files map[*openFile]struct{}
}

type openFile struct {
	vfs.File
	list *openFiles
}

// environment is what the instance is given from outside, with guards around it.
func (i *Instance) environment() *vfs.Env {
	e := *i.proc.env
	i.files = &openFiles{FS: e.FS, files: map[*openFile]struct{}{}}
	e.FS, e.Sched = i.files, guardedScheduler{e.Sched, i}
	return &e
}

// Open implements vfs.FS.
func (o *openFiles) Open(path string, mode vfs.OpenMode) (vfs.File, error) {
	f, err := o.FS.Open(path, mode)
	if err != nil {
		return nil, err
	}
	file := &openFile{f, o}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.files[file] = struct{}{}
	return file, nil
}

// Close implements vfs.File.
func (f *openFile) Close() error {
	f.list.mu.Lock()
	_, open := f.list.files[f]
	delete(f.list.files, f)
	f.list.mu.Unlock()
	if !open {
		return nil // closeAll was faster
	}
	return f.File.Close()
}

// closeAll closes what is open.
func (o *openFiles) closeAll() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	var errs []error
	for f := range o.files {
		errs = append(errs, f.File.Close())
	}
	clear(o.files)
	return errors.Join(errs...)
}
