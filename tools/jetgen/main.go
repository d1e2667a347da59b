// Command jetgen writes what follows from the tables of the specification: the constants of package jet,
// the public header, the C side of the exported functions and the table of what is built.
//
//	go run ./tools/jetgen -spec ../shared/spec/api -out internal/jet
//	go run ./tools/jetgen -spec ../shared/spec/api -header include/esent.h
//	go run ./tools/jetgen -spec ../shared/spec/api -cabi cabi -status docs/api-status.md
//
// Each target is written only when its flag is given, and only when its content changes.
package main

import (
	"bytes"
	"flag"
	"log"
	"os"
	"path/filepath"
	"strings"
)

// extensionHeader is the header of the functions that are not in the tables, seen from package cabi.
const extensionHeader = "../include/esent_ext.h"

func main() {
	spec := flag.String("spec", "../shared/spec/api", "directory of the tables")
	out := flag.String("out", "", "directory of package jet: write its constants")
	header := flag.String("header", "", "file name of the public header: write it")
	cabi := flag.String("cabi", "", "directory of package cabi: write exports_gen.c and libesent.map there")
	status := flag.String("status", "", "file name of the table of functions and their state: write it (needs -cabi)")
	flag.Parse()
	log.SetFlags(0)
	if *out != "" {
		goJet(*spec, *out)
	}
	if *header != "" {
		replace(*header, cHeader(*spec))
	}
	if *cabi != "" {
		functions, built := readFunctions(*spec), scanBuilt(*cabi)
		exports := append(functions[:len(functions):len(functions)], readExtensions(filepath.Join(*cabi, extensionHeader))...)
		replace(filepath.Join(*cabi, "exports_gen.c"), cShims(exports, built))
		replace(filepath.Join(*cabi, "libesent.map"), versionScript(exports))
		if *status != "" {
			replace(*status, apiStatus(functions, built))
		}
	}
}

// replace writes a file unless it has that content already, so that make sees no change where there is none.
func replace(path string, content []byte) {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
		return
	}
	if err := os.WriteFile(path, content, 0o666); err != nil {
		log.Fatal(err)
	}
}

// table reads a tab-separated file as rows of named fields.
func table(path string) []map[string]string {
	text, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	head := strings.Split(lines[0], "\t")
	var rows []map[string]string
	for _, l := range lines[1:] {
		row := map[string]string{}
		for i, v := range strings.Split(l, "\t") {
			if i < len(head) {
				row[head[i]] = v
			}
		}
		rows = append(rows, row)
	}
	return rows
}
