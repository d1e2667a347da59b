package readers_test

import (
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

// libesedb is esedbexport of libesedb (Debian's libesedb-utils). What it does not show right, on files of
// Windows neither (TestLimitsOfLibesedb), is left out: separated long values, every JET_coltypIEEESingle,
// and several values that are no text. It shows the filler of a fixed column for NULL.
func libesedb() reader {
	return reader{name: "libesedb", read: exported, show: shownByLibesedb, pieces: "; "}
}

// exported has esedbexport write a file for the table, and reads that.
func exported(t *testing.T, file, table string) []map[string]string {
	t.Helper()
	rows, _ := exportedWithLog(t, file, table)
	return rows
}

func exportedWithLog(t *testing.T, file, table string) (rows []map[string]string, log string) {
	t.Helper()
	dir := t.TempDir()
	target, logFile := filepath.Join(dir, "x"), filepath.Join(dir, "log")
	command(t, "esedbexport", "-l", logFile, "-T", table, "-t", target, file)
	files, err := filepath.Glob(filepath.Join(target+".export", table+".*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("esedbexport wrote %v (%v)", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	told, err := os.ReadFile(logFile)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	head := strings.Split(lines[0], "\t")
	for _, line := range lines[1:] {
		values := strings.Split(line, "\t")
		r := map[string]string{}
		for i, column := range head {
			if i < len(values) {
				r[column] = values[i]
			}
		}
		rows = append(rows, r)
	}
	return rows, string(told)
}

// little is a little-endian number of any size, sign is it with its sign.
func little(b []byte) (n uint64) {
	for i, x := range b {
		n |= uint64(x) << (8 * i)
	}
	return n
}

func sign(b []byte) int64 { return int64(little(b)<<(64-8*len(b))) >> (64 - 8*len(b)) }

func utf16Text(b []byte) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = uint16(b[2*i]) | uint16(b[2*i+1])<<8
	}
	return string(utf16.Decode(units))
}

func shownByLibesedb(column string, values [][]byte) (string, bool) {
	kind := typeOf(column)
	if len(values) == 0 {
		switch kind {
		case "binary", "text", "wide", "name", "longbinary", "longtext", "longwide", "packed", "longs", "texts":
			return "", true
		}
		return "", false // the filler of a fixed column
	}
	b := values[0]
	switch kind {
	case "f32":
		return "", false
	case "bit":
		return fmt.Sprint(b[0] != 0), true
	case "u8", "u16", "u32", "currency":
		return fmt.Sprint(little(b)), true
	case "i16", "i32", "i64":
		return fmt.Sprint(sign(b)), true
	case "f64":
		return fmt.Sprintf("%f", math.Float64frombits(little(b))), true
	case "date":
		return fmt.Sprintf("(0x%08x 0x%08x)", little(b[4:]), little(b[:4])), true
	case "guid", "binary", "longbinary":
		return hex.EncodeToString(b), true
	case "text", "longtext", "name":
		return string(b), true
	case "wide", "longwide", "packed":
		return utf16Text(b), true
	case "longs":
		return fmt.Sprint(sign(b)), len(values) == 1
	case "texts":
		var texts []string
		for _, v := range values {
			texts = append(texts, string(v))
		}
		return strings.Join(texts, "; "), true
	}
	panic(kind)
}
