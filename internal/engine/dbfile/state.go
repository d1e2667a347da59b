package dbfile

import (
	"time"

	"esent/internal/jet"
)

// State is the consistency of a database file (spec chapter 02, 5).
type State uint32

const (
	StateJustCreated      State = 1 // creation did not finish
	StateDirty            State = 2 // attached, or not closed cleanly: needs its logs
	StateClean            State = 3 // consistent without logs
	StateBeingConverted   State = 4 // obsolete
	StateForceDetach      State = 5 // obsolete
	StateReseeding        State = 6 // pages are being replaced
	StateDirtyAndPatched  State = 7 // dirty, pages were replaced
	StateRevertInProgress State = 8
)

var stateNames = [...]string{"Illegal", "Just Created", "Dirty Shutdown", "Clean Shutdown", "Being Converted",
	"Force Detach Replay Error", "Incremental Reseed In Progress", "Dirty and Patched Shutdown",
	"Database Revert in Progress"}

// String is the state's name as the header dump prints it.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return stateNames[0]
}

// successors are the states that may follow each state.
var successors = map[State][]State{
	0:                     {StateJustCreated},
	StateJustCreated:      {StateDirty},
	StateDirty:            {StateClean, StateReseeding, StateRevertInProgress},
	StateClean:            {StateDirty, StateRevertInProgress},
	StateBeingConverted:   {StateClean},
	StateReseeding:        {StateDirtyAndPatched},
	StateDirtyAndPatched:  {StateDirty, StateReseeding, StateRevertInProgress},
	StateRevertInProgress: {StateDirtyAndPatched, StateClean, StateDirty, StateJustCreated},
}

// LogRange is the log generations that a database depends on, for SetState: those from Min to Max, and the
// creation time of generation Max, zero for unknown. The zero LogRange is that of a database without logging.
type LogRange struct {
	Min, Max  int32
	CreatedAt jet.LogTime
}

// SetState changes the state and what hangs on it: a clean database depends on no logs, a dirty one on those
// of r. A transition that is none of spec chapter 02, 5 gives ErrInternalError and changes nothing.
func (h *Header) SetState(to State, r LogRange) error {
	allowed := false
	for _, s := range successors[h.State] {
		allowed = allowed || s == to
	}
	if !allowed {
		return jet.ErrInternalError.Errorf("database state cannot go from %d to %d", h.State, to)
	}
	h.State = to
	h.DBFlags |= DBFlagESENT
	switch to {
	case StateClean:
		h.setLogRange(LogRange{})
		h.GenPreRedoMinConsistent, h.GenPreRedoMinRequired = 0, 0
	case StateJustCreated, StateDirty:
		h.setLogRange(r)
	}
	return nil
}

func (h *Header) setLogRange(r LogRange) {
	h.GenMinRequired, h.GenMinConsistent = r.Min, r.Min
	h.GenMaxRequired, h.GenMaxCommitted = r.Max, r.Max
	h.GenMaxCreatedAt = r.CreatedAt
	h.GenMaxRequiredAt = jet.LogTime{}
	if h.Has(efvGenMaxRequiredTime) {
		h.GenMaxRequiredAt = r.CreatedAt
	}
}

// Feature marks among the engine format versions that the header's own fields depend on.
const (
	efvPersistedFlushMap  = 8220
	efvSetDBVersion       = 8940
	efvLastResize         = 9180
	efvGenMaxRequiredTime = 9260
	efvPreRedo            = 9300
)

// NewHeader is the header of a database that is about to be created: state JustCreated still to be set, format
// 1568.20.0, a fresh signature (spec chapter 02, 13.1, step 2).
func NewHeader(pageSize int, random uint32, now time.Time) Header {
	return Header{
		Magic:          Magic,
		Version:        Version{Major: formatMajor, UpdateMajor: createUpdate},
		DBTime:         jet.DBTimeStart,
		SignDB:         jet.MakeSignature(random, now),
		StoredPageSize: uint32(pageSize),
		CreateVersion:  formatMajor,
		CreateUpdate:   createUpdate,
		FileType:       FileDatabase,
	}
}

// Check tests what must hold at every header write (spec chapter 02, 3, "Invariants"). A violation is a
// defect of the engine and gives ErrInternalError.
func (h *Header) Check() error {
	fail := func(what string) error { return jet.ErrInternalError.Errorf("database header: %s", what) }
	switch {
	case h.GenMinRequired > h.GenMaxRequired, h.GenMaxRequired > h.GenMaxCommitted:
		return fail("required log range is not in order")
	case h.GenMinConsistent != 0 && (h.GenMinRequired > h.GenMinConsistent || h.GenMinConsistent > h.GenMaxRequired):
		return fail("first generation for consistency is outside the required range")
	case h.GenRecovering != 0 && h.State != StateClean && h.GenRecovering > h.GenMaxCommitted:
		return fail("generation in recovery is above the committed one")
	case !h.dirty() && (h.GenPreRedoMinConsistent != 0 || h.GenPreRedoMinRequired != 0):
		return fail("range before redo in a database that is not dirty")
	case h.LastResize != 0 && h.LastResize < h.Attach:
		return fail("last resize before the attach")
	case h.State == StateClean && h.LastResize != 0 && h.LastResize != h.Consistent:
		return fail("last resize is not where the database became consistent")
	case h.State > StateJustCreated && (h.ObjIDLast == 0 || h.DBTime == 0):
		return fail("counters are zero")
	case h.FileType != FileDatabase && h.FileType != FileTempDatabase:
		return fail("file type")
	case h.Version.Major == 0 || h.Magic != Magic:
		return fail("format")
	}
	return nil
}

func (h *Header) dirty() bool { return h.State == StateDirty || h.State == StateDirtyAndPatched }
