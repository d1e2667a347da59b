package main

import (
	"fmt"
	"log"
	"regexp"
	"strconv"
	"strings"
)

// cStruct is one structure of structs.tsv.
type cStruct struct {
	name, minVersion string
	size, align      int
	members          []cMember
}

// cMember is a field, a bit field or a nested structure, at its place.
type cMember struct {
	name, ctype, minVersion, meaning string
	offset, size                     int
	bit, bits                        int // place and width of a bit field; bits is 0 for all others
	members                          []cMember
}

func (m cMember) end() int { return m.offset + m.size }

var bitWidth = regexp.MustCompile(`^(\d+) bit$`)

func readStructs(rows []map[string]string) []cStruct {
	var structs []cStruct
	for _, r := range rows {
		if r["field"] == "(struct)" {
			structs = append(structs, cStruct{name: r["struct"], minVersion: r["min_version"],
				size: number(r["size"]), align: number(strings.TrimPrefix(r["type"], "align "))})
			continue
		}
		s := &structs[len(structs)-1]
		if s.name != r["struct"] {
			log.Fatalf("structs.tsv: %s.%s before its structure", r["struct"], r["field"])
		}
		m := cMember{name: r["field"], ctype: r["type"], minVersion: r["min_version"], meaning: headerMeaning(r["meaning"])}
		if offset, bit, ok := strings.Cut(r["offset"], ":"); ok {
			width := bitWidth.FindStringSubmatch(r["size"])
			m.offset, m.bit, m.bits, m.size = number(offset), number(bit), number(width[1]), scalarSize(m.ctype)
		} else {
			m.offset, m.size = number(r["offset"]), number(r["size"])
		}
		list := &s.members
		if outer, inner, nested := strings.Cut(m.name, "."); nested {
			parent := &s.members[len(s.members)-1]
			if parent.name != outer {
				log.Fatalf("structs.tsv: %s.%s is not beside %s", s.name, m.name, outer)
			}
			m.name, list = inner, &parent.members
		}
		*list = append(*list, m)
	}
	return structs
}

// headerMeaning shortens what the header's reader is told once for all structures, or has no use for.
func headerMeaning(meaning string) string {
	if strings.HasPrefix(meaning, "size of the structure in bytes; must be set") {
		return "size of the structure"
	}
	return strings.TrimSuffix(meaning, " (see grbits.tsv)")
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		log.Fatalf("structs.tsv: not a number: %q", s)
	}
	return n
}

func scalarSize(ctype string) int {
	sizes := map[string]int{"uint8_t": 1, "uint16_t": 2, "uint32_t": 4}
	size, ok := sizes[ctype]
	if !ok {
		log.Fatalf("structs.tsv: bit field of type %s", ctype)
	}
	return size
}

// node is a member or a union of alternatives, each a list of members.
type node struct {
	member       cMember
	alternatives [][]cMember
}

// layout finds the unions: a member that begins before the end of what stands before it is an alternative
// to everything from its own offset on.
func layout(members []cMember) []node {
	var nodes []node
	for i := 0; i < len(members); i++ {
		m := members[i]
		start := -1
		for k := len(nodes) - 1; k >= 0 && start < 0; k-- {
			p := nodes[k].member
			sameUnit := m.bits > 0 && p.bits > 0 && m.offset == p.offset
			if m.offset < p.end() && !sameUnit {
				start = m.offset
			}
		}
		if start < 0 {
			nodes = append(nodes, node{member: m})
			continue
		}
		first, end := []cMember{}, 0
		for len(nodes) > 0 && nodes[len(nodes)-1].member.offset >= start {
			first = append([]cMember{nodes[len(nodes)-1].member}, first...)
			end = max(end, nodes[len(nodes)-1].member.end())
			nodes = nodes[:len(nodes)-1]
		}
		union := node{member: cMember{offset: start, size: end - start}, alternatives: [][]cMember{first}}
		for ; i < len(members) && members[i].offset < union.member.end(); i++ {
			m := members[i]
			k := len(union.alternatives) - 1
			if last := union.alternatives[k]; m.offset == start && !(m.bits > 0 && m.bit > 0) || k == 0 {
				union.alternatives = append(union.alternatives, []cMember{m})
			} else {
				union.alternatives[k] = append(last, m)
			}
			union.member.size = max(union.member.size, m.end()-start)
		}
		i--
		nodes = append(nodes, union)
	}
	return nodes
}

