// Package c_test tests the C surface of the library as C programs see it: the header against the
// specification's tables, the exported symbols, and life inside host processes. The programs themselves are
// in testdata.
package c_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"esent/internal/testdata"
)

// rows reads a table of the specification.
func rows(t *testing.T, name string) []map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(testdata.Shared(t), "spec", "api", name+".tsv"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	head := strings.Split(lines[0], "\t")
	var table []map[string]string
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, v := range strings.Split(line, "\t") {
			row[head[i]] = v
		}
		table = append(table, row)
	}
	return table
}

type language struct{ compiler, standard, suffix string }

var (
	c99   = language{"gcc", "-std=c99", ".c"}
	cpp11 = language{"g++", "-std=c++11", ".cc"}
)

// compile runs a compiler of the language over a file with the repository's header.
func compile(t *testing.T, l language, file string, args ...string) {
	t.Helper()
	args = append([]string{l.standard, "-Wall", "-Werror", "-I", filepath.Join(testdata.Root(t), "include"), file}, args...)
	if out, err := exec.Command(l.compiler, args...).CombinedOutput(); err != nil {
		if len(out) > 5000 {
			out = out[:5000]
		}
		t.Fatalf("%s %s: %v\n%s", l.compiler, strings.Join(args, " "), err, out)
	}
}

