package record

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"esent/internal/jet"
)

// manifestRows reads the rows of each table from a manifest: the text after "ROW n bm=...".
func manifestRows(t *testing.T, path string) map[string][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows := map[string][]string{}
	name := ""
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<24)
	for sc.Scan() {
		line := sc.Text()
		if quoted, ok := strings.CutPrefix(line, "TABLE "); ok {
			name, _ = strconv.Unquote(strings.Fields(quoted)[0])
			rows[name] = nil
		}
		if row, ok := strings.CutPrefix(line, "  ROW "); ok {
			row = row[strings.Index(row, "bm="):]
			if i := strings.IndexByte(row, ' '); i >= 0 {
				rows[name] = append(rows[name], row[i:])
			} else {
				rows[name] = append(rows[name], "")
			}
		}
	}
	return rows
}

// plainText writes characters as the manifests have them.
func plainText(w *strings.Builder, c uint16, escape string) {
	if c >= 0x20 && c < 0x7F && c != '"' && c != '\\' {
		w.WriteByte(byte(c))
		return
	}
	fmt.Fprintf(w, escape, c)
}

// manifestFloat is %.*g with ties away from zero and exponents of three digits.
func manifestFloat(f float64, digits int) string {
	s := strconv.FormatFloat(math.Abs(f), 'e', 780, 64)
	mantissa, exponent, _ := strings.Cut(s, "e")
	x, _ := strconv.Atoi(exponent)
	d := []byte("0" + strings.Replace(mantissa, ".", "", 1))
	if d[digits+1] >= '5' {
		i := digits
		for ; d[i] == '9'; i-- {
			d[i] = '0'
		}
		d[i]++
	}
	d = d[:digits+1]
	if d[0] == '0' {
		d = d[1:]
	} else {
		d = d[:digits]
		x++
	}
	d = []byte(strings.TrimRight(string(d), "0"))
	if len(d) == 0 {
		d = []byte("0")
	}
	sign := ""
	if math.Signbit(f) {
		sign = "-"
	}
	switch {
	case x < -4 || x >= digits:
		tail := ""
		if len(d) > 1 {
			tail = "." + string(d[1:])
		}
		return fmt.Sprintf("%s%c%se%+04d", sign, d[0], tail, x)
	case x < 0:
		return sign + "0." + strings.Repeat("0", -x-1) + string(d)
	case len(d) <= x+1:
		return sign + string(d) + strings.Repeat("0", x+1-len(d))
	}
	return sign + string(d[:x+1]) + "." + string(d[x+1:])
}

// manifestValue writes a value as the manifests have it.
func manifestValue(w *strings.Builder, c *Column, p []byte) {
	var b [8]byte
	copy(b[:], p)
	n := binary.LittleEndian.Uint64(b[:])
	if size := TypeSize(c.Type); size != 0 && len(p) != size {
		fmt.Fprintf(w, "?len%d:%x", len(p), p)
		return
	}
	switch c.Type {
	case jet.ColtypBit, jet.ColtypUnsignedByte, jet.ColtypUnsignedShort, jet.ColtypUnsignedLong, jet.ColtypUnsignedLongLong:
		fmt.Fprint(w, n)
	case jet.ColtypShort:
		fmt.Fprint(w, int16(n))
	case jet.ColtypLong:
		fmt.Fprint(w, int32(n))
	case jet.ColtypCurrency, jet.ColtypLongLong:
		fmt.Fprint(w, int64(n))
	case jet.ColtypIEEESingle:
		w.WriteString(manifestFloat(float64(math.Float32frombits(uint32(n))), 9))
	case jet.ColtypIEEEDouble, jet.ColtypDateTime:
		w.WriteString(manifestFloat(math.Float64frombits(n), 17))
	case jet.ColtypGUID:
		fmt.Fprintf(w, "%x", p)
	default:
		text := c.Type == jet.ColtypText || c.Type == jet.ColtypLongText
		switch {
		case len(p) > 128:
			h := fnv.New64a()
			h.Write(p)
			fmt.Fprintf(w, "#len%d:fnv%016x", len(p), h.Sum64())
		case text && c.CodePage == codePageUnicode:
			w.WriteString(`u"`)
			for ; len(p) > 1; p = p[2:] {
				plainText(w, binary.LittleEndian.Uint16(p), `\u%04x`)
			}
			if len(p) == 1 {
				fmt.Fprintf(w, `\x%02x`, p[0])
			}
			w.WriteString(`"`)
		case text:
			w.WriteString(`a"`)
			for _, c := range p {
				plainText(w, uint16(c), `\x%02x`)
			}
			w.WriteString(`"`)
		default:
			fmt.Fprintf(w, "%x", p)
		}
	}
}
