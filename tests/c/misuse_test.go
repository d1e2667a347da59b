package c_test

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// argumentKind is what misuse.c takes the parameter for.
func argumentKind(text string, sizes map[string]string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(text), "const "), " ")
	pointer := strings.ContainsAny(text, "*[")
	switch {
	case pointer && name == "JET_INSTANCE":
		return "P"
	case pointer:
		return "p" + sizes[name]
	case strings.HasPrefix(name, "JET_PC") || name == "JET_PSTR" || name == "JET_PWSTR":
		if strings.Contains(name, "W") {
			return "w"
		}
		return "s"
	case name == "JET_PFNREALLOC":
		return "R"
	case strings.HasPrefix(name, "JET_PFN") || name == "JET_CALLBACK":
		return "F"
	}
	switch name {
	case "JET_INSTANCE":
		return "I"
	case "JET_SESID":
		return "S"
	case "JET_TABLEID":
		return "T"
	case "JET_DBID":
		return "D"
	case "JET_HANDLE":
		return "H"
	case "JET_OSSNAPID":
		return "O"
	}
	return "n"
}

// functionLines are all functions of the table as misuse.c reads them.
func functionLines(t *testing.T) (lines []string) {
	sizes := map[string]string{} // of structures that begin with their size
	whole := map[string]string{}
	for _, r := range rows(t, "structs") {
		if r["field"] == "(struct)" {
			whole[r["struct"]] = r["size"]
		}
		if r["field"] == "cbStruct" && r["offset"] == "0" {
			sizes[r["struct"]] = whole[r["struct"]]
		}
	}
	for _, r := range rows(t, "functions") {
		switch r["name"] {
		case "JetFreeBuffer": // whatever is not NULL must be a buffer: nothing to lie about
			continue
		}
		_, list, _ := strings.Cut(r["signature"], "(")
		list = strings.TrimSuffix(list, ")")
		line := r["name"]
		if strings.HasPrefix(line, "JetCreateInstance") {
			list = strings.Replace(list, "JET_INSTANCE *", "void *", 1) // is written, not read
		}
		if list != "void" && list != "" {
			for _, p := range strings.Split(list, ",") {
				line += " " + argumentKind(p, sizes)
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// Whatever handle and whichever NULL a caller passes, the answer is a code: no crash, no report of a defect,
// and the engine goes on. Handles that are none have codes of their own (spec chapter 01, 17).
func TestMisuse(t *testing.T) {
	cmd := exec.Command(linked(t, "misuse.c", "-ldl"), t.TempDir())
	cmd.Dir = t.TempDir()
	cmd.Stdin = strings.NewReader(strings.Join(functionLines(t), "\n") + "\n")
	var output, messages strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &messages
	err := cmd.Run()
	text := output.String()
	if err != nil {
		t.Errorf("%v, last call: %s", err, text[strings.LastIndexByte(strings.TrimSuffix(text, "\n"), '\n')+1:])
	}
	if messages.Len() > 0 {
		t.Errorf("%.5000s", messages.String())
	}
	for line := range strings.Lines(text) {
		var what, name, kind, value string
		var argument, code int
		if n, _ := fmt.Sscanf(line, "%s %s %d %s %s -> %d", &what, &name, &argument, &kind, &value, &code); n != 6 {
			continue // the call that did not come back
		}
		if what == "handle" && !slices.Contains(allowed(name, kind, value), code) {
			t.Errorf("%s", line)
		}
	}
}

// allowed are the codes for a handle that is none. Functions that are not built say that first.
func allowed(name, kind, value string) []int {
	const notBuilt = -1001
	none := value == "zero" || value == "nil"
	switch kind {
	case "I", "P":
		if strings.HasPrefix(name, "JetRestoreInstance") && none {
			return []int{-1811} // means an instance of its own; no backup is there
		}
		// The functions of backup and restore say JET_errInvalidInstance (chapter 06, 10).
		return []int{notBuilt, -1003, -1115}
	case "S":
		if strings.Contains(name, "SystemParameter") && none {
			return []int{-1003, -1030} // the instance counts
		}
		return []int{notBuilt, -1104}
	case "T":
		switch value {
		case "foreign":
			return append(earlier(name), notBuilt, -1114)
		case "closed", "next": // one that its session has closed
			return []int{notBuilt, -1114}
		}
		return []int{notBuilt, -1310}
	case "D":
		return append(earlier(name), notBuilt, -1010)
	}
	if kind == "O" {
		return []int{-2404}
	}
	return []int{notBuilt, -1003, -1081, -520} // no backup is running, or none can be without an instance
}

// earlier are the codes of those whose other arguments, a size of 0 among them, are judged before.
func earlier(name string) []int {
	switch {
	case strings.HasPrefix(name, "JetGet") && strings.Contains(name, "Info"):
		return []int{-1038}
	case name == "JetGetRecordPosition":
		return []int{-1003}
	case name == "JetPrereadIndexRange":
		return []int{-900}
	}
	return nil
}