func structure(w *cWriter, s cStruct) {
	w.since(oldestVersion)
	w.WriteByte('\n')
	w.since(s.minVersion)
	if s.align == 1 {
		w.WriteString("#pragma pack(push, 1)\n")
	}
	tag := s.name
	if tag == "BTREE_STATS" {
		tag = "_BTREE_STATS"
	}
	fmt.Fprintf(w, "typedef struct %s {\n", tag)
	outer := w.version
	body(w, layout(s.members), s.minVersion, "    ")
	w.version = outer
	fmt.Fprintf(w, "} %s;\n", s.name)
	if s.align == 1 {
		w.WriteString("#pragma pack(pop)\n")
	}
}

func body(w *cWriter, nodes []node, version, indent string) {
	for _, n := range nodes {
		if n.alternatives == nil {
			field(w, n.member, version, indent)
			continue
		}
		// An alternative of a later version leaves the union in place; only its member goes.
		fmt.Fprintf(w, "%sJET_EXTENSION_ union {\n", indent)
		for _, members := range n.alternatives {
			if len(members) == 1 && members[0].bits == 0 {
				field(w, members[0], version, indent+"    ")
				continue
			}
			fmt.Fprintf(w, "%s    JET_EXTENSION_ struct {\n", indent)
			for _, m := range members {
				field(w, m, version, indent+"        ")
			}
			fmt.Fprintf(w, "%s    };\n", indent)
		}
		fmt.Fprintf(w, "%s};\n", indent)
	}
}

var arrayType = regexp.MustCompile(`^([^[]+)(\[.*\])$`)

func field(w *cWriter, m cMember, version, indent string) {
	later := m.minVersion > version
	if later {
		fmt.Fprintf(w, "#if JET_VERSION >= %s\n", m.minVersion)
	}
	if m.members != nil {
		fmt.Fprintf(w, "%sstruct {\n", indent)
		body(w, layout(m.members), m.minVersion, indent+"    ")
		w.line(58, indent+"} "+m.name+";", m.meaning)
	} else {
		ctype := strings.ReplaceAll(m.ctype, "char16_t", "WCHAR")
		ctype = strings.ReplaceAll(ctype, "unsignedlong", "uint32_t")
		array := ""
		if a := arrayType.FindStringSubmatch(ctype); a != nil {
			ctype, array = a[1], a[2]
		}
		if !strings.HasSuffix(ctype, "*") {
			ctype += " "
		}
		if m.bits > 0 {
			array = fmt.Sprintf(" : %d", m.bits)
		}
		w.line(58, indent+ctype+m.name+array+";", m.meaning)
	}
	if later {
		w.WriteString("#endif\n")
	}
}

// undecoratedStructs maps the names of the structures that exist as A and W to one of the two.
func undecoratedStructs(w *cWriter, structs []cStruct) {
	w.section("Undecorated structure names")
	for i, suffix := range []string{"W", "A"} {
		w.since(oldestVersion)
		w.WriteString([]string{"\n#ifdef JET_UNICODE_\n", "#else\n"}[i])
		for _, s := range structs {
			if base, ok := strings.CutSuffix(s.name, "_W"); ok && base != "JET_ERRINFOBASIC" {
				w.since(s.minVersion)
				fmt.Fprintf(w, "typedef %s_%s %s;\n", base, suffix, base)
			}
		}
		w.since(oldestVersion)
		fmt.Fprintf(w, "typedef JET_ABORTRETRYFAILCALLBACK_%s JET_ABORTRETRYFAILCALLBACK;\n", suffix)
	}
	w.since(oldestVersion)
	w.WriteString("#endif\n")
}