// at0x turns "0x0601" into a number; a row without a version is of all versions.
func at0x(t *testing.T, version string) uint64 {
	t.Helper()
	if version == "" {
		return 0
	}
	n, err := strconv.ParseUint(version, 0, 32)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

const checks = `#include <esent.h>
#ifdef __cplusplus
#define CHECK(e) static_assert(e, #e)
#define IS(type, member, wanted) static_assert(sizeof(((type *)0)->member) == (wanted), #type "." #member)
#else
#define CHECK(e) _Static_assert(e, #e)
#define IS(type, member, wanted) _Static_assert(sizeof(((type *)0)->member) == (wanted), #type "." #member)
#endif
`

// Every name of the tables is there from its version on and not before, with its value, size, offset or
// signature, in C and in C++.
func TestHeaderHasTheTables(t *testing.T) {
	for _, version := range []string{"0x0500", "0x0501", "0x0502", "0x0600", "0x0601", "0x0602", "0x0603", "0x0A00", "0x0A01", "0x0A02"} {
		languages := []language{c99, cpp11}
		if version != "0x0500" && version != "0x0602" && version != "0x0A02" {
			languages = languages[:1]
		}
		for _, l := range languages {
			t.Run(version+l.standard, func(t *testing.T) {
				t.Parallel()
				var o strings.Builder
				o.WriteString("#define JET_VERSION " + version + "\n" + checks)
				v := at0x(t, version)
				checkNames(t, &o, l, v)
				checkStructs(t, &o, v)
				checkFunctions(t, &o, v)
				file := filepath.Join(t.TempDir(), "check"+l.suffix)
				if err := os.WriteFile(file, []byte(o.String()), 0o666); err != nil {
					t.Fatal(err)
				}
				compile(t, l, file, "-fsyntax-only")
			})
		}
	}
}

// The header of the extensions compiles with every version of the API, in C and in C++.
func TestExtensionHeader(t *testing.T) {
	for _, l := range []language{c99, cpp11} {
		file := filepath.Join(t.TempDir(), "check"+l.suffix)
		if err := os.WriteFile(file, []byte("#include <esent_ext.h>\nESENT_BACKUP b; ESENT_RESTORE r; ESENT_VERIFY v; ESENT_COMMITS c;\n"), 0o666); err != nil {
			t.Fatal(err)
		}
		for _, version := range []string{"0x0500", "0x0A02"} {
			compile(t, l, file, "-fsyntax-only", "-Wextra", "-pedantic", "-DJET_VERSION="+version)
		}
	}
}

var (
	caseOf    = regexp.MustCompile(`\(?(\d+) if JET_VERSION ((?:[<>]=0x[0-9A-F]+)+)`)
	condition = regexp.MustCompile(`([<>]=)(0x[0-9A-F]+)`)
)

// valueAt is a constant's value, as C text, in a version of the API.
func valueAt(t *testing.T, value string, v uint64) string {
	t.Helper()
	switch {
	case strings.HasPrefix(value, "all ones"):
		return "0xFFFFFFFFFFFFFFFF"
	case strings.Contains(value, "as int32_t"):
		return "-2147483648LL"
	}
	for _, c := range caseOf.FindAllStringSubmatch(value, -1) {
		holds := true
		for _, m := range condition.FindAllStringSubmatch(c[2], -1) {
			limit := at0x(t, m[2])
			holds = holds && (m[1] == ">=" && v >= limit || m[1] == "<=" && v <= limit)
		}
		if holds {
			return c[1]
		}
	}
	value, _, _ = strings.Cut(value, " ")
	return value
}

func checkNames(t *testing.T, o *strings.Builder, l language, v uint64) {
	for _, table := range []struct{ name, key, value string }{
		{"constants", "name", "value"}, {"grbits", "name", "value"}, {"errors", "name", "value"}, {"params", "name", "id"}, {"efv", "name", "value"},
	} {
		for _, r := range rows(t, table.name) {
			name, value := r[table.key], r[table.value]
			since := at0x(t, r["min_version"])
			if table.name == "efv" {
				since = 0x0A01
			}
			if since > v {
				if !strings.HasPrefix(r["family"], "enum ") {
					fmt.Fprintf(o, "#ifdef %s\n#error %s before its time\n#endif\n", name, name)
				}
				continue
			}
			if text, ok := strings.CutPrefix(value, `"`); ok {
				if l == cpp11 { // C99 has no u"" yet
					fmt.Fprintf(o, "CHECK(sizeof(%s) == %d && sizeof(%s[0]) == 2);\n", name, 2*len(text), name)
				}
				continue
			}
			fmt.Fprintf(o, "CHECK((%s) == (%s));\n", name, valueAt(t, value, v))
		}
	}
}

func checkStructs(t *testing.T, o *strings.Builder, v uint64) {
	table := rows(t, "structs")
	later := map[string]uint64{} // the least offset of a field that the version does not have
	present := map[string]bool{}
	for _, r := range table {
		if r["field"] == "(struct)" {
			present[r["struct"]] = at0x(t, r["min_version"]) <= v
		} else if at0x(t, r["min_version"]) > v {
			offset, _, _ := strings.Cut(r["offset"], ":")
			n := at0x(t, offset)
			if old, ok := later[r["struct"]]; !ok || n < old {
				later[r["struct"]] = n
			}
		}
	}
	for _, r := range table {
		name, field := r["struct"], r["field"]
		if !present[name] || at0x(t, r["min_version"]) > v {
			continue
		}
		limit, shortened := later[name]
		switch {
		case field == "(struct)":
			if !shortened {
				align := strings.TrimPrefix(r["type"], "align ")
				fmt.Fprintf(o, "CHECK(sizeof(%s) == %s);\ntypedef struct { char c; %s s; } align_%s;\nCHECK(offsetof(align_%s, s) == %s);\n",
					name, r["size"], name, name, name, align)
			}
		case strings.Contains(r["offset"], ":"):
			// Bit fields have no address: TestBitFields looks at them.
		case !shortened || at0x(t, r["offset"]) < limit:
			fmt.Fprintf(o, "CHECK(offsetof(%s, %s) == %s);\nIS(%s, %s, %s);\n", name, field, r["offset"], name, field, r["size"])
		}
	}
	if v < 0x0600 {
		o.WriteString("CHECK(sizeof(JET_INDEXCREATE_A) == 72);\nCHECK(sizeof(JET_BKINFO) == 24);\n")
		if v >= 0x0502 {
			o.WriteString("CHECK(sizeof(JET_TUPLELIMITS) == 12);\n")
		}
	}
}

// checkFunctions assigns each function to a pointer of its signature.
func checkFunctions(t *testing.T, o *strings.Builder, v uint64) {
	for _, r := range rows(t, "functions") {
		if at0x(t, r["min_version"]) > v {
			continue
		}
		signature := strings.ReplaceAll(r["signature"], "char16_t", "WCHAR")
		signature = strings.Replace(signature, " "+r["name"]+"(", " (JET_API *p_"+r["name"]+")(", 1)
		fmt.Fprintf(o, "%s = %s;\n", signature, r["name"])
	}
}

// Each bit field lies where the tables say.
func TestBitFields(t *testing.T) {
	var o strings.Builder
	o.WriteString(`#include <stdio.h>
#include <string.h>
#include <esent.h>
static int bad;
static void see(const char *what, const unsigned char *p, unsigned size, unsigned byte, unsigned bit, unsigned bits)
{
    unsigned i;
    for (i = 0; i < size * 8; i++)
        if (((p[i / 8] >> (i % 8)) & 1) != (i >= byte * 8 + bit && i < byte * 8 + bit + bits)) {
            printf("%s: bit %u\n", what, i);
            bad = 1;
            return;
        }
}
int main(void)
{
`)
	n := 0
	for _, r := range rows(t, "structs") {
		offset, bit, ok := strings.Cut(r["offset"], ":")
		if !ok {
			continue
		}
		n++
		fmt.Fprintf(&o, "    { %s s; memset(&s, 0, sizeof s); s.%s = ~s.%s; see(\"%s.%s\", (unsigned char *)&s, sizeof s, %s, %s, %s); }\n",
			r["struct"], r["field"], r["field"], r["struct"], r["field"], offset, bit, strings.TrimSuffix(r["size"], " bit"))
	}
	if n == 0 {
		t.Fatal("no bit fields in the table")
	}
	o.WriteString("    return bad;\n}\n")
	dir := t.TempDir()
	for _, l := range []language{c99, cpp11} {
		file, program := filepath.Join(dir, "bits"+l.suffix), filepath.Join(dir, "bits")
		if err := os.WriteFile(file, []byte(o.String()), 0o666); err != nil {
			t.Fatal(err)
		}
		compile(t, l, file, "-o", program)
		if out, err := exec.Command(program).CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", l, err, out)
		}
	}
}

