// Package readers_test has programs of others read files that the library wrote: they must find the rows that
// were written. Neither knows the newest format, so the files are of the newest one that both know.
package readers_test

import (
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"esent/internal/testdata"
)

// format is the newest engine format version (JET_efv) whose catalog and long values both readers know: the
// next one has long-value ids of 64 bits.
const format = "9060"

// row is what one row must hold: the values of each column that has any.
type row map[string][][]byte

// content is the rows of each table, in the order of its primary index.
type content map[string][]row

// program compiles a program of tests/c against the library.
func program(t *testing.T, source string) string {
	t.Helper()
	build, root := filepath.Dir(testdata.Library(t)), testdata.Root(t)
	path := filepath.Join(t.TempDir(), strings.TrimSuffix(source, ".c"))
	command(t, "gcc", "-std=gnu99", "-Wall", "-Werror", "-O1", "-I", filepath.Join(root, "include"), filepath.Join(root, "tests", "c", "testdata", source),
		"-o", path, "-L", build, "-lesent", "-Wl,-rpath,"+build)
	return path
}

// need skips the test where a program is missing, except where CI=true says that it must be there.
func need(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// command runs a program that must succeed and gives its standard output.
func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		messages := ""
		if e, ok := err.(*exec.ExitError); ok {
			messages = string(e.Stderr)
		}
		t.Fatalf("%s %s: %v\n%.3000s", filepath.Base(name), strings.Join(args, " "), err, messages)
	}
	return string(out)
}

// parse reads what writer.c prints.
func parse(t *testing.T, text string) content {
	t.Helper()
	c := content{}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		r := row{}
		for _, f := range fields[1:] {
			column, values, _ := strings.Cut(f, "=")
			for _, v := range strings.Split(values, ",") {
				b, err := hex.DecodeString(v)
				if err != nil {
					t.Fatal(err)
				}
				r[column] = append(r[column], b)
			}
		}
		c[fields[0]] = append(c[fields[0]], r)
	}
	if len(c["kinds"]) < 40 || len(c["many"]) < 7500 {
		t.Fatalf("the writer printed %d and %d rows", len(c["kinds"]), len(c["many"]))
	}
	return c
}

// reader is one of the programs: how it shows a table's rows, and how it would show a value.
type reader struct {
	name string
	// read gives the rows of a table, column by column as the reader shows them.
	read func(t *testing.T, file, table string) []map[string]string
	// show gives a column as the reader shows it; false for what it is known not to show right.
	show func(column string, values [][]byte) (string, bool)
	// pieces separates several values of a column.
	pieces string
}

// The readers find the rows in the database of a stopped engine and in one restored from a backup. A long
// value that libesedb does not show is among those that go-ese finds separated.
func TestReaders(t *testing.T) {
	need(t, "esedbexport")
	need(t, "esedbinfo")
	writer, g := program(t, "writer.c"), newGoESE(t)
	readers := []reader{libesedb(), goESERows(g)}
	for _, size := range []string{"4096", "8192", "16384", "32768"} {
		t.Run(size, func(t *testing.T) {
			dir, backup, restored := t.TempDir(), t.TempDir(), t.TempDir()
			want := parse(t, command(t, writer, dir, size, format, backup))
			command(t, writer, "restore", backup, restored, size)
			for _, f := range []struct{ what, dir string }{{"stopped", dir}, {"restored", restored}} {
				file := filepath.Join(f.dir, "written.edb")
				checkInfo(t, command(t, "esedbinfo", file), size)
				for _, r := range readers {
					t.Run(f.what+"/"+r.name, func(t *testing.T) {
						separated := g.longValues(t, file, "kinds")
						for table, rows := range want {
							compare(t, r, table, rows, r.read(t, file, table), separated)
						}
					})
				}
			}
		})
	}
}

