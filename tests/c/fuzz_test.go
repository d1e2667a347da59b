package c_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	fuzzSeconds = flag.Int("fuzz-seconds", 8, "how long every function is called with random arguments")
	fuzzSeed    = flag.Uint64("fuzz-seed", today(), "chooses calls and arguments; the day's number if not given")
	fuzzTags    = flag.String("fuzz-tags", "stacks", "build tags of the library; invariants has it look at latches and locks")
)

// today is a number such as 20261125.
func today() uint64 {
	n, _ := strconv.ParseUint(time.Now().UTC().Format("20060102"), 10, 64) // it is one
	return n
}

var spaces = regexp.MustCompile(`\s*\*\s*`)

// fuzzKind is what fuzz.c takes an argument or a field of that type and name for.
func fuzzKind(of, typ, name string, structs map[string]bool) string {
	switch {
	case name == "pvDefault" && strings.HasSuffix(of, "W"): // with JET_bitColumnUserDefinedDefault
		return "xJET_USERDEFINEDDEFAULT_W"
	case name == "pvDefault":
		return "xJET_USERDEFINEDDEFAULT_A"
	case strings.HasPrefix(of, "JetConvertDDL") && name == "pvData", of == "JetTestHook" && name == "pv":
		return "0" // structures that hold pointers
	}
	typ = strings.TrimSpace(spaces.ReplaceAllString(strings.ReplaceAll(typ, "const", ""), "*"))
	typ = strings.Join(strings.Fields(typ), " ")
	base := strings.TrimRight(typ, "*")
	stars := len(typ) - len(base)
	handle := map[string]string{"JET_INSTANCE": "I", "JET_SESID": "S", "JET_TABLEID": "T", "JET_DBID": "D", "JET_HANDLE": "H", "JET_OSSNAPID": "O"}
	wide := strings.Contains(base, "char16") || strings.HasSuffix(base, "WSTR")
	switch {
	case stars == 0 && handle[base] != "":
		return handle[base]
	case stars == 1 && handle[base] != "":
		return "h" + handle[base]
	case stars == 1 && structs[base]:
		return "x" + base
	case strings.HasSuffix(base, "STR") && stars == 1 || stars == 2 && (base == "void" || strings.HasPrefix(base, "char")):
		return "q"
	case stars == 2:
		return "o"
	case strings.HasSuffix(base, "STR") || stars == 1 && strings.HasPrefix(base, "char"):
		return map[bool]string{false: map[bool]string{false: "a", true: "w"}[wide], true: map[bool]string{false: "k", true: "K"}[wide]}[strings.HasSuffix(name, "Key")]
	case base == "JET_PFNREALLOC":
		return "R"
	case strings.HasPrefix(base, "JET_PFN") || base == "JET_CALLBACK" || strings.HasPrefix(name, "pfn"):
		return "F"
	case stars == 1 && (base == "void" || base == "uint8_t"):
		return "v"
	case stars == 1:
		return "u"
	case base == "JET_GRBIT":
		return "g"
	case base == "JET_COLUMNID":
		return "C"
	case base == "JET_API_PTR" || strings.Contains(strings.ToLower(name), "pages") || strings.HasPrefix(name, "cpg") || strings.HasPrefix(name, "ib"):
		return "p"
	case strings.HasPrefix(name, "cb") && !strings.HasPrefix(name, "cbtyp"):
		return "b"
	case strings.HasPrefix(name, "c") && (base == "uint32_t" || base == "int32_t"):
		return "c"
	}
	return "n"
}

// fuzzTables are the tables as fuzz.c reads them.
func fuzzTables(t *testing.T) string {
	var o strings.Builder
	structs, lines := map[string]bool{}, map[string]string{}
	for _, r := range rows(t, "structs") {
		structs[r["struct"]] = true
	}
	for _, r := range rows(t, "errors") {
		fmt.Fprintln(&o, "e", r["value"])
	}
	for _, r := range rows(t, "params") {
		if strings.HasPrefix(r["scope"], "global") && (r["type"] == "integer" || r["type"] == "grbit") {
			fmt.Fprintln(&o, "p", r["id"])
		}
	}
	for _, r := range rows(t, "functions") {
		if r["alias_of"] != "" || r["name"] == "JetFreeBuffer" { // takes nothing but what it is for
			continue
		}
		_, list, _ := strings.Cut(r["signature"], "(")
		line := "f " + r["name"]
		for _, p := range strings.Split(strings.TrimSuffix(list, ")"), ",") {
			if p = strings.TrimSpace(p); p == "void" {
				continue
			}
			name := p[strings.LastIndexAny(p, " *")+1:]
			line += " " + fuzzKind(r["name"], strings.TrimSuffix(p, name), name, structs)
		}
		fmt.Fprintln(&o, line)
	}
	for _, r := range rows(t, "structs") {
		name, field := r["struct"], r["field"]
		size, err := strconv.Atoi(r["size"])
		switch {
		case field == "(struct)":
			lines[name] = fmt.Sprintf("s %s %d", name, size)
			continue
		case err != nil || size > 8 || strings.Contains(field, "."): // bits, arrays; the inner names of a union
			continue
		}
		kind := fuzzKind(name, r["type"], field, structs)
		if field == "cbStruct" {
			kind = "z"
		}
		lines[name] += fmt.Sprintf(" %s:%d:%s", r["offset"], size, kind)
	}
	for _, line := range lines {
		fmt.Fprintln(&o, line)
	}
	return o.String()
}

// Threads call every function with whatever: right, stale, another's, no or misaligned arguments, in random order.
// Codes of the table are all that comes of it, the instance ends or says why it does not, and what is in the files
// is whole. The seed gives the calls of each thread again, not how they meet. Where they stand still for a minute the
// library says where everybody is.
func TestFuzzedCalls(t *testing.T) {
	program, dir := linkedWith(t, tagged(t, *fuzzTags), "fuzz.c", "-ldl"), t.TempDir()
	events := filepath.Join(t.TempDir(), "events")
	seed := strconv.FormatUint(*fuzzSeed, 10)
	t.Logf("-fuzz-seconds %d -fuzz-seed %s", *fuzzSeconds, seed)
	cmd := exec.Command(program, dir, strconv.Itoa(*fuzzSeconds), seed)
	cmd.Dir = t.TempDir() // where instances and databases go that say nothing else
	cmd.Env = append(os.Environ(), "ESENT_EVENT_LOG="+events)
	cmd.Stdin = strings.NewReader(fuzzTables(t))
	var output, messages strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &messages
	err := cmd.Run()
	t.Log(output.String())
	if err != nil || messages.Len() > 0 {
		t.Errorf("%v\n%.60000s", err, messages.String())
	}
	if text, err := os.ReadFile(events); err == nil && strings.Contains(string(text), "panic") {
		t.Errorf("%.8000s", text)
	}
	checkDatabase(t, filepath.Join(dir, "fuzz.edb"))
}
