package c_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var (
	killedRounds = flag.Int("killed-rounds", 10, "how often the working process is killed")
	killedSeed   = flag.Uint64("killed-seed", uint64(time.Now().UnixNano()), "chooses the moments of the kills")
)

// steps are numbers of steps of the threads in killed.c; a thread's steps are made one after the other.
type steps [4]uint64

// raise makes s at least as large as o, thread by thread.
func (s *steps) raise(o steps) {
	for i := range s {
		s[i] = max(s[i], o[i])
	}
}

// ledger is what follows from the lines that the processes said.
type ledger struct {
	begun     steps          // their commits were about to be called
	committed steps          // their commits have returned
	durable   steps          // they must be there from now on
	before    [4]steps       // committed when the commit that a thread is in was about to be called
	backup    steps          // durable when the last complete backup began
	pending   steps          // durable when the present backup began
	backups   int            // complete ones
	found     map[int]uint64 // what the last check found
}

// note takes up what a process said. A line that a kill has cut off is not said.
func (l *ledger) note(text string) error {
	l.found = map[int]uint64{}
	for line := range strings.Lines(text[:strings.LastIndexByte(text, '\n')+1]) {
		var what string
		var thread int
		var step uint64
		if n, err := fmt.Sscan(line, &what, &thread, &step); n != 3 || thread >= len(l.begun) {
			return fmt.Errorf("%q: %w", line, err)
		}
		switch what {
		case "s":
			l.begun[thread], l.before[thread] = step, l.committed
		case "c":
			l.committed[thread] = step
		case "d": // and with it all that had been committed before
			l.committed[thread], l.durable[thread] = step, step
			l.durable.raise(l.before[thread])
		case "b":
			l.pending = l.committed // a backup makes lazy commits durable, too
		case "e":
			l.backup = l.pending
			l.backups++
		case "f":
			l.found[thread] = step
		default:
			return fmt.Errorf("%q", line)
		}
	}
	return nil
}

// judge compares what a check has found with what must and may be there.
func (l *ledger) judge(least, most steps) error {
	for i := range least {
		if n, ok := l.found[i]; !ok || n < least[i] || n > most[i] {
			return fmt.Errorf("thread %d: %d steps found, of %d to %d", i, n, least[i], most[i])
		}
	}
	return nil
}

// settle says that what was found is all that there is, and stays: recovery has ended.
func (l *ledger) settle() (lost uint64) {
	for i := range l.begun {
		lost += l.committed[i] - min(l.committed[i], l.found[i])
		l.begun[i], l.committed[i], l.durable[i] = l.found[i], l.found[i], l.found[i]
	}
	return lost
}

// A process that commits durably and lazily is killed, again and again, while it works; some of its successors
// are killed while they recover. Each time the next one finds all that was durable, some of what was lazily
// committed (of each thread all up to some step), nothing that was not, and entries of all indexes that fit
// their records. The same holds for the last backup that was complete.
func TestKilledProcess(t *testing.T) {
	program, dir := linked(t, "killed.c"), t.TempDir()
	random := rand.New(rand.NewPCG(*killedSeed, 0))
	failed := func(round int, err error, out []byte) {
		t.Helper()
		t.Fatalf("-killed-seed %d, round %d: %v\n%s", *killedSeed, round, err, out)
	}
	var l ledger
	var lost, all uint64
	inRecovery, restores := 0, 0
	for round := range *killedRounds {
		delay := 50*time.Millisecond + time.Duration(random.IntN(800))*time.Millisecond
		out, err := killAfter(delay, program, "work", dir)
		if err == nil {
			err = l.note(string(out))
		}
		if err != nil {
			failed(round, err, out)
		}
		for random.IntN(3) == 0 {
			if out, err := killAfter(time.Duration(random.IntN(80))*time.Millisecond, program, "check", dir); err != nil {
				failed(round, err, out)
			}
			inRecovery++
		}
		out, err = exec.Command(program, "check", dir).CombinedOutput()
		if err == nil {
			err = l.note(string(out))
		}
		if err == nil {
			err = l.judge(l.durable, l.begun)
		}
		if err != nil {
			failed(round, err, out)
		}
		most := l.begun
		lost += l.settle()
		if l.backups > 0 && random.IntN(4) == 0 {
			restores++
			restored := t.TempDir()
			out, err := exec.Command(program, "restore", filepath.Join(dir, "backup"), restored).CombinedOutput()
			if err == nil {
				err = l.note(string(out))
			}
			if err == nil {
				err = l.judge(l.backup, most)
			}
			if err != nil {
				failed(round, err, out)
			}
			if err := os.RemoveAll(restored); err != nil {
				t.Fatal(err)
			}
		}
	}
	checkDatabase(t, filepath.Join(dir, "killed.edb"))
	for _, n := range l.durable {
		all += n
	}
	t.Logf("-killed-seed %d: %d kills at work, %d in recovery; %d transactions, %d lazy ones lost; %d backups, %d restored",
		*killedSeed, *killedRounds, inRecovery, all, lost, l.backups, restores)
	if all == 0 {
		t.Error("nothing was committed")
	}
}

// killAfter starts a process and kills it after a while, unless it has ended well before. It gives what it said.
func killAfter(delay time.Duration, program string, args ...string) ([]byte, error) {
	cmd := exec.Command(program, args...)
	var output, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &messages
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	timer := time.AfterFunc(delay, func() { cmd.Process.Kill() })
	defer timer.Stop()
	err := cmd.Wait()
	var exit *exec.ExitError
	if messages.Len() > 0 || errors.As(err, &exit) && exit.Exited() {
		return messages.Bytes(), fmt.Errorf("before the kill after %v: %v", delay, err)
	}
	return output.Bytes(), nil
}
