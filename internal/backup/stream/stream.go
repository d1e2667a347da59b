// Package stream makes a backup set one stream of bytes, and a directory again. docs/backup-format.md has the format:
// a tar archive, compressed with zstd or not, whose last member tells that the stream is complete, with the size and
// the SHA-256 of each file.
//
// It knows of files and their names, and nothing of what they hold; packages backup and cabi are its callers.
package stream

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"esent/internal/jet"
)

// manifestName is the name of the last member. No file of a set may have it.
const manifestName = "backup-manifest.json"

// What a manifest says that it is of.
const (
	manifestFormat  = "esent-backup-stream"
	manifestVersion = 1
)

// manifest is the content of the last member, as JSON.
type manifest struct {
	Format  string  `json:"format"`
	Version int     `json:"version"`
	Files   []entry `json:"files"`
}

// entry is a file of the set, in the order of the stream.
type entry struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

func sumText(sum [sha256.Size]byte) string { return hex.EncodeToString(sum[:]) }

const (
	// patchExt ends the names of the empty files by which restore finds the databases.
	patchExt = ".pat"
	// mostFiles is how many files a stream may have: what a reader must remember has a limit.
	mostFiles = 1 << 18
	// chunk is how much is handed on at once, in bytes.
	chunk = 1 << 20
)

// nameLimit is the longest file name of the systems, in bytes.
const nameLimit = 255

// checkName makes sure that a name is that of a file in one directory, on any system (ErrInvalidBackup).
func checkName(name string) error {
	bad := name == "" || len(name) > nameLimit || name == "." || name == ".." || strings.EqualFold(name, manifestName) ||
		strings.ContainsAny(name, `/\:`) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' })
	if bad {
		return jet.ErrInvalidBackup.Errorf("%q is no name of a file in a backup", name)
	}
	return nil
}
