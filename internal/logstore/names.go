package logstore

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// Naming is how the files of a log stream are called (spec chapter 05, 1).
type Naming struct {
	// Base is JET_paramBaseName, normally three characters.
	Base string
	// Legacy gives .log and .chk (JET_bitESE98FileNames), otherwise .jtx and .jcp.
	Legacy bool
	// EightDotThree gives archives 5 digits up to generation 0xFFFFF (JET_bitEightDotThreeSoftCompat),
	// otherwise 8.
	EightDotThree bool
}

// NewNaming takes the value of JET_paramLegacyFileNames.
func NewNaming(base string, legacyFileNames uint32) Naming {
	return Naming{Base: base, Legacy: legacyFileNames&1 != 0, EightDotThree: legacyFileNames&2 != 0}
}

// LogExt is the extension of log files with its dot.
func (n Naming) LogExt() string {
	if n.Legacy {
		return ".log"
	}
	return ".jtx"
}

// Current is the name of the log being written.
func (n Naming) Current() string { return n.Base + n.LogExt() }

// Temp is the name of the next log while it is prepared.
func (n Naming) Temp() string { return n.Base + "tmp" + n.LogExt() }

// Archive is the name of the finished log of a generation.
func (n Naming) Archive(gen int32) string {
	if n.EightDotThree && gen <= 0xFFFFF {
		return fmt.Sprintf("%s%05X%s", n.Base, gen, n.LogExt())
	}
	return fmt.Sprintf("%s%08X%s", n.Base, gen, n.LogExt())
}

// Reserve is the name of the i-th reserved log, from 1.
func (n Naming) Reserve(i int) string { return fmt.Sprintf("%sres%05X.jrs", n.Base, i) }

// Checkpoint is the name of the checkpoint file.
func (n Naming) Checkpoint() string {
	if n.Legacy {
		return n.Base + ".chk"
	}
	return n.Base + ".jcp"
}

// ParseArchive gives the generation in an archive's name: 5 or 8 hexadecimal digits between base name and
// extension, whatever EightDotThree says.
func (n Naming) ParseArchive(name string) (gen int32, ok bool) {
	digits := len(name) - len(n.Base) - len(n.LogExt())
	if digits != 5 && digits != 8 || !strings.EqualFold(name[:len(n.Base)], n.Base) || !strings.EqualFold(name[len(n.Base)+digits:], n.LogExt()) {
		return 0, false
	}
	hex := name[len(n.Base) : len(n.Base)+digits]
	if hex[0] == '+' || hex[0] == '-' {
		return 0, false
	}
	v, err := strconv.ParseInt(hex, 16, 32)
	if err != nil || v == 0 {
		return 0, false
	}
	return int32(v), true
}

// Names says that a file's name is one that the stream uses or may come to use, with either extension and in whatever
// case: the current log, an archive, the temporary or a reserved log, or the checkpoint.
func (n Naming) Names(file string) bool {
	for _, n.Legacy = range [...]bool{false, true} {
		if _, archive := n.ParseArchive(file); archive || strings.EqualFold(file, n.Current()) || strings.EqualFold(file, n.Temp()) ||
			strings.EqualFold(file, n.Checkpoint()) {
			return true
		}
	}
	for i := 1; i <= reservedLogs; i++ {
		if strings.EqualFold(file, n.Reserve(i)) {
			return true
		}
	}
	return false
}

// Archive is a finished log in a directory.
type Archive struct {
	Gen  int32
	Name string
}

// Directory is what of a log stream lies in a directory.
type Directory struct {
	// Archives are the finished logs by rising generation, one a generation.
	Archives []Archive
	// Current and Temp say that these files exist.
	Current, Temp bool
}

// Lowest is the lowest archived generation, 0 for none.
func (d *Directory) Lowest() int32 {
	if len(d.Archives) == 0 {
		return 0
	}
	return d.Archives[0].Gen
}

// Highest is the highest archived generation, 0 for none.
func (d *Directory) Highest() int32 {
	if len(d.Archives) == 0 {
		return 0
	}
	return d.Archives[len(d.Archives)-1].Gen
}

// Find is the file name of an archived generation.
func (d *Directory) Find(gen int32) (name string, ok bool) {
	i, ok := slices.BinarySearchFunc(d.Archives, gen, func(a Archive, gen int32) int { return cmp.Compare(a.Gen, gen) })
	if !ok {
		return "", false
	}
	return d.Archives[i].Name, true
}

// FindLogs lists the logs in dir. A directory that does not exist holds none.
func FindLogs(fsys vfs.FS, dir string, n Naming) (Directory, error) {
	var d Directory
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return d, nil
		}
		return d, err
	}
	for _, e := range entries {
		if e.IsDir {
			continue
		}
		gen, archive := n.ParseArchive(e.Name)
		switch {
		case archive:
			d.Archives = append(d.Archives, Archive{gen, e.Name})
		case e.Name == n.Current():
			d.Current = true
		case e.Name == n.Temp():
			d.Temp = true
		}
	}
	slices.SortStableFunc(d.Archives, func(a, b Archive) int {
		if a.Gen != b.Gen {
			return cmp.Compare(a.Gen, b.Gen)
		}
		// Of two names of one generation the configured one comes first and stays.
		return -cmp.Compare(boolByte(a.Name == n.Archive(a.Gen)), boolByte(b.Name == n.Archive(b.Gen)))
	})
	d.Archives = slices.CompactFunc(d.Archives, func(a, b Archive) bool { return a.Gen == b.Gen })
	return d, nil
}

// DetectNaming gives n with the extension that the logs in dir have: the configured one if any such log
// exists or none at all does, else the other (spec chapter 05, 1).
func DetectNaming(fsys vfs.FS, dir string, n Naming) (Naming, error) {
	other := n
	other.Legacy = !n.Legacy
	for _, try := range []Naming{n, other} {
		d, err := FindLogs(fsys, dir, try)
		if err != nil {
			return n, err
		}
		if d.Current || len(d.Archives) > 0 {
			return try, nil
		}
	}
	return n, nil
}

// join puts a file name behind a directory; an empty directory is the working directory.
func join(dir, name string) string {
	if dir == "" || strings.HasSuffix(dir, "/") || strings.HasSuffix(dir, `\`) {
		return dir + name
	}
	return dir + "/" + name
}

// absent says that a path names nothing, and passes other errors on.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || jet.CodeOf(err) == jet.ErrFileNotFound
}
