package eventlog

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"esent/internal/jet"
	"esent/internal/vfs"
	"esent/internal/vfs/simdisk"
)

// Every text must use every parameter that the table names, and no other.
func TestTable(t *testing.T) {
	hole := regexp.MustCompile(`\{([^}]*)\}`)
	last := 0
	for _, m := range table {
		if m.ID <= last {
			t.Errorf("event %d does not stand in order", m.ID)
		}
		last = m.ID
		if m.Name == "" || m.Text == "" || !strings.HasSuffix(strings.TrimSuffix(m.Text, ")"), ".") && !strings.HasSuffix(m.Text, "}") {
			t.Errorf("event %d: name %q, text %q", m.ID, m.Name, m.Text)
		}
		if categoryNames[m.Category] == "" {
			t.Errorf("event %d: category %d", m.ID, m.Category)
		}
		var used []string
		for _, h := range hole.FindAllStringSubmatch(m.Text, -1) {
			used = append(used, h[1])
			if !slices.Contains(m.Params, h[1]) {
				t.Errorf("event %d: the text has {%s}, the parameters are %v", m.ID, h[1], m.Params)
			}
		}
		for _, p := range m.Params {
			if !slices.Contains(used, p) {
				t.Errorf("event %d: the text lacks {%s}", m.ID, p)
			}
		}
	}
}

