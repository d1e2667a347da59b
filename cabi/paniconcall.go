//go:build paniconcall

package main

import (
	"strings"
	"time"

	"esent/internal/vfs"
)

// With this build tag a read of a page from a database file panics, once, when a file of the database's name and
// ".panic" exists: in the midst of a call, with the page's latch held. It is for the test of what comes after.
func init() { environment.FS = defectiveFS{environment.FS} }

type defectiveFS struct{ vfs.FS }

func (d defectiveFS) Open(path string, mode vfs.OpenMode) (vfs.File, error) {
	f, err := d.FS.Open(path, mode)
	if err == nil && strings.HasSuffix(path, ".edb") {
		f = defectiveFile{f, d.FS, path + ".panic"}
	}
	return f, err
}

type defectiveFile struct {
	vfs.File
	fs   vfs.FS
	mark string
}

func (d defectiveFile) ReadAt(p []byte, off int64) error {
	if d.fs.Remove(d.mark) == nil {
		time.Sleep(200 * time.Millisecond) // others come to wait for the latch
		panic("paniconcall")
	}
	return d.File.ReadAt(p, off)
}
