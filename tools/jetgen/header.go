package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"log"
	"path/filepath"
	"regexp"
	"strings"
)

// headerTop is the part of the header before the first table: what the reader must know.
//
//go:embed esent.top.h
var headerTop string

// headerBottom is the part after the last table.
const headerBottom = `
#pragma pack(pop)

#ifdef __cplusplus
}
#endif

#endif /* ESENT_H */
`

// oldestVersion is the version that every declaration without a condition belongs to.
const oldestVersion = "0x0500"

// cWriter writes C text and keeps the JET_VERSION condition of consecutive lines in one #if.
type cWriter struct {
	bytes.Buffer
	version string // of the open #if, "" for none
}

// since opens, closes or keeps the condition so that what follows needs the given version.
func (w *cWriter) since(version string) {
	if version == oldestVersion {
		version = ""
	}
	if version == w.version {
		return
	}
	if w.version != "" {
		w.WriteString("#endif\n")
	}
	if w.version = version; version != "" {
		fmt.Fprintf(w, "#if JET_VERSION >= %s\n", version)
	}
}

func (w *cWriter) section(title string) {
	w.since(oldestVersion)
	line := strings.Repeat("-", 4)
	fmt.Fprintf(w, "\n\n/* %s %s %s */\n", line, title, strings.Repeat("-", max(4, 90-len(title))))
}

func (w *cWriter) note(text string) {
	w.since(oldestVersion)
	fmt.Fprintf(w, "\n/* %s */\n", cText(text))
}

// cText makes a text safe within a C comment.
func cText(s string) string { return strings.ReplaceAll(s, "*/", "* and ") }

// line writes a declaration with its meaning behind it.
func (w *cWriter) line(width int, declaration, meaning string) {
	if meaning == "" {
		w.WriteString(declaration + "\n")
		return
	}
	fmt.Fprintf(w, "%-*s /* %s */\n", width, declaration, cText(meaning))
}

// cHeader is the whole of esent.h.
func cHeader(spec string) []byte {
	w := new(cWriter)
	w.WriteString(headerTop)
	load := func(name string) []map[string]string { return table(filepath.Join(spec, name+".tsv")) }
	types := load("types")
	w.section("Types")
	w.WriteByte('\n')
	for _, t := range types {
		if t["kind"] != "callback" {
			scalarType(w, t)
		}
	}
	w.section("Constants")
	families := byFamily(load("constants"))
	for _, f := range families {
		constantFamily(w, f)
	}
	w.note("JetTestHook operations: private to the engine's own tests")
	w.WriteString("typedef uint32_t TESTHOOK_OP;\n")
	engineVersions(w, load("efv"))
	w.section("Flags (JET_GRBIT)")
	for _, f := range byFamily(load("grbits")) {
		w.note(f[0]["family"])
		for _, r := range f {
			meaning := r["meaning"]
			if r["excludes_requires"] != "" {
				meaning += "; " + r["excludes_requires"]
			}
			w.since(r["min_version"])
			w.line(68, fmt.Sprintf("#define %-52s %s", r["name"], r["value"]), meaning)
		}
	}
	w.section("Parameters")
	parameters(w, load("params"))
	w.section("Result codes")
	w.WriteString("\n/* Negative: error; 0: success; positive: warning (the call took effect). */\n")
	for _, r := range load("errors") {
		w.line(68, fmt.Sprintf("#define %-52s (%s)", r["name"], r["value"]), r["meaning"])
	}
	// Callbacks that need no structure come before the structures that hold them.
	w.section("Callbacks")
	structs := readStructs(load("structs"))
	var late []map[string]string
	for _, t := range types {
		if t["kind"] != "callback" {
			continue
		}
		if needsStruct(t["definition"], structs) {
			late = append(late, t)
			continue
		}
		callbackType(w, t)
	}
	w.section("Structures")
	w.WriteString("\n/* cbStruct is the size of the structure in bytes: the caller sets it, and it selects the version. */\n")
	for _, s := range structs {
		structure(w, s)
	}
	for _, t := range late {
		callbackType(w, t)
	}
	undecoratedStructs(w, structs)
	w.section("Functions")
	functions := readFunctions(spec)
	prototypes(w, functions)
	undecoratedFunctions(w, functions)
	w.since(oldestVersion)
	w.WriteString(headerBottom)
	return w.Bytes()
}

func scalarType(w *cWriter, t map[string]string) {
	name, definition, meaning := t["name"], t["definition"], t["meaning"]
	if name == "JET_API" || name == "WCHAR" || name == "JET_API_PTR" {
		return // in the top part
	}
	definition, _, _ = strings.Cut(definition, " (")
	definition = strings.ReplaceAll(definition, "char16_t", "WCHAR")
	if !strings.HasSuffix(definition, "*") {
		definition += " "
	}
	w.since(t["min_version"])
	w.line(50, "typedef "+definition+name+";", meaning)
}

