package blocks

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"esent/internal/jet"
	"esent/internal/vfs/simdisk"
)

// FuzzApply gives Apply a manifest and a file of blocks that may be hostile; the checksum is right, as an attacker's is.
func FuzzApply(f *testing.F) {
	f.Add(uint16(4), uint8(0), []byte(dataMagic+"\x00\x10\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00"))
	f.Add(uint16(3), uint8(1), []byte(dataMagic+"\x00\x10\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, blocks uint16, changed uint8, data []byte) {
		sim := simdisk.New(1, simdisk.Options{Capacity: 1 << 30})
		sum := sha256.Sum256(data)
		m := fmt.Sprintf(`{"format":%q,"version":%d,"number":1,"databases":[{"name":"a.edb","pageSize":4096,"blocks":%d,"changed":%d,"from":-1,"mark":"0000000000000001-0000000000000000","base":"0000000000000000-0000000000000000"}],"files":[{"name":"a.edb.blk","size":%d,"sha256":%q}]}`,
			manifestFormat, manifestVersion, blocks, changed, len(data), hex.EncodeToString(sum[:]))
		for name, content := range map[string]string{"/set/blocks-00001/a.edb.blk": string(data), "/set/blocks-00001/" + ManifestName: m} {
			if err := sim.WriteFile(name, []byte(content)); err != nil {
				t.Fatal(err)
			}
		}
		chain, err := Chain(sim.Env().FS, "/set")
		if err == nil {
			err = Apply(sim.Env().FS, chain, "a.edb", "/a.edb", nil)
		}
		if code := jet.CodeOf(err); err != nil && code != jet.ErrInvalidBackup {
			t.Fatal(err)
		}
	})
}

// A manifest that says what cannot be is refused.
func TestHostileManifest(t *testing.T) {
	good := fmt.Sprintf(`{"format":%q,"version":1,"number":1,"databases":[{"name":"a.edb","pageSize":4096,"blocks":9,"changed":4,"from":0}],"files":[{"name":"a","size":1}]}`, manifestFormat)
	replace := map[string]string{"": "", `"a.edb"`: `"../a.edb"`, `4096`: `4095`, `"blocks":9`: `"blocks":2`, `"changed":4`: `"changed":10`,
		`"from":0`: `"from":1`, `"name":"a",`: `"name":"a/b",`, `"size":1`: `"size":-1`, `"number":1`: `"number":2`, `"version":1`: `"version":2`, `}`: ``}
	for old, text := range replace {
		sim := simdisk.New(1, simdisk.Options{})
		content := good
		if old != "" {
			content = replaceOnce(t, good, old, text)
		}
		if err := sim.WriteFile("/set/blocks-00001/"+ManifestName, []byte(content)); err != nil {
			t.Fatal(err)
		}
		_, err := Chain(sim.Env().FS, "/set")
		if want := old != ""; (jet.CodeOf(err) == jet.ErrInvalidBackup) != want || !want && err != nil {
			t.Errorf("%q in place of %q: %v", text, old, err)
		}
	}
}

func replaceOnce(t *testing.T, s, old, text string) string {
	t.Helper()
	before, after, ok := strings.Cut(s, old)
	if !ok {
		t.Fatalf("%q is not in %s", old, s)
	}
	return before + text + after
}
