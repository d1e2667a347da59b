package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"esent/internal/testdata"
)

// What is generated must be what the tables and the Go sides give now.
func TestGeneratedFilesAreFresh(t *testing.T) {
	spec := filepath.Join(testdata.Shared(t), "spec", "api")
	root := testdata.Root(t)
	functions, built := readFunctions(spec), scanBuilt(filepath.Join(root, "cabi"))
	exports := append(functions[:len(functions):len(functions)], readExtensions(filepath.Join(root, "cabi", extensionHeader))...)
	for file, want := range map[string][]byte{
		"include/esent.h":    cHeader(spec),
		"cabi/exports_gen.c": cShims(exports, built),
		"cabi/libesent.map":  versionScript(exports),
		"docs/api-status.md": apiStatus(functions, built),
	} {
		got, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(got, want) {
			t.Errorf("%s is not up to date; run make generate", file)
		}
	}
}

// A fast C function is asked before the Go side.
func TestShimAsksTheFastFunctionFirst(t *testing.T) {
	functions := []function{{name: "JetX", parameters: "JET_SESID sesid", arguments: []string{"sesid"}}}
	got := string(cShims(functions, built{inGo: map[string]bool{"JetX": true}, fast: map[string]bool{"JetX": true}}))
	const want = `
extern JET_ERR esent_JetX(JET_SESID sesid);
extern int fast_JetX(JET_SESID sesid, JET_ERR *err);
ESENT_EXPORT JET_ERR JET_API JetX(JET_SESID sesid)
{
    ESENT_CHECK_OWNER();
    {
        JET_ERR err;
        if (fast_JetX(sesid, &err))
            return err;
    }
    return esent_JetX(sesid);
}
`
	if !bytes.HasSuffix([]byte(got), []byte(want)) {
		t.Errorf("got\n%s", got)
	}
}

func TestLayoutFindsUnions(t *testing.T) {
	field := func(name string, offset, size int) cMember { return cMember{name: name, offset: offset, size: size} }
	for _, c := range []struct {
		name    string
		members []cMember
		want    string
	}{
		{"none", []cMember{field("a", 0, 4), field("b", 8, 8)}, "a b"},
		{"two views of one place", []cMember{field("a", 0, 4), field("b", 8, 4), field("c", 8, 8), field("d", 16, 4)}, "a {b|c} d"},
		{"structures side by side", []cMember{field("a", 0, 4), field("b", 8, 4), field("c", 16, 8), field("d", 8, 4), field("e", 16, 8)},
			"a {b c|d e}"},
		{"three views", []cMember{field("a", 0, 8), field("b", 0, 4), field("c", 0, 2), field("d", 8, 2)}, "{a|b|c} d"},
		{"bits of a word", []cMember{field("a", 0, 4), {name: "b", offset: 0, size: 4, bit: 0, bits: 1}, {name: "c", offset: 0, size: 4, bit: 1, bits: 1},
			field("d", 4, 4)}, "{a|b c} d"},
		{"bits alone", []cMember{{name: "b", offset: 4, size: 4, bit: 0, bits: 1}, {name: "c", offset: 4, size: 4, bit: 1, bits: 1}}, "b c"},
	} {
		got := ""
		for i, n := range layout(c.members) {
			if i > 0 {
				got += " "
			}
			if n.alternatives == nil {
				got += n.member.name
				continue
			}
			for k, members := range n.alternatives {
				got += map[bool]string{true: "{", false: "|"}[k == 0]
				for j, m := range members {
					if j > 0 {
						got += " "
					}
					got += m.name
				}
			}
			got += "}"
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
