package c_test

import (
	"bufio"
	"flag"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"esent/internal/testdata"
)

var (
	bankSeconds  = flag.Int("bank-seconds", 5, "how long the threads transfer money")
	killedRounds = flag.Int("killed-rounds", 10, "how often the working process is killed")
	killedSeed   = flag.Uint64("killed-seed", uint64(time.Now().UnixNano()), "chooses the moments of the kills")
)

// linked compiles a program of testdata against the library and gives its path.
func linked(t *testing.T, source string, args ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), strings.TrimSuffix(source, ".c"))
	build := filepath.Dir(testdata.Library(t))
	l := c99
	l.standard = "-std=gnu99"
	compile(t, l, filepath.Join("testdata", source),
		append([]string{"-O1", "-g", "-o", program, "-L", build, "-lesent", "-lpthread", "-Wl,-rpath," + build}, args...)...)
	return program
}

// checkDatabase has the command line tool look at every page of a database.
func checkDatabase(t *testing.T, path string) {
	t.Helper()
	tool := filepath.Join(t.TempDir(), "esentutl")
	cmd := exec.Command("go", "build", "-o", tool, "./cmd/esentutl")
	cmd.Dir = testdata.Root(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := exec.Command(tool, "/g", path).CombinedOutput(); err != nil {
		t.Errorf("esentutl /g: %v\n%s", err, out)
	}
}

// Sixteen threads transfer money in transactions while others sum it up and back it up. None is lost: not
// in the running engine, not in the file that it leaves, not in the last backup.
func TestBank(t *testing.T) {
	program, dir, restored := linked(t, "bank.c"), t.TempDir(), t.TempDir()
	duration := time.Duration(*bankSeconds)*time.Second + limit
	t.Log(run(t, 0, duration, program, "run", dir, strconv.Itoa(*bankSeconds), "16"))
	checkDatabase(t, filepath.Join(dir, "bank.edb"))
	run(t, 0, limit, program, "check", dir)
	run(t, 0, limit, program, "restore", filepath.Join(dir, "backup", "new"), restored)
	checkDatabase(t, filepath.Join(restored, "bank.edb"))
}

// A process that commits durably is killed, again and again, while it works and while it recovers. What it
// said to be committed is there afterwards, whole, and nothing of what was not.
func TestKilledProcess(t *testing.T) {
	program, dir := linked(t, "killed.c"), t.TempDir()
	random := rand.New(rand.NewPCG(*killedSeed, 0))
	said := []string{"0", "0", "0"}
	kills := 0 // since the last look
	for round := range *killedRounds {
		delay := time.Duration(random.IntN(600)) * time.Millisecond
		if random.IntN(3) == 0 {
			delay /= 10 // in the middle of the start
		}
		workUntilKilled(t, program, dir, delay, said)
		kills++
		if random.IntN(3) == 0 && round+1 < *killedRounds {
			continue // the next one recovers, and may be killed at that
		}
		out, err := exec.Command(program, append([]string{"check", dir, strconv.Itoa(kills)}, said...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("-killed-seed %d, round %d, killed after %v: %v\n%s", *killedSeed, round, delay, err, out)
		}
		note(t, string(out), said)
		kills = 0
	}
	checkDatabase(t, filepath.Join(dir, "killed.edb"))
	t.Logf("steps of the threads: %v", said)
}

// workUntilKilled runs the working process for a while and notes what it says to be committed.
func workUntilKilled(t *testing.T, program, dir string, delay time.Duration, said []string) {
	t.Helper()
	cmd := exec.Command(program, "work", dir)
	var output, messages strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &messages
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(delay)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatalf("%v\n%s", err, messages.String())
	}
	cmd.Wait() // killed: always an error
	if messages.Len() > 0 {
		t.Fatalf("-killed-seed %d: %s", *killedSeed, messages.String())
	}
	note(t, output.String(), said)
}

// note takes up lines "thread steps". A line that the kill has cut is not said.
func note(t *testing.T, text string, said []string) {
	t.Helper()
	lines := bufio.NewScanner(strings.NewReader(text[:strings.LastIndexByte(text, '\n')+1]))
	for lines.Scan() {
		var thread int
		var steps string
		if n, err := fmt.Sscan(lines.Text(), &thread, &steps); n != 2 || thread >= len(said) {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		said[thread] = steps
	}
}
