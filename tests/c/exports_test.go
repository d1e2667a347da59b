package c_test

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"esent/internal/testdata"
)

// declaration is that of a function in the header of the extensions.
var declaration = regexp.MustCompile(`(?m)^JET_ERR JET_API (Esent\w+)\(`)

// The library exports the functions of the table and of esent_ext.h, all of them and nothing else.
func TestExportedSymbols(t *testing.T) {
	var want []string
	for _, r := range rows(t, "functions") {
		want = append(want, r["name"])
	}
	extensions, err := os.ReadFile(filepath.Join(testdata.Root(t), "include", "esent_ext.h"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range declaration.FindAllSubmatch(extensions, -1) {
		want = append(want, string(m[1]))
	}
	slices.Sort(want)
	lib, err := elf.Open(testdata.Library(t))
	if err != nil {
		t.Fatal(err)
	}
	defer lib.Close()
	symbols, err := lib.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range symbols {
		if s.Section != elf.SHN_UNDEF {
			got = append(got, s.Name)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("exported and not in the table: %v\nin the table and not exported: %v", without(got, want), without(want, got))
	}
	soname, err := lib.DynString(elf.DT_SONAME)
	if err != nil || len(soname) != 1 || soname[0] != "libesent.so.0" {
		t.Errorf("soname %v, %v", soname, err)
	}
	flags, err := lib.DynValue(elf.DT_FLAGS_1)
	if err != nil || len(flags) != 1 || elf.DynFlag1(flags[0])&elf.DF_1_NODELETE == 0 {
		t.Errorf("flags %v, %v: dlclose would unload a running runtime", flags, err)
	}
}

func without(a, b []string) (rest []string) {
	for _, s := range a {
		if !slices.Contains(b, s) {
			rest = append(rest, s)
		}
	}
	return rest
}

var statusRow = regexp.MustCompile("(?m)^\\| `(Jet\\w+)` \\| ([a-z ]+) \\|")

// What docs/api-status.md calls not built or obsolete says so to a caller; all else answers by itself.
func TestUnbuiltFunctionsSayIt(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(testdata.Root(t), "docs", "api-status.md"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	total := 0
	for _, m := range statusRow.FindAllStringSubmatch(string(text), -1) {
		total++
		if m[2] != "built" {
			names = append(names, m[1])
		}
	}
	if n := len(rows(t, "functions")); total != n {
		t.Errorf("docs/api-status.md has %d functions, the table %d", total, n)
	}
	cmd := exec.Command(host(t, "unbuilt.c"), testdata.Library(t))
	cmd.Stdin = strings.NewReader(strings.Join(names, "\n"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