// checkInfo looks for what esedbinfo tells of the file: page size, tables, columns and indexes.
func checkInfo(t *testing.T, info, size string) {
	t.Helper()
	words := " " + strings.Join(strings.Fields(info), " ") + " "
	wanted := []string{" Page size: " + size + " bytes ", " Index: 2 text (", " Index: 2 name ("}
	for table, c := range columns {
		wanted = append(wanted, fmt.Sprintf(" %s (", table), fmt.Sprintf(") Number of columns: %d ", len(c)))
		for column := range c {
			wanted = append(wanted, " "+column+" ")
		}
	}
	for _, w := range wanted {
		if !strings.Contains(words, w) {
			t.Errorf("esedbinfo does not tell %q:\n%.3000s", w, info)
		}
	}
}

// isLong says whether values of the column may be separated, and are not compressed.
func isLong(column string) bool {
	switch typeOf(column) {
	case "longbinary", "longtext", "longwide", "texts":
		return true
	}
	return false
}

// compare fails for what the reader shows wrong. A long value it does not show must be among the separated.
func compare(t *testing.T, r reader, table string, want []row, got []map[string]string, separated map[string]bool) {
	t.Helper()
	if len(want) != len(got) {
		t.Errorf("%s: %d rows, want %d", table, len(got), len(want))
		return
	}
	compared, elsewhere := map[string]int{}, 0
	for i, w := range want {
		for column, kind := range columns[table] {
			text, ok := r.show(column, w[column])
			if !ok {
				continue
			}
			shown := got[i][column]
			switch {
			case shown == text:
				compared[column]++
			case kind == "packed" && len(w[column][0]) > notShownFrom:
				// compressed and separated: no reader here
			case isLong(column):
				n, err := amongSeparated(r, column, w[column], shown, separated)
				if err != nil {
					t.Errorf("%s: row %d: %s: %v", table, i, column, err)
					return
				}
				elsewhere += n
			default:
				t.Errorf("%s: row %d: %s: %.200q, want %.200q", table, i, column, shown, text)
				return
			}
		}
	}
	for column := range columns[table] {
		if compared[column] == 0 && r.name == "libesedb" && column != "single" {
			t.Errorf("%s: no value of %s was compared", table, column)
		}
	}
	if table == "kinds" && r.name == "libesedb" && elsewhere < 30 {
		t.Errorf("only %d long values were found separated", elsewhere)
	}
	t.Logf("%s: %d rows, values compared %v, long values found separated: %d", table, len(got), compared, elsewhere)
}

// notShownFrom is a size below which the writer's rows have no value that is separated by itself.
const notShownFrom = 64

// amongSeparated counts the values of a column that the reader does not show and that are separated.
func amongSeparated(r reader, column string, values [][]byte, shown string, separated map[string]bool) (n int, err error) {
	pieces := strings.Split(shown, r.pieces)
	for i, v := range values {
		text, _ := r.show(column, [][]byte{v})
		if len(pieces) == len(values) && pieces[i] == text {
			continue
		}
		if !separated[hex.EncodeToString(v)] {
			return 0, fmt.Errorf("value %d, of %d bytes, is shown as %.100q, and is not among the %d that are separated", i, len(v), shown, len(separated))
		}
		n++
	}
	return n, nil
}

// columns are the types of the writer's columns.
var columns = map[string]map[string]string{
	"kinds": {
		"id": "i32", "bit": "bit", "ubyte": "u8", "short": "i16", "ushort": "u16", "ulong": "u32", "longlong": "i64",
		"currency": "currency", "single": "f32", "double": "f64", "datetime": "date", "guid": "guid", "binary": "binary",
		"text": "text", "wide": "wide", "longbinary": "longbinary", "longtext": "longtext", "longwide": "longwide", "packed": "packed",
		"longs": "longs", "texts": "texts",
	},
	"many": {"id": "i32", "name": "name"},
}

// typeOf is the type of a column; the two tables' names do not collide.
func typeOf(column string) string {
	if c, ok := columns["kinds"][column]; ok {
		return c
	}
	return columns["many"][column]
}