// The types of spec chapter 06, 7.
func TestTypesOfBackupEvents(t *testing.T) {
	for typ, ids := range map[Type][]int{
		Information: {204, 205, 210, 211, 213, 216, 220, 221, 222, 223, 224, 225, 240, 243, 252, 257, 706, 707, 2001, 2003, 2005, 2006, 2008, 2009, 2010},
		Warning:     {219, 227, 399, 457, 458, 520},
		Error: {206, 214, 215, 217, 218, 226, 244, 245, 256, 430, 431, 432, 433, 434, 435, 446, 450, 454, 459, 460, 463, 474, 493, 619, 645,
			2002, 2004, 2007},
	} {
		for _, id := range ids {
			m, ok := messages[id]
			if !ok || m.Type != typ {
				t.Errorf("event %d: known %v, type %v, want %v", id, ok, m.Type, typ)
			}
			want := CategoryLoggingRecovery
			switch {
			case id >= 2000:
				want = CategorySnapshot
			case id == 706 || id == 707:
				want = CategoryZeroing
			case id == 399 || id == 474:
				want = CategoryBufferManager
			}
			if m.Category != want {
				t.Errorf("event %d: category %d, want %d", id, m.Category, want)
			}
		}
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct {
		e    Event
		want string
	}{
		{Event{ID: BackupFileStopBeforeEnd, Params: []string{"a.edb", "5", "10"}},
			"The backup of file a.edb has ended early: 5 of 10 bytes were read."},
		{Event{ID: BackupFileStopBeforeEnd, Params: []string{"{bytesRead}"}},
			"The backup of file {bytesRead} has ended early: ? of ? bytes were read."},
		{Event{ID: StartFullBackup, Params: []string{"more"}}, "A full backup begins. (more)"},
		{Event{ID: 99999, Params: []string{"a", "b"}}, "event 99999 (a, b)"},
	} {
		if got := Text(c.e); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestLogger(t *testing.T) {
	now := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	var r Recorder
	l := &Logger{Sink: &r, Now: func() time.Time { return now }, Source: "app", Instance: "inst"}
	wrapped := &vfs.Error{Code: jet.ErrDiskFull, Op: "write", Path: "x", Err: errors.New("no space")}
	l.Report(BackupErrorReadFile, wrapped, "edb00001.log")
	l.Report(StopBackupError, jet.ErrDiskIO)
	l.Report(12345, 7)
	want := []Event{
		{218, Error, 3, now, "app", "inst", []string{"-1808", "edb00001.log"}},
		{214, Error, 3, now, "app", "inst", []string{"-1022"}},
		{12345, Error, 1, now, "app", "inst", []string{"7"}},
	}
	if got := r.Events(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if ids := r.IDs(); !slices.Equal(ids, []int{218, 214, 12345}) {
		t.Errorf("numbers %v", ids)
	}
	if got := ErrorText(fmt.Errorf("backup: %w", wrapped)); got != "no space" {
		t.Errorf("system text %q", got)
	}
	if got := ErrorText(jet.ErrDiskIO); got != jet.ErrDiskIO.Error() {
		t.Errorf("system text %q", got)
	}
	var none *Logger
	none.Report(StopBackup)
	new(Logger).Report(StopBackup)
}

func TestFilterAndMulti(t *testing.T) {
	for _, c := range []struct {
		noInformation bool
		level         int
		want          []int
	}{
		{false, 100, []int{213, 219, 214}},
		{true, 100, []int{219, 214}},
		{false, 1, []int{213, 219, 214}},
		{false, 0, nil},
	} {
		var a, b Recorder
		l := &Logger{Sink: Multi(&a, Filter(&b, c.noInformation, c.level))}
		l.Report(StopBackup)
		l.Report(BackupErrorInfoUpdate, jet.ErrDiskIO)
		l.Report(StopBackupError, jet.ErrDiskIO)
		if !slices.Equal(b.IDs(), c.want) || len(a.IDs()) != 3 {
			t.Errorf("%v, level %d: got %v, want %v", c.noInformation, c.level, b.IDs(), c.want)
		}
	}
}

func TestFile(t *testing.T) {
	sim := simdisk.New(1, simdisk.Options{})
	fsys := sim.Env().FS
	f := NewFile(fsys, "/events.log")
	now := time.Date(2024, 5, 6, 7, 8, 9, 123e6, time.UTC)
	l := &Logger{Sink: f, Now: func() time.Time { return now }, Source: "app", Instance: "inst"}
	l.Report(BackupFileStopOK, "two\nlines.edb")
	l.Report(StopBackup)
	l.Instance = ""
	l.Report(4711, "x")
	text, err := vfs.ReadFile(fsys, "/events.log")
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`^2024-05-06T07:08:09\.123Z Information 221 BACKUP_FILE_STOP_OK \[logging and recovery\] app\(\d+\) inst: The backup of file two lines\.edb is complete\.
2024-05-06T07:08:09\.123Z Information 213 STOP_BACKUP_INSTANCE \[logging and recovery\] app\(\d+\) inst: The backup has completed successfully\.
2024-05-06T07:08:09\.123Z Error 4711 UNKNOWN \[general\] app\(\d+\) event 4711 \(x\)
$`)
	if !want.Match(text) {
		t.Errorf("the file holds\n%s", text)
	}
	sim.Inject(simdisk.Fault{Ops: simdisk.OpWrite, Err: jet.ErrDiskFull})
	l.Report(StopBackup)
	if n, err := f.Dropped(); n != 1 || jet.CodeOf(err) != jet.ErrDiskFull {
		t.Errorf("dropped %d, %v", n, err)
	}
}

func TestFromEnvironment(t *testing.T) {
	fsys := vfs.System().FS
	choose := func(value string) Sink {
		t.Helper()
		t.Setenv(EnvironmentVariable, value)
		s, err := FromEnvironment(fsys)
		if err != nil {
			t.Error(err)
		}
		return s
	}
	if s := choose(" , "); s != nil {
		t.Errorf("a sink without being asked for: %v", s)
	}
	a, b := t.TempDir()+"/events.log", t.TempDir()+"/more.log"
	(&Logger{Sink: choose(a), Now: time.Now}).Report(StopRedo)
	(&Logger{Sink: choose(a + ", " + b), Now: time.Now}).Report(StopBackup)
	for path, want := range map[string][]string{a: {" 302 STOP_REDO ", " 213 "}, b: {" 213 "}} {
		text, err := vfs.ReadFile(fsys, path)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(string(text), w) {
				t.Errorf("%s lacks %s: %s", path, w, text)
			}
		}
	}
	systemSinks["broken"] = func() (Sink, error) { return nil, jet.ErrDiskIO }
	defer delete(systemSinks, "broken")
	t.Setenv(EnvironmentVariable, "broken,"+a)
	if s, err := FromEnvironment(fsys); s == nil || jet.CodeOf(err) != jet.ErrDiskIO || !strings.Contains(err.Error(), "broken") {
		t.Errorf("%v, %v", s, err)
	}
}

func TestInsertionStrings(t *testing.T) {
	e := Event{ID: StopBackupError, Source: "app", Instance: "inst", Params: []string{"-1022"}}
	if got := insertionStrings(e, 17); !slices.Equal(got, []string{"app", "17", "inst: ", "-1022"}) {
		t.Errorf("%q", got)
	}
	e.Instance = ""
	if got := insertionStrings(e, 17); !slices.Equal(got, []string{"app", "17", "", "-1022"}) {
		t.Errorf("%q", got)
	}
}