func callbackType(w *cWriter, t map[string]string) {
	w.note(t["meaning"])
	w.since(t["min_version"])
	definition := strings.ReplaceAll(t["definition"], "char16_t", "WCHAR")
	definition = strings.Replace(definition, "(*)", "(JET_API *"+t["name"]+")", 1)
	w.WriteString("typedef " + wrapParameters(definition) + ";\n")
}

func needsStruct(definition string, structs []cStruct) bool {
	for _, s := range structs {
		if regexp.MustCompile(`\b` + s.name + `\b`).MatchString(definition) {
			return true
		}
	}
	return false
}

// byFamily groups consecutive or scattered rows by their family, in the order of first sight.
func byFamily(rows []map[string]string) [][]map[string]string {
	index := map[string]int{}
	var families [][]map[string]string
	for _, r := range rows {
		i, ok := index[r["family"]]
		if !ok {
			i = len(families)
			index[r["family"]] = i
			families = append(families, nil)
		}
		families[i] = append(families[i], r)
	}
	return families
}

func constantFamily(w *cWriter, rows []map[string]string) {
	family := rows[0]["family"]
	name, isEnum := strings.CutPrefix(family, "enum ")
	if !isEnum {
		w.note(family)
		for _, r := range rows {
			w.since(r["min_version"])
			constant(w, r)
		}
		return
	}
	w.note(family)
	// An enumerator above INT_MAX is not C99; such a set of bits becomes an integer with macros.
	for _, r := range rows {
		if r["value"] >= "0x80000000" && len(r["value"]) == len("0x80000000") {
			w.since(minVersion(rows))
			fmt.Fprintf(w, "typedef uint32_t %s;\n", name)
			for _, r := range rows {
				w.since(r["min_version"])
				constant(w, r)
			}
			return
		}
	}
	w.since(minVersion(rows))
	fmt.Fprintf(w, "typedef enum {\n")
	outer := w.version
	for _, r := range rows {
		inner := r["min_version"]
		if inner <= outer || inner == oldestVersion {
			inner = ""
		}
		if inner != "" {
			fmt.Fprintf(w, "#if JET_VERSION >= %s\n", inner)
		}
		w.line(62, fmt.Sprintf("    %s = %s,", r["name"], r["value"]), r["meaning"])
		if inner != "" {
			w.WriteString("#endif\n")
		}
	}
	fmt.Fprintf(w, "} %s;\n", name)
}

func minVersion(rows []map[string]string) string {
	least := rows[0]["min_version"]
	for _, r := range rows {
		least = min(least, r["min_version"])
	}
	return least
}

var (
	unicodeValue = regexp.MustCompile(`^(\S+) \((\S+) with JET_UNICODE\)$`)
	versionValue = regexp.MustCompile(`(\S+) if JET_VERSION ((?:[<>]=0x[0-9A-F]+)+)`)
	oneCondition = regexp.MustCompile(`[<>]=0x[0-9A-F]+`)
)

// handleTypes gives the type of the constants whose value is all ones.
var handleTypes = map[string]string{
	"JET_instanceNil": "JET_INSTANCE", "JET_sesidNil": "JET_SESID", "JET_tableidNil": "JET_TABLEID", "JET_LSNil": "JET_LS",
}

func constant(w *cWriter, r map[string]string) {
	name, value, meaning := r["name"], r["value"], r["meaning"]
	define := func(value string) {
		w.line(68, fmt.Sprintf("#define %-52s %s", name, value), meaning)
	}
	switch {
	case strings.HasPrefix(value, "all ones"):
		define(fmt.Sprintf("(~(%s)0)", handleTypes[name]))
	case name == "JET_columnidNil":
		define("((JET_COLUMNID)" + value + ")")
	case name == "JET_dbidNil", name == "JET_dbidNoValid":
		define("((JET_DBID)" + value + ")")
	case strings.HasPrefix(value, `"`):
		define("u" + value)
	case strings.Contains(value, "as int32_t -2147483648"):
		define("(-2147483647 - 1)")
	case unicodeValue.MatchString(value):
		m := unicodeValue.FindStringSubmatch(value)
		w.WriteString("#ifdef JET_UNICODE\n")
		define(m[2])
		w.WriteString("#else\n")
		define(m[1])
		w.WriteString("#endif\n")
	case versionValue.MatchString(value):
		_, list, _ := strings.Cut(value, " (")
		cases := versionValue.FindAllStringSubmatch(list, -1)
		for i, m := range cases {
			var conditions []string
			for _, c := range oneCondition.FindAllString(m[2], -1) {
				conditions = append(conditions, "JET_VERSION "+c[:2]+" "+c[2:])
			}
			switch {
			case i == 0:
				w.WriteString("#if " + strings.Join(conditions, " && ") + "\n")
			case i == len(cases)-1:
				w.WriteString("#else\n")
			default:
				w.WriteString("#elif " + strings.Join(conditions, " && ") + "\n")
			}
			define(strings.TrimPrefix(m[1], "("))
		}
		w.WriteString("#endif\n")
	case strings.HasPrefix(value, "-"):
		define("(" + value + ")")
	case strings.Contains(value, " "):
		log.Fatalf("constants.tsv: %s: value not understood: %s", name, value)
	default:
		define(value)
	}
	if name == "JET_MAX_COMPUTERNAME_LENGTH" {
		w.line(68, fmt.Sprintf("#define %-52s %d", "JET_BASE_NAME_LENGTH", 3), "characters of JET_paramBaseName")
	}
}

