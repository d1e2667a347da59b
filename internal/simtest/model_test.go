package simtest

import (
	"flag"
	"fmt"
	"hash/fnv"
	"runtime/debug"
	"strings"
	"testing"
)

var (
	seedFlag  = flag.Uint64("seed", 1, "first seed of TestModel")
	seedsFlag = flag.Int("seeds", 0, "number of seeds of TestModel; 0 for the usual number")
)

// usualSeeds is how many seeds an ordinary run of the tests has.
const usualSeeds = 60

// TestModel plays random runs; see the package's documentation.
func TestModel(t *testing.T) {
	n := *seedsFlag
	if n == 0 {
		if n = usualSeeds; testing.Short() {
			n /= 6
		}
	}
	failed := 0
	for k := range n {
		seed := *seedFlag + uint64(k)
		var verbose func(string)
		if testing.Verbose() && n == 1 {
			verbose = func(line string) { fmt.Println(line) }
		}
		if text := playSeed(seed, verbose); text != "" {
			t.Errorf("seed %d: %s\nto repeat: go test ./internal/simtest -run TestModel -seed=%d -seeds=1 -v", seed, text, seed)
			if failed++; failed == 5 {
				t.FailNow()
			}
		}
	}
}

// TestRepeatable plays runs twice: the same must happen, and the same bytes be on the disk.
func TestRepeatable(t *testing.T) {
	for seed := uint64(1); seed <= 8; seed++ {
		var lines [2][]string
		var disks [2]uint64
		for k := range lines {
			w := newWorld(seed, func(line string) { lines[k] = append(lines[k], line) })
			if text := w.report(w.play); text != "" {
				t.Errorf("seed %d: %s", seed, text)
			}
			disks[k] = w.digest()
		}
		for i, line := range lines[0] {
			if i >= len(lines[1]) || lines[1][i] != line {
				t.Fatalf("seed %d, line %d: %q, then %q", seed, i, line, lines[1][i:min(i+1, len(lines[1]))])
			}
		}
		if disks[0] != disks[1] {
			t.Errorf("seed %d: the disks differ", seed)
		}
	}
}

// digest is a number for all that is on the disk.
func (w *world) digest() uint64 {
	h := fnv.New64a()
	for _, p := range w.sim.Files() {
		data, err := w.sim.ReadFile(p)
		w.ok(err, "read of "+p)
		fmt.Fprint(h, p, len(data))
		h.Write(data)
	}
	return h.Sum64()
}

// playSeed plays one run and tells what it has found.
func playSeed(seed uint64, verbose func(string)) string {
	w := newWorld(seed, verbose)
	return w.report(w.play)
}

// report runs f and tells what it has found.
func (w *world) report(f func()) (text string) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		f, ok := r.(failure)
		if !ok {
			f.text = fmt.Sprintf("panic: %v\n%s", r, debug.Stack())
		}
		text = f.text + "\n" + strings.Join(w.trace, "\n")
		for _, e := range w.log.Events() {
			text += fmt.Sprintf("\nevent %d %v", e.ID, e.Params)
		}
	}()
	f()
	return ""
}