// With JET_UNICODE the undecorated names mean the W forms.
func TestUndecoratedNames(t *testing.T) {
	const program = `
CHECK(sizeof(((JET_COLUMNBASE *)0)->szBaseTableName[0]) == %d);
CHECK(JET_cbNameMost == %d);
JET_ERR (JET_API *one)(JET_INSTANCE *, %s) = JetCreateInstance;
JET_ERR (JET_API *two)(JET_SESID, JET_TABLEID, JET_INDEXCREATE3_%c *, uint32_t) = JetCreateIndex4;
JET_ERR (JET_API *three)(JET_INSTANCE *, JET_RSTINFO *, JET_GRBIT) = JetInit3;
`
	for _, l := range []language{c99, cpp11} {
		for _, c := range []struct {
			define string
			text   string
		}{
			{"", fmt.Sprintf(program, 1, 64, "JET_PCSTR", 'A')},
			{"#define JET_UNICODE\n", fmt.Sprintf(program, 2, 128, "JET_PCWSTR", 'W')},
		} {
			file := filepath.Join(t.TempDir(), "names"+l.suffix)
			if err := os.WriteFile(file, []byte(c.define+checks+c.text), 0o666); err != nil {
				t.Fatal(err)
			}
			compile(t, l, file, "-fsyntax-only", "-Wextra", "-pedantic")
		}
	}
}

// Programs written for the Windows header compile unchanged.
func TestProgramsCompile(t *testing.T) {
	root := testdata.Root(t)
	for _, file := range []string{
		filepath.Join(root, "tests", "conformance", "jetscript.c"),
		filepath.Join(root, "bench", "bench_esent.c"),
		filepath.Join(testdata.Shared(t), "data", "walk.c"),
	} {
		t.Run(filepath.Base(file), func(t *testing.T) {
			l := c99
			l.standard = "-std=gnu99"
			compile(t, l, file, "-fsyntax-only")
		})
	}
}