func engineVersions(w *cWriter, rows []map[string]string) {
	w.note("JET_ENGINEFORMATVERSION: versions of the file formats (JET_paramEngineFormatVersion)")
	w.since("0x0A01")
	for _, r := range rows {
		w.line(68, fmt.Sprintf("#define %-52s %s", r["name"], r["value"]), r["meaning"])
	}
}

func parameters(w *cWriter, rows []map[string]string) {
	kinds := []struct{ prefix, title string }{
		{"JET_param", "System parameters (JetSetSystemParameter, JetGetSystemParameter): number or text, scope, default"},
		{"JET_sesparam", "Session parameters (JetSetSessionParameter, JetGetSessionParameter)"},
		{"JET_dbparam", "Database parameters (JET_SETDBPARAM)"},
	}
	for _, kind := range kinds {
		w.note(kind.title)
		for _, r := range rows {
			if !strings.HasPrefix(r["name"], kind.prefix) {
				continue
			}
			w.since(r["min_version"])
			about := r["type"]
			if r["scope"] != "" {
				about += ", " + r["scope"]
			}
			if r["default"] != "" {
				about += ", default " + r["default"]
			}
			w.line(68, fmt.Sprintf("#define %-52s %s", r["name"], r["id"]), r["meaning"]+" ["+about+"]")
		}
	}
}

// wrapParameters breaks a long declaration after its parameters' commas.
func wrapParameters(declaration string) string {
	const width, indent = 110, "    "
	if len(declaration) <= width {
		return declaration
	}
	open := strings.LastIndex(declaration, "(")
	var o strings.Builder
	o.WriteString(declaration[:open+1] + "\n")
	line := indent
	for i, p := range strings.Split(declaration[open+1:], ", ") {
		if i > 0 {
			if len(line)+len(p)+2 > width {
				o.WriteString(line + ",\n")
				line = indent
			} else {
				line += ", "
			}
		}
		line += p
	}
	o.WriteString(line)
	return o.String()
}

func prototypes(w *cWriter, functions []function) {
	group := ""
	for i, f := range functions {
		if f.group != group {
			group = f.group
			w.since(oldestVersion)
			fmt.Fprintf(w, "\n\n/* ---- %s ---- */\n", group)
		}
		// Forms of one function stand together under one comment.
		if i == 0 || functions[i-1].meaning != f.meaning || functions[i-1].group != f.group {
			w.note(f.name + ": " + f.meaning)
		}
		w.since(f.minVersion)
		w.WriteString(wrapParameters(fmt.Sprintf("JET_ERR JET_API %s(%s)", f.name, f.parameters)) + ";\n")
	}
}

// undecoratedFunctions gives the W functions their undecorated names under JET_UNICODE, and names to those
// functions that are exported with A and W only.
func undecoratedFunctions(w *cWriter, functions []function) {
	version, exported := map[string]string{}, map[string]bool{}
	for _, f := range functions {
		version[f.name] = f.minVersion
		exported[f.name] = true
	}
	w.section("Undecorated function names")
	w.WriteString("\n#ifdef JET_UNICODE_\n")
	var only []string
	for _, f := range functions {
		base, wide := strings.CutSuffix(f.name, "W")
		if !wide {
			continue
		}
		w.since(f.minVersion)
		fmt.Fprintf(w, "#define %s %s\n", base, f.name)
		if !exported[base] {
			only = append(only, base)
		}
	}
	w.since(oldestVersion)
	w.WriteString("#else\n")
	for _, base := range only {
		if v, ok := version[base+"A"]; ok {
			w.since(v)
			fmt.Fprintf(w, "#define %s %sA\n", base, base)
		}
	}
	w.since(oldestVersion)
	w.WriteString("#endif\n")
}
