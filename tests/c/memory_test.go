package c_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The library lives in a program that is built with AddressSanitizer and UndefinedBehaviorSanitizer, needs no
// options for it, loses no memory, and writes nothing behind the program's buffers.
func TestSanitizers(t *testing.T) {
	program := linked(t, "memory.c", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-DCANARY")
	run(t, 0, limit, program, t.TempDir())
	run(t, 1, limit, program, t.TempDir(), "lie")
	run(t, 0, limit, linked(t, "bank.c", "-fsanitize=thread"), "run", t.TempDir(), "1", "4")
}

// Valgrind's memcheck finds the library at nothing: no access beside a block that the program got from malloc,
// none to one that it has freed, no block lost.
func TestValgrind(t *testing.T) {
	if _, err := exec.LookPath("valgrind"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	program := linked(t, "memory.c")
	for _, report := range memcheck(t, program, t.TempDir()) {
		t.Errorf("%s", report)
	}
	// Where it takes a change between stacks for growth of one over the heap, it takes all in between for good.
	const attempts = 3
	for n := 1; ; n++ {
		lies := memcheck(t, program, t.TempDir(), "lie")
		if slices.ContainsFunc(lies, func(s string) bool { return strings.Contains(s, "Invalid write") }) {
			return
		}
		if n == attempts {
			t.Fatalf("memcheck did not see a write behind a buffer; it reported %q", lies)
		}
	}
}

// wordReaders are functions of the Go runtime that read whole words, which may begin before or end after a
// text, but never leave its page.
var wordReaders = []string{"indexbytebody", "cmpbody", "memeqbody", "countbody"}

// memcheck runs the program under valgrind and gives the reports that count. Memcheck takes the stacks of
// goroutines, which lie close together, for one that grows and shrinks, and so reports some of the runtime's own
// memory as undefined or out of bounds; but what it says of malloc's blocks is right.
func memcheck(t *testing.T, program string, args ...string) (reports []string) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	cmd := exec.Command("valgrind", append([]string{"--error-limit=no", "--leak-check=full", "--show-leak-kinds=definite", "--log-file=" + log, program}, args...)...)
	cmd.Env = append(os.Environ(), "GODEBUG=asyncpreemptoff=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "ERROR SUMMARY") {
		t.Fatalf("memcheck did not end:\n%.3000s", text)
	}
	var report []string
	for line := range strings.Lines(string(text)) {
		_, line, _ = strings.Cut(strings.TrimRight(line, "\n"), "==")
		if _, line, _ = strings.Cut(line, "=="); strings.TrimSpace(line) != "" {
			if !strings.HasPrefix(line, " Thread ") { // said when it is another one than in the report before
				report = append(report, line)
			}
			continue
		}
		if counts(report) {
			reports = append(reports, strings.Join(report, "\n"))
		}
		report = nil
	}
	return reports
}

func counts(report []string) bool {
	if len(report) < 2 {
		return false
	}
	what, text := report[0], strings.Join(report, "\n")
	switch {
	case strings.Contains(what, "definitely lost in loss record"), strings.Contains(what, "Invalid free"), strings.Contains(what, "Mismatched free"):
		return true
	case strings.Contains(what, "Invalid read"):
		for _, name := range wordReaders {
			if strings.Contains(report[1], ": "+name+" (") {
				return false
			}
		}
		return strings.Contains(text, " a block of size ")
	}
	return strings.Contains(what, "Invalid write") && strings.Contains(text, " a block of size ")
}
