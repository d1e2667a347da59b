package simdisk

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"esent/internal/jet"
	"esent/internal/vfs"
)

var update = flag.Bool("update", false, "write what the commands print into testdata")

// TestDialogues runs the files of testdata: commands, a line of dashes, what they print, an empty line.
//
//	new [strict] [capacity=N] [seed=N]   a new machine
//	mkdir P, rmdir P, rm P, mv P Q       names
//	create P, open P [lock]              opens P; it stays open under that name
//	write P OFF TEXT[*N], truncate P N, sync P, close P, read P
//	syncdir P
//	fault OPS GLOB [skip=N] [count=N] [err=N] [torn] [silent]
//	poweroff N                           after N more steps
//	crash lose|keep|random               then nothing is open
//	flip P OFF BIT, vanish P, capacity N
//	ls                                   all files with sizes and content, and what is not durable
func TestDialogues(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := dialogue(t, string(text))
			if *update {
				if err := os.WriteFile(name, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			} else if got != string(text) {
				t.Errorf("the dialogue went otherwise:\n%s", got)
			}
		})
	}
}

func dialogue(t *testing.T, text string) string {
	m := &machine{t: t}
	var out strings.Builder
	printing := false
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case printing:
			printing = line != ""
		case line == "----":
			fmt.Fprintf(&out, "----\n%s\n", m.out.String())
			m.out.Reset()
			printing = true
		default:
			fmt.Fprintln(&out, line)
			if line != "" && line[0] != '#' {
				m.do(strings.Fields(line))
			}
		}
	}
	return out.String()
}

type machine struct {
	t    *testing.T
	sim  *Sim
	fs   vfs.FS
	open map[string]vfs.File
	out  strings.Builder
}

var opsByName = func() map[string]Op {
	m := map[string]Op{"any": OpAny}
	for i, name := range opNames {
		m[name] = 1 << i
	}
	return m
}()

func (m *machine) do(args []string) {
	opts := map[string]string{}
	for _, a := range args[1:] {
		key, value, _ := strings.Cut(a, "=")
		opts[key] = value
	}
	num := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil && s != "" {
			m.t.Fatalf("%v: %v", args, err)
		}
		return n
	}
	var err error
	file := func() vfs.File {
		if m.open[args[1]] == nil {
			m.t.Fatalf("%v: not open", args)
		}
		return m.open[args[1]]
	}
	openAs := func(mode vfs.OpenMode) {
		var f vfs.File
		if f, err = m.fs.Open(args[1], mode); err == nil {
			m.open[args[1]] = f
		}
	}
	switch args[0] {
	case "new":
		_, strict := opts["strict"]
		m.sim = New(uint64(num(opts["seed"])), Options{StrictNames: strict, Capacity: int64(num(opts["capacity"]))})
		m.fs, m.open = m.sim.Env().FS, map[string]vfs.File{}
	case "mkdir":
		err = m.fs.MkdirAll(args[1])
	case "rmdir":
		err = m.fs.RemoveDir(args[1])
	case "rm":
		err = m.fs.Remove(args[1])
	case "mv":
		err = m.fs.Rename(args[1], args[2])
	case "create":
		openAs(vfs.CreateTruncate)
	case "open":
		mode := vfs.ReadWrite
		if _, lock := opts["lock"]; lock {
			mode |= vfs.Lock
		}
		openAs(mode)
	case "write":
		s, times, found := strings.Cut(args[3], "*")
		if found {
			s = strings.Repeat(s, num(times))
		}
		err = file().WriteAt([]byte(s), int64(num(args[2])))
	case "truncate":
		err = file().Truncate(int64(num(args[2])))
	case "sync":
		err = file().Sync()
	case "close":
		err = file().Close()
		delete(m.open, args[1])
	case "read":
		var data []byte
		if data, err = vfs.ReadFile(m.fs, args[1]); err == nil {
			fmt.Fprintf(&m.out, "%s\n", brief(data))
		}
	case "syncdir":
		err = m.fs.SyncDir(args[1])
	case "fault":
		_, torn := opts["torn"]
		_, silent := opts["silent"]
		f := Fault{Glob: args[2], Skip: num(opts["skip"]), Count: num(opts["count"]), Err: jet.Err(num(opts["err"])), Torn: torn, Silent: silent}
		for name := range strings.SplitSeq(args[1], "|") {
			if opsByName[name] == 0 {
				m.t.Fatalf("%v: no such operation", args)
			}
			f.Ops |= opsByName[name]
		}
		m.sim.Inject(f)
	case "poweroff":
		m.sim.PowerOffAfter(num(args[1]))
	case "crash":
		how, ok := map[string]Survival{"lose": LoseAll, "keep": KeepAll, "random": Random}[args[1]]
		if !ok {
			m.t.Fatalf("%v: no such crash", args)
		}
		m.fs, m.open = m.sim.Crash(Crash{Unsynced: how}).FS, map[string]vfs.File{}
	case "flip":
		err = m.sim.FlipBit(args[1], int64(num(args[2])), uint(num(args[3])))
	case "vanish":
		err = m.sim.Vanish(args[1])
	case "capacity":
		m.sim.SetCapacity(int64(num(args[1])))
	case "ls":
		for _, p := range m.sim.Files() {
			data, _ := m.sim.ReadFile(p)
			fmt.Fprintf(&m.out, "%s %d %s\n", p, len(data), brief(data))
		}
		if list := m.sim.Unsynced(); list != nil {
			fmt.Fprintf(&m.out, "not durable: %s\n", strings.Join(list, " "))
		}
	default:
		m.t.Fatalf("%v: no such command", args)
	}
	if err != nil {
		fmt.Fprintf(&m.out, "%s: %v\n", strings.Join(args[:min(2, len(args))], " "), err)
	}
}

// brief writes runs of one byte as a count.
func brief(data []byte) string {
	var out strings.Builder
	for i := 0; i < len(data); {
		j := i
		for j < len(data) && data[j] == data[i] {
			j++
		}
		if c := strconv.QuoteRune(rune(data[i])); j-i > 3 {
			fmt.Fprintf(&out, "%s*%d ", c[1:len(c)-1], j-i)
		} else {
			out.WriteString(strings.Repeat(c[1:len(c)-1], j-i))
		}
		i = j
	}
	return strings.TrimSpace(out.String())
}
