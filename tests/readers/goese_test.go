package readers_test

import (
	"encoding/hex"
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// goESE is the program of testdata/goese, which reads with the Go module of Velocidex.
type goESE struct{ tool string }

func newGoESE(t *testing.T) goESE {
	t.Helper()
	tool := filepath.Join(t.TempDir(), "goese")
	cmd := exec.Command("go", "build", "-o", tool, ".")
	cmd.Dir = filepath.Join("testdata", "goese")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return goESE{tool}
}

// rows gives the rows of a table.
func (g goESE) rows(t *testing.T, file, table string) (rows []map[string]string) {
	t.Helper()
	for line := range strings.Lines(command(t, g.tool, "rows", file, table)) {
		r := map[string]string{}
		for _, f := range strings.Split(strings.TrimRight(line, "\n"), "\t") {
			text, err := strconv.Unquote(f)
			if err != nil {
				t.Fatalf("%q: %v", f, err)
			}
			column, value, _ := strings.Cut(text, "=")
			r[column] = value
		}
		rows = append(rows, r)
	}
	return rows
}

// longValues gives the separated long values of a table that are not compressed, in hexadecimal.
func (g goESE) longValues(t *testing.T, file, table string) map[string]bool {
	t.Helper()
	values := map[string]bool{}
	for line := range strings.Lines(command(t, g.tool, "long", file, table)) {
		values[strings.TrimRight(line, "\n")] = true
	}
	return values
}

// goESERows compares what the module is able to show: no long values (they are looked for by themselves), of
// several values none, and text only where it guesses the encoding from the column's flags.
func goESERows(g goESE) reader {
	return reader{name: "go-ese", read: g.rows, show: shownByGoESE}
}

func shownByGoESE(column string, values [][]byte) (string, bool) {
	if len(values) == 0 {
		return "", false
	}
	b := values[0]
	switch typeOf(column) {
	case "bit":
		return fmt.Sprint(b[0] != 0), true
	case "u8", "u16", "u32", "i64", "currency":
		return fmt.Sprint(little(b)), true
	case "i16", "i32":
		return fmt.Sprint(sign(b)), true
	case "f32":
		return fmt.Sprint(math.Float32frombits(uint32(little(b)))), true
	case "f64":
		return fmt.Sprint(math.Float64frombits(little(b))), true
	case "date": // days since 1899-12-30, shown to the second
		const day = 24 * 60 * 60
		return fmt.Sprint(time.Unix(int64(math.Float64frombits(little(b))*day)-25569*day, 0).UTC()), true
	case "guid":
		return fmt.Sprintf("{%08x-%04x-%04x-%x-%x}", little(b[:4]), little(b[4:6]), little(b[6:8]), b[8:10], b[10:]), true
	case "binary":
		return hex.EncodeToString(b), true
	case "wide":
		return utf16Text(b), true
	case "name":
		return string(b), true
	}
	return "", false
}
