// Package blocks is the form of block increments: of each database the blocks of its backup copy that differ from the
// copy before, in a directory of their own within that of the full backup. docs/backup-format.md has the format.
//
// It promises that a full copy with the increments of a chain applied in their order is, byte for byte, the copy that a
// full backup would have made at the time of the last one. Package backup makes increments and restores from them.
package blocks

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// Names in the directory of an increment. A database NAME has NAME.blk with its blocks and NAME.idx with a word for
// each block of the whole copy.
const (
	ManifestName = "backup-blocks.json"
	DataExt      = ".blk"
	IndexExt     = ".idx"
	dirPrefix    = "blocks-"
)

const (
	manifestFormat  = "esent-backup-blocks"
	manifestVersion = 1
	// mostManifest is how long a manifest may be, in bytes.
	mostManifest = 64 << 20
)

// FromNothing and FromFull are values of Database.From.
const (
	FromNothing = -1
	FromFull    = 0
)

// Increment is one block increment of a chain.
type Increment struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	// Number counts the increments of a full backup from 1.
	Number    int        `json:"number"`
	Databases []Database `json:"databases"`
	// Files are the files of the directory, but for the manifest and for logs that later incremental backups added.
	Files []File `json:"files"`

	// Dir is the increment's directory.
	Dir string `json:"-"`
}

// Database is a database in an increment.
type Database struct {
	Name     string `json:"name"`
	PageSize int    `json:"pageSize"`
	// Blocks are those of the whole copy, of a page each: two headers, the pages, the trailer. Changed of them are in the
	// increment.
	Blocks  int64 `json:"blocks"`
	Changed int64 `json:"changed"`
	// Mark is the identity of the copy, Base that of the copy that it differs from, which is in the increment From:
	// FromFull stands for the full backup, FromNothing says that all blocks are here.
	Mark Mark `json:"mark"`
	Base Mark `json:"base"`
	From int  `json:"from"`
}

// Mark is the identity of a backup copy: what its header says of when the backup began (jet.BackupInfo).
type Mark struct {
	Pos  jet.LogPos
	Time jet.LogTime
}

// MarkOf is the identity of the backup that a header tells of.
func MarkOf(b jet.BackupInfo) Mark { return Mark{b.Mark, b.Time} }

// MarshalText implements encoding.TextMarshaler.
func (m Mark) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%016x-%x", uint64(m.Pos), m.Time[:]), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *Mark) UnmarshalText(text []byte) error {
	pos, time, ok := strings.Cut(string(text), "-")
	b, err := hex.DecodeString(pos + time)
	const size = 8 + len(m.Time)
	if !ok || err != nil || len(b) != size {
		return jet.ErrInvalidBackup.Errorf("%q is no mark", text)
	}
	*m = Mark{jet.LogPos(be.Uint64(b)), jet.LogTime(b[8:])}
	return nil
}

// File is a file of an increment.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// DirName is the name of the directory of the increment of a number.
func DirName(number int) string { return fmt.Sprintf("%s%05d", dirPrefix, number) }

// IsDir says that a directory in that of a set holds an increment.
func IsDir(e vfs.DirEntry) bool {
	var n int
	_, err := fmt.Sscanf(e.Name, dirPrefix+"%d", &n)
	return e.IsDir && err == nil && DirName(n) == e.Name
}

// Chain gives the block increments in the directory of a set, by rising number; none is no error. ErrInvalidBackup: one
// is missing, or has no sound manifest.
func Chain(fsys vfs.FS, set string) ([]*Increment, error) {
	entries, err := fsys.ReadDir(set)
	if err != nil {
		return nil, err
	}
	var chain []*Increment
	for _, e := range entries {
		if !IsDir(e) {
			continue
		}
		n := len(chain) + 1
		if e.Name != DirName(n) {
			return nil, jet.ErrInvalidBackup.Errorf("%s lacks %s", set, DirName(n))
		}
		inc, err := load(fsys, path.Join(set, e.Name), n)
		if err != nil {
			return nil, err
		}
		chain = append(chain, inc)
	}
	return chain, nil
}

func load(fsys vfs.FS, dir string, number int) (*Increment, error) {
	file := path.Join(dir, ManifestName)
	info, err := fsys.Stat(file)
	if err != nil {
		return nil, jet.ErrInvalidBackup.Errorf("%v", err)
	}
	if info.Size > mostManifest {
		return nil, jet.ErrInvalidBackup.Errorf("%s has %d bytes", file, info.Size)
	}
	text, err := vfs.ReadFile(fsys, file)
	if err != nil {
		return nil, err
	}
	inc := &Increment{Dir: dir}
	if err := json.Unmarshal(text, inc); err != nil {
		return nil, jet.ErrInvalidBackup.Errorf("%s: %v", file, err)
	}
	if inc.Format != manifestFormat || inc.Version != manifestVersion || inc.Number != number {
		return nil, jet.ErrInvalidBackup.Errorf("%s: format %q, version %d, number %d", file, inc.Format, inc.Version, inc.Number)
	}
	for _, d := range inc.Databases {
		if !sound(d.Name) || d.Blocks < fewest || d.Changed < 0 || d.Changed > d.Blocks || d.From < FromNothing || d.From >= number ||
			d.PageSize < leastPage || d.PageSize > mostPage || d.PageSize&(d.PageSize-1) != 0 {
			return nil, jet.ErrInvalidBackup.Errorf("%s: database %q", file, d.Name)
		}
	}
	for _, f := range inc.Files {
		if !sound(f.Name) || f.Size < 0 {
			return nil, jet.ErrInvalidBackup.Errorf("%s: file %q", file, f.Name)
		}
	}
	return inc, nil
}

const (
	leastPage, mostPage = 2048, 32768
	// fewest blocks are in every copy: two headers and the trailer.
	fewest = 3
)

func sound(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, `/\`)
}

// Database gives a database by its name, that may differ in case; nil for none.
func (inc *Increment) Database(name string) *Database {
	var found *Database
	for i := range inc.Databases {
		d := &inc.Databases[i]
		if d.Name == name {
			return d
		}
		if strings.EqualFold(d.Name, name) {
			found = d
		}
	}
	return found
}

// file gives a file of the increment by its name, nil for none.
func (inc *Increment) file(name string) *File {
	for i := range inc.Files {
		if inc.Files[i].Name == name {
			return &inc.Files[i]
		}
	}
	return nil
}

// Manifest is the content of the manifest.
func (inc *Increment) Manifest() ([]byte, error) {
	inc.Format, inc.Version = manifestFormat, manifestVersion
	text, err := json.Marshal(inc)
	if err != nil {
		return nil, jet.ErrInternalError.Errorf("%v", err)
	}
	return text, nil
}
