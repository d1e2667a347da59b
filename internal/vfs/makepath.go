package vfs

import "path"

// MakePath makes a directory with whatever is missing on the way to it, like FS.MkdirAll, and makes that durable: the
// names of files in it are of no use after a power cut when its own is lost. dir is absolute. made are the directories
// that were missing, outermost first.
func MakePath(fsys FS, dir string) (made []string, err error) {
	for at := path.Clean(dir); ; at = path.Dir(at) {
		ok, err := Exists(fsys, at)
		if err != nil {
			return nil, err
		}
		if ok || at == path.Dir(at) {
			break
		}
		made = append([]string{at}, made...)
	}
	if err := fsys.MkdirAll(dir); err != nil {
		return made, err
	}
	for _, at := range made {
		if err := fsys.SyncDir(path.Dir(at)); err != nil {
			return made, err
		}
	}
	return made, nil
}
