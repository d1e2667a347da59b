package vfs

import (
	"errors"
	"path"
	"strconv"
)

// ReplaceFile makes data the content of a file, which may be there or not, so that whoever reads it finds the old
// content or the new one, whole: it is written under another name beside it, made durable, and renamed.
func ReplaceFile(env *Env, file string, data []byte) error {
	abs, err := env.FS.Abs(file)
	if err != nil {
		return err
	}
	beside := abs + "." + strconv.FormatUint(env.Rand(), 36)
	f, err := env.FS.Open(beside, Create)
	if err != nil {
		return err
	}
	err = f.WriteAt(data, 0)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = env.FS.Rename(beside, abs)
	}
	if err != nil {
		return errors.Join(err, env.FS.Remove(beside))
	}
	return env.FS.SyncDir(path.Dir(abs))
}
