// Package transcripts_test runs the conformance kit (tests/conformance): transcripts of the original engine,
// area by area.
package transcripts_test

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"esent/internal/testdata"
)

// passingFile lists the scripts that are known to pass, one a line. What is in it stays in it.
const passingFile = "passing.txt"

var update = flag.Bool("update", false, "add the scripts that pass now to "+passingFile)

// wholeAreas must pass to the last script, whatever passingFile says.
var wholeAreas = []string{"instance", "session", "params", "database", "transaction", "column", "dml", "escrow"}

// outcome is what one run of the kit said.
type outcome struct {
	passed, failed []string          // area/script, in the kit's order
	difference     map[string]string // of a failed script
}

// runKit runs all scripts. Each is looked at here too, so that a cached result of this test is used only
// while they are the same.
func runKit(t *testing.T) outcome {
	t.Helper()
	library, kit := testdata.Library(t), filepath.Join(testdata.Root(t), "tests", "conformance")
	for _, pattern := range []string{"run.py", "jetscript.c", filepath.Join("scripts", "*", "*")} {
		files, err := filepath.Glob(filepath.Join(kit, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: nothing there (%v)", pattern, err)
		}
		for _, file := range files {
			if _, err := os.Stat(file); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd := exec.Command("python3", filepath.Join(kit, "run.py"), library, "--include", filepath.Join(testdata.Root(t), "include"), "-j", "2", "--diff", "8")
	var messages bytes.Buffer
	cmd.Stderr = &messages
	text, err := cmd.Output()
	o := outcome{difference: map[string]string{}}
	name := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "ok "):
			o.passed = append(o.passed, strings.Fields(line)[1])
		case strings.HasPrefix(line, "FAILED "):
			name = strings.Fields(line)[1]
			o.failed = append(o.failed, name)
		case strings.HasPrefix(line, "       "):
			o.difference[name] += line + "\n"
		}
	}
	if len(o.passed)+len(o.failed) == 0 {
		t.Fatalf("the kit did not run: %v\n%s%s", err, text, messages.Bytes())
	}
	return o
}

func area(script string) string {
	name, _, _ := strings.Cut(script, "/")
	return name
}

// counts is one line an area and a sum, as make test prints them.
func (o outcome) counts() string {
	type count struct{ passed, failed int }
	byArea := map[string]count{}
	for _, s := range o.passed {
		c := byArea[area(s)]
		c.passed++
		byArea[area(s)] = c
	}
	for _, s := range o.failed {
		c := byArea[area(s)]
		c.failed++
		byArea[area(s)] = c
	}
	var names []string
	for name := range byArea {
		names = append(names, name)
	}
	slices.Sort(names)
	var text strings.Builder
	for _, name := range names {
		fmt.Fprintf(&text, "%-14s %d passed, %d failed\n", name, byArea[name].passed, byArea[name].failed)
	}
	fmt.Fprintf(&text, "conformance    %d passed, %d failed\n", len(o.passed), len(o.failed))
	return text.String()
}

func readPassing(t *testing.T) []string {
	t.Helper()
	file, err := os.Open(passingFile)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var names []string
	for s := bufio.NewScanner(file); s.Scan(); {
		names = append(names, s.Text())
	}
	return names
}

// Whole areas pass, no script is lost that passed before, and what fails is counted.
func TestConformance(t *testing.T) {
	if testing.Short() {
		t.Skip("the whole kit is not short")
	}
	o := runKit(t)
	counts := o.counts()
	t.Log("\n" + counts)
	build := filepath.Join(testdata.Root(t), "build", "conformance.txt")
	if err := os.WriteFile(build, []byte(counts), 0o666); err != nil {
		t.Error(err)
	}

	if *update {
		names := append(readPassing(t), o.passed...)
		slices.Sort(names)
		names = slices.Compact(names)
		if err := os.WriteFile(passingFile, []byte(strings.Join(names, "\n")+"\n"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	passing := readPassing(t)
	for _, name := range passing {
		if !slices.Contains(o.passed, name) && !slices.Contains(o.failed, name) {
			t.Errorf("%s is in %s and is no script", name, passingFile)
		}
	}
	for _, name := range o.failed {
		switch {
		case slices.Contains(passing, name):
			t.Errorf("%s passed before and fails now:\n%s", name, o.difference[name])
		case slices.Contains(wholeAreas, area(name)):
			t.Errorf("%s fails, in an area that must pass:\n%s", name, o.difference[name])
		}
	}
	for _, name := range o.passed {
		if !slices.Contains(passing, name) {
			t.Logf("%s passes and is not in %s: run with -update", name, passingFile)
		}
	}
}
