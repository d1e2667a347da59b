package dbfile

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"esent/internal/jet"
	"esent/internal/testdata"
)

// TestVersionTable compares the versions with the specification's table.
func TestVersionTable(t *testing.T) {
	file, err := os.Open(filepath.Join(testdata.Shared(t), "spec", "api", "efv.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	want := Version{Major: 0x620, UpdateMajor: 20}
	rows := map[uint32]bool{}
	s := bufio.NewScanner(file)
	for s.Scan() {
		fields := strings.Split(s.Text(), "\t")
		efv, err := strconv.ParseUint(fields[1], 0, 32)
		if err != nil || efv < uint64(EFVMin) || efv >= 1<<30 {
			continue
		}
		if fields[2] != "" {
			if _, err := fmt.Sscanf(fields[2], "%d,%d,%d", &want.Major, &want.UpdateMajor, &want.UpdateMinor); err != nil {
				t.Fatal(err)
			}
		}
		rows[uint32(efv)] = true
		if got := VersionForEFV(uint32(efv)); got != want {
			t.Errorf("%d: %v, want %v", efv, got, want)
		}
		if f, err := ResolveFormat(uint32(efv)); err != nil || f.EFV != uint32(efv) || f.AllowHigher {
			t.Errorf("%d: %+v, %v", efv, f, err)
		}
		if got := VersionForEFV(want.EFV()); got != want {
			t.Errorf("%v: efv %d gives %v", want, want.EFV(), got)
		}
	}
	if len(rows) != len(efvVersions) {
		t.Errorf("%d rows in the specification, %d known", len(rows), len(efvVersions))
	}
}

func TestResolveFormat(t *testing.T) {
	for _, c := range []struct {
		param uint32
		want  Format
		err   jet.Err
	}{
		{param: 9060, want: Format{EFV: 9060}},
		{param: 0x40000001, want: Format{EFV: 9600}},
		{param: 0x40000002, want: Format{EFV: 9600, UsePersisted: true, AllowHigher: true}},
		{param: 0x41000000 | 8920, want: Format{EFV: 8920, AllowHigher: true}},
		{param: 500, err: jet.ErrEngineFormatVersionNoLongerSupportedTooLow},
		{param: 9061, err: jet.ErrEngineFormatVersionNoLongerSupportedTooLow},
		{param: 9620, err: jet.ErrEngineFormatVersionNotYetImplementedTooHigh},
		{param: 0x41000000 | 9999, err: jet.ErrEngineFormatVersionNotYetImplementedTooHigh},
	} {
		f, err := ResolveFormat(c.param)
		if f != c.want || jet.CodeOf(err) != c.err {
			t.Errorf("%#x: %+v, %v", c.param, f, err)
		}
	}
}

func sample(change func(h *Header)) Header {
	h := NewHeader(4096, 7, time.Now())
	h.State, h.ObjIDLast = StateClean, 5
	change(&h)
	return h
}

func TestAttachChecks(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(h *Header)
		want   jet.Err
	}{
		{"sound", func(*Header) {}, 0},
		{"magic", func(h *Header) { h.Magic = 1 }, jet.ErrInvalidDatabaseVersion},
		{"old", func(h *Header) { h.Version.Major = 0x500 }, jet.ErrInvalidDatabaseVersion},
		{"page size", func(h *Header) { h.StoredPageSize = 8192 }, jet.ErrPageSizeMismatch},
		{"page size 0 is 4096", func(h *Header) { h.StoredPageSize = 0 }, 0},
		{"file type 0", func(h *Header) { h.FileType = 0 }, 0},
		{"file type 3", func(h *Header) { h.FileType = 3 }, jet.ErrDatabaseCorrupted},
		{"attribute", func(h *Header) { h.Attrib = 1 }, jet.ErrDatabaseCorrupted},
		{"just created", func(h *Header) { h.State = 1 }, jet.ErrDatabaseDirtyShutdown},
		{"dirty", func(h *Header) { h.State = 2 }, jet.ErrDatabaseDirtyShutdown},
		{"upgrade", func(h *Header) { h.State = 4 }, jet.ErrDatabaseIncompleteUpgrade},
		{"reseed", func(h *Header) { h.State = 6 }, jet.ErrDatabaseIncompleteIncrementalReseed},
		{"revert", func(h *Header) { h.State = 8 }, jet.ErrDatabaseIncompleteRevert},
		{"backup", func(h *Header) { h.State = 2; h.FullCur.GenLow = 1 }, jet.ErrSoftRecoveryOnBackupDatabase},
		{"newer major", func(h *Header) { h.Version.Major = 0x630 }, jet.ErrInvalidDatabaseVersion},
		{"newer update-major", func(h *Header) { h.Version.UpdateMajor = 291 }, jet.ErrInvalidDatabaseVersion},
		{"newer update-minor", func(h *Header) { h.Version = Version{0x620, 290, 9999} }, 0},
	} {
		h := sample(c.change)
		var err error
		for _, check := range []func() error{func() error { return h.CheckFormat(4096) }, h.CheckClean, h.CheckType, h.CheckVersion} {
			if err = check(); err != nil {
				break
			}
		}
		if jet.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	h := sample(func(h *Header) { h.StoredPageSize = 32768; h.Version.UpdateMajor = 0x10 })
	if err := h.CheckFormat(32768); jet.CodeOf(err) != jet.ErrInvalidDatabaseVersion {
		t.Errorf("old format with large pages: %v", err)
	}
}

func TestCheckRequested(t *testing.T) {
	for _, c := range []struct {
		version Version
		format  Format
		to      Version
		upgrade bool
		err     jet.Err
	}{
		{Version{0x620, 20, 0}, Format{EFV: 8920}, Version{0x620, 20, 0}, false, 0},
		{Version{0x620, 20, 0}, Format{EFV: 8940}, Version{0x620, 20, 20}, true, 0},
		{Version{0x620, 20, 0}, Format{EFV: 9600}, MaxVersion, true, 0},
		{Version{0x620, 20, 0}, Format{EFV: 9600, UsePersisted: true}, Version{0x620, 20, 0}, false, 0},
		{MaxVersion, Format{EFV: 8920, AllowHigher: true}, MaxVersion, false, 0},
		{MaxVersion, Format{EFV: 8920}, Version{0x620, 20, 0}, false, jet.ErrEngineFormatVersionSpecifiedTooLowForDatabaseVersion},
	} {
		h := sample(func(h *Header) { h.Version = c.version })
		to, upgrade, err := h.CheckRequested(c.format)
		if to != c.to || upgrade != c.upgrade || jet.CodeOf(err) != c.err {
			t.Errorf("%v at %+v: %v, %v, %v", c.version, c.format, to, upgrade, err)
		}
	}
}

func TestSetState(t *testing.T) {
	now := jet.MakeLogTime(time.Now())
	h := NewHeader(4096, 7, time.Now())
	if err := h.SetState(StateJustCreated, LogRange{Min: 3, Max: 3}); err != nil || h.GenMinRequired != 3 || h.GenMaxCommitted != 3 {
		t.Fatalf("%v %+v", err, h)
	}
	h.ObjIDLast = 5
	if err := h.SetState(StateClean, LogRange{}); jet.CodeOf(err) != jet.ErrInternalError || h.State != StateJustCreated {
		t.Errorf("from 1 to 3: %v", err)
	}
	h.Version = MaxVersion
	if err := h.SetState(StateDirty, LogRange{Min: 3, Max: 7, CreatedAt: now}); err != nil {
		t.Fatal(err)
	}
	if h.GenMinRequired != 3 || h.GenMinConsistent != 3 || h.GenMaxRequired != 7 || h.GenMaxCommitted != 7 ||
		h.GenMaxCreatedAt != now || h.GenMaxRequiredAt != now || h.DBFlags != DBFlagESENT || h.Check() != nil {
		t.Errorf("%+v, %v", h, h.Check())
	}
	h.GenPreRedoMinRequired = 2
	if err := h.SetState(StateClean, LogRange{Min: 1, Max: 9}); err != nil {
		t.Fatal(err)
	}
	if h.GenMinRequired|h.GenMinConsistent|h.GenMaxRequired|h.GenMaxCommitted|h.GenPreRedoMinRequired != 0 ||
		h.GenMaxCreatedAt != (jet.LogTime{}) || h.GenMaxRequiredAt != (jet.LogTime{}) || h.Check() != nil {
		t.Errorf("%+v, %v", h, h.Check())
	}
	h.Version = Version{0x620, 20, 0}
	if err := h.SetState(StateDirty, LogRange{Min: 8, Max: 8, CreatedAt: now}); err != nil || h.GenMaxRequiredAt != (jet.LogTime{}) {
		t.Errorf("%v %+v", err, h)
	}
	if err := h.SetState(StateReseeding, LogRange{}); err != nil || h.GenMaxRequired != 8 {
		t.Errorf("%v %+v", err, h)
	}
	if StateDirty.String() != "Dirty Shutdown" || State(99).String() != "Illegal" {
		t.Error("names")
	}
}

func TestHeaderInvariants(t *testing.T) {
	for name, change := range map[string]func(h *Header){
		"range":     func(h *Header) { h.GenMinRequired, h.GenMaxRequired, h.GenMaxCommitted = 5, 4, 6 },
		"committed": func(h *Header) { h.GenMinRequired, h.GenMaxRequired, h.GenMaxCommitted = 4, 5, 4 },
		"consistent": func(h *Header) {
			h.GenMinRequired, h.GenMaxRequired, h.GenMaxCommitted, h.GenMinConsistent = 4, 5, 5, 3
		},
		"recovering":   func(h *Header) { h.GenRecovering = 9 },
		"resize":       func(h *Header) { h.LastResize, h.Attach = 5, 6 },
		"objid":        func(h *Header) { h.ObjIDLast = 0 },
		"dbtime":       func(h *Header) { h.DBTime = 0 },
		"file type":    func(h *Header) { h.FileType = FileFlushMap },
		"version":      func(h *Header) { h.Version.Major = 0 },
		"before redo":  func(h *Header) { h.State = StateClean; h.GenPreRedoMinRequired = 1 },
		"clean resize": func(h *Header) { h.State = StateClean; h.LastResize = 7 },
	} {
		h := sample(func(h *Header) { h.State = StateDirty })
		if err := h.Check(); err != nil {
			t.Fatal(err)
		}
		change(&h)
		if err := h.Check(); jet.CodeOf(err) != jet.ErrInternalError {
			t.Errorf("%s: %v", name, err)
		}
	}
}
