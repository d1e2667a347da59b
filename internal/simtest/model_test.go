package simtest

import (
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	seedFlag     = flag.Uint64("seed", 1, "first seed of TestModel")
	seedsFlag    = flag.Int("seeds", 0, "number of seeds of TestModel; 0 for the usual number")
	skipFlag     = flag.String("skip", "", "steps that the runs of TestModel leave out, like 3-5,9")
	progressFlag = flag.Bool("progress", false, "TestModel tells every ten seconds how far it is")
	failuresFlag = flag.Int("failures", 5, "TestModel ends after so many")
	shrinkFlag   = flag.Int("shrink", 200, "number of attempts to shorten a run that fails")
)

// usualSeeds is how many seeds an ordinary run of the tests has.
const usualSeeds = 150

// TestModel plays random runs; see the package's documentation.
func TestModel(t *testing.T) {
	n := *seedsFlag
	if n == 0 {
		if n = usualSeeds; testing.Short() {
			n /= 6
		}
	}
	skip, err := parseSkips(*skipFlag)
	if err != nil {
		t.Fatal(err)
	}
	if n == 1 && (testing.Verbose() || skip != nil) {
		w := newWorld(*seedFlag, func(line string) { fmt.Println(line) })
		w.skip = skip
		if text := w.report(w.play); text != "" {
			t.Errorf("seed %d: %s", *seedFlag, text)
		}
		t.Log(w.tally)
		return
	}
	runtime.MemProfileRate = 0 // it costs a tenth of the time
	p := &pool{seeds: n, tally: tally{}, started: time.Now()}
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() { p.work(t) })
	}
	group.Wait()
	t.Logf("%d seeds from %d in %v: %v", p.done.Load(), *seedFlag, time.Since(p.started).Round(time.Second), p.tally)
}

// pool plays seeds on all cores.
type pool struct {
	seeds      int
	next, done atomic.Int64
	failed     atomic.Int64
	started    time.Time

	mu    sync.Mutex
	tally tally
	told  time.Time
}

func (p *pool) work(t *testing.T) {
	for p.failed.Load() < int64(*failuresFlag) {
		k := p.next.Add(1) - 1
		if k >= int64(p.seeds) {
			return
		}
		seed := *seedFlag + uint64(k)
		w := newWorld(seed, nil)
		if text := w.report(w.play); text != "" {
			p.failed.Add(1)
			t.Error(explain(seed))
		}
		p.end(w)
	}
}

func (p *pool) end(w *world) {
	done := p.done.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tally.add(w.tally)
	if now := time.Now(); *progressFlag && now.Sub(p.told) >= 10*time.Second {
		p.told = now
		fmt.Fprintf(os.Stderr, "%v: %d of %d seeds, %d failed, %d power cuts\n", now.Sub(p.started).Round(time.Second), done, p.seeds,
			p.failed.Load(), p.tally["power cuts"])
	}
}

// explain shortens the run of a seed that fails, and tells how it fails and how to repeat that.
func explain(seed uint64) string {
	var steps []int
	seen := func(line string) {
		var n int
		if _, err := fmt.Sscan(line, &n); err == nil && n > 0 && !slices.Contains(steps, n) {
			steps = append(steps, n)
		}
	}
	newWorld(seed, seen).played()
	fails := func(s skips) bool {
		w := newWorld(seed, nil)
		w.skip = s
		return w.report(w.play) != ""
	}
	s := shrink(steps, *shrinkFlag, fails)
	var trace []string
	w := newWorld(seed, func(line string) {
		if trace = append(trace, line); len(trace) > 40 {
			trace = trace[1:]
		}
	})
	w.skip = s
	text := w.report(w.play)
	command := fmt.Sprintf("go test ./internal/simtest -run TestModel -seed=%d -seeds=1 -v", seed)
	if s != nil {
		command += " -skip=" + s.String()
	}
	return fmt.Sprintf("seed %d: %s\n%s\nto repeat: %s", seed, text, strings.Join(trace, "\n"), command)
}

func (w *world) played() string { return w.report(w.play) }

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
		text = f.text
		for _, e := range w.log.Events() {
			text += fmt.Sprintf("\nevent %d %v", e.ID, e.Params)
		}
	}()
	f()
	return ""
}
