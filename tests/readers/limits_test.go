package readers_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"esent/internal/testdata"
)

// windows gives the path of each database that Windows made, by its name without extension.
func windows(t *testing.T) map[string]string {
	t.Helper()
	paths := map[string]string{}
	for _, p := range testdata.Windows(t) {
		paths[strings.TrimSuffix(filepath.Base(p), filepath.Ext(p))] = p
	}
	return paths
}

// What libesedb shows wrong of files that Windows made is not looked at in ours. Where one of these lines fails, a
// newer libesedb knows better, and TestReaders can ask it for more.
func TestLimitsOfLibesedb(t *testing.T) {
	need(t, "esedbexport")
	files := windows(t)
	// 1 and -2, as go-ese reads them
	for i, r := range exported(t, files["basic"], "basic") {
		if r["IEEESingle"] != "0.000000" {
			t.Errorf("row %d: IEEESingle %q", i, r["IEEESingle"])
		}
	}
	rows, log := exportedWithLog(t, files["text"], "text")
	if len(rows) != 1 || rows[0]["LongUnicode"] != "" || !strings.Contains(log, "Unable to retrieve long value of record entry: 16.") {
		t.Errorf("a separated long value: %q\n%s", rows, log)
	}
	if filler := rows[0]["NullableFixedASCII"]; strings.Trim(filler, "*") != "" || filler == "" {
		t.Errorf("NULL in a fixed column: %q", filler)
	}
	rows = exported(t, files["multi"], "multi")
	for _, column := range []string{"Long", "LongBinary", "Binary"} { // three values each
		if rows[0][column] != "" {
			t.Errorf("several values of %s: %q", column, rows[0][column])
		}
	}
}

// What go-ese shows wrong of files that Windows made.
func TestLimitsOfGoESE(t *testing.T) {
	g, files := newGoESE(t), windows(t)
	if r := g.rows(t, files["default"], "default")[0]; r["ASCII"] == "Short default ASCII" {
		t.Error("text of code page 1252 is read")
	}
	r := g.rows(t, files["multi"], "multi")[1]
	if r["LongBinary"] == "54696e792062696e6172792031" { // the first of three values
		t.Error("several values are read")
	}
	// The pieces of separated long values, which testdata/goese joins, are those that Windows wrote.
	found := 0
	for v := range g.longValues(t, files["text"], "text") {
		if strings.HasPrefix(v, "4c006f006e006700200055006e00690063006f006400") && len(v) == 2*2090 { // "Long Unicod…"
			found++
		}
	}
	if found != 1 {
		t.Errorf("%d values of LongUnicode", found)
	}
}

// Neither reader can read the newest format, of the original engine neither: hence format.
func TestNewestFormatIsUnknown(t *testing.T) {
	need(t, "esedbexport")
	g := newGoESE(t)
	file := filepath.Join(testdata.Set(t, "types_32k", "*/files/db.edb"), "files", "db.edb")
	if _, err := os.Stat(file); err != nil {
		t.Fatal(err)
	}
	if err := exec.Command("esedbexport", "-t", filepath.Join(t.TempDir(), "x"), file).Run(); err == nil {
		t.Error("libesedb reads it")
	}
	if err := exec.Command(g.tool, "rows", file, "alltypes").Run(); err == nil {
		t.Error("go-ese reads it")
	}
}
