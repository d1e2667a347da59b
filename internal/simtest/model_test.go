package simtest

import (
	"flag"
	"fmt"
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

// playSeed plays one run and tells what it has found.
func playSeed(seed uint64, verbose func(string)) (text string) {
	w := newWorld(seed, verbose)
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
	w.play()
	return ""
}
