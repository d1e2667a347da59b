package c_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"esent/internal/testdata"
)

const sampleC = `by primary
1 pear 250
2 apple 120
3 plum 310
4 apple 180
by name
4 apple 180
2 apple 120
1 pear 250
3 plum 310
from apple to pear
4 apple 180
2 apple 120
1 pear 250
3 plum 310
no record 77
columns: 1536 1536 1536
by primary
2 apple 120
3 plum 310
4 apple 999
no update is prepared
`

const sampleRAII = `duplicate: yes
one
two, with more than a few letters
`

// Programs in the manner of those written for esent.dll compile without a warning and do what they do there.
func TestSamples(t *testing.T) {
	var names strings.Builder
	count := 0
	for _, r := range rows(t, "functions") {
		if r["alias_of"] == "" {
			fmt.Fprintln(&names, r["name"])
			count++
		}
	}
	build := filepath.Dir(testdata.Library(t))
	for _, s := range []struct {
		source string
		l      language
		args   []string
		input  string
		want   string
		file   string
	}{
		{"sample_c.c", c99, []string{"-lesent"}, "", sampleC, "sample.edb"},
		{"sample_raii.cpp", cpp11, []string{"-lesent"}, "", sampleRAII, "raii.edb"},
		{"sample_load.c", language{"gcc", "-std=gnu99", ".c"}, []string{"-ldl"}, names.String(), fmt.Sprintf("%d functions, value 42\n", count), "load.edb"},
	} {
		t.Run(s.source, func(t *testing.T) {
			program, dir := filepath.Join(t.TempDir(), "sample"), t.TempDir()
			compile(t, s.l, filepath.Join("testdata", s.source), append([]string{"-Wextra", "-o", program, "-L", build}, s.args...)...)
			cmd := exec.Command(program, dir)
			cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+build)
			cmd.Stdin = strings.NewReader(s.input)
			out, err := cmd.CombinedOutput()
			if err != nil || string(out) != s.want {
				t.Errorf("%v\n%s", err, out)
			}
			checkDatabase(t, filepath.Join(dir, s.file))
		})
	}
}
