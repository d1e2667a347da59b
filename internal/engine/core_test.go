package engine

import (
	"strings"
	"testing"

	"esent/internal/engine/dbfile"
	"esent/internal/eventlog"
	"esent/internal/jet"
	"esent/internal/vfs/simdisk"
)

func (m *machine) header(path string) dbfile.Header {
	m.t.Helper()
	h, err := dbfile.ReadFileHeader(m.sim.Env().FS, path)
	m.want(err, 0)
	return h
}

func TestCreateDetachAttach(t *testing.T) {
	m := newMachine(t)
	i, s := m.start("a", "/db")
	n, err := s.CreateDatabase(0, "/db/x.edb", 0, 0)
	m.want(err, 0)
	if n != 1 {
		t.Errorf("JET_DBID %d", n)
	}
	if h := m.header("/db/x.edb"); h.State != dbfile.StateDirty || h.Version != dbfile.MaxVersion || h.GenMinRequired != 1 || h.LastResize != h.Attach {
		t.Errorf("header after creation: %+v", h)
	}
	_, err = s.CreateDatabase(0, "/db/x.edb", 0, 0)
	m.want(err, jet.ErrDatabaseDuplicate)
	w, err := s.AttachDatabase(0, "/db/X.edb", 0, 0)
	m.want(err, 0)
	if w != jet.WrnDatabaseAttached {
		t.Errorf("attach of an attached database: %v", w)
	}
	m.want(s.DetachDatabase(0, "/db/x.edb", 0), jet.ErrDatabaseInUse)
	m.want(s.CloseDatabase(0, n), 0)
	m.want(s.CloseDatabase(0, n), jet.ErrInvalidDatabaseId)
	m.want(s.DetachDatabase(0, "/db/x.edb", jet.BitForceDetach), jet.ErrForceDetachNotAllowed)
	m.want(s.DetachDatabase(0, "/db/x.edb", 0), 0)
	m.want(s.DetachDatabase(0, "/db/x.edb", 0), jet.ErrDatabaseNotFound)
	h := m.header("/db/x.edb")
	if h.State != dbfile.StateClean || h.Consistent == 0 || h.Consistent != h.Detach || h.GenMaxCommitted != 0 {
		t.Errorf("header after detach: %+v", h)
	}
	_, err = s.AttachDatabase(0, "/db/x.edb", 0, 0)
	m.want(err, 0)
	o, err := s.OpenDatabase(0, "/db/x.edb", 0)
	m.want(err, 0)
	if o != n {
		t.Errorf("JET_DBID %d", o)
	}
	m.want(i.Term(0), 0)
	if h := m.header("/db/x.edb"); h.State != dbfile.StateClean || h.DBTime == 0 {
		t.Errorf("header after the end: %+v", h)
	}
	m.start("a", "/db")
}

func TestAttachFailures(t *testing.T) {
	m := newMachine(t)
	_, s := m.start("a", "/db")
	for _, c := range []struct {
		path string
		code jet.Err
	}{{"", jet.ErrDatabaseInvalidPath}, {"/db/none.edb", jet.ErrFileNotFound}, {"/db", jet.ErrFileAccessDenied}, {"/db/edb.log", jet.ErrFileAccessDenied}} {
		_, err := s.AttachDatabase(0, c.path, 0, 0)
		m.want(err, c.code)
	}
	m.want(s.BeginTransaction(0, 0), 0)
	_, err := s.AttachDatabase(0, "/db/none.edb", 0, 0)
	m.want(err, jet.ErrInTransaction)
	m.want(s.Rollback(0, 0), 0)
	_, err = s.OpenDatabase(0, "/db/none.edb", 0)
	m.want(err, jet.ErrDatabaseNotFound)
}

func TestExclusive(t *testing.T) {
	m := newMachine(t)
	i, s := m.start("a", "/db")
	n, err := s.CreateDatabase(0, "/db/x.edb", 0, 0)
	m.want(err, 0)
	m.want(s.CloseDatabase(0, n), 0)
	s2, err := i.BeginSession()
	m.want(err, 0)
	open := func(s *Session, grbit jet.Grbit, code jet.Err) {
		t.Helper()
		_, err := s.OpenDatabase(0, "/db/x.edb", grbit)
		m.want(err, code)
	}
	open(s, jet.BitDbExclusive, 0)
	open(s2, 0, jet.ErrDatabaseLocked)
	open(s, 0, 0)
	m.want(s.CloseDatabase(0, n), 0)
	open(s2, 0, 0)
	open(s, jet.BitDbExclusive, jet.ErrDatabaseInUse)
	m.want(s2.CloseDatabase(0, n), 0)
	m.want(s2.End(0), 0)
	m.want(i.Term(0), 0)
}

func TestTooManyDatabases(t *testing.T) {
	m := newMachine(t)
	i, s := m.start("a", "/db")
	for k := range 7 {
		want := jet.Err(0)
		if k == 6 {
			want = jet.ErrTooManyAttachedDatabases
		}
		_, err := s.CreateDatabase(0, "/db/"+string(rune('a'+k))+".edb", 0, 0)
		m.want(err, want)
	}
	m.want(s.DetachDatabase(0, "", 0), jet.ErrDatabaseInUse)
	m.want(i.Term(0), 0)
}

func TestOneDatabasePerSession(t *testing.T) {
	m := newMachine(t)
	i := m.instance("a", "/db")
	m.set(i, jet.ParamOneDatabasePerSession, 1)
	_, err := i.Init(InitOptions{})
	m.want(err, 0)
	s, err := i.BeginSession()
	m.want(err, 0)
	a, err := s.CreateDatabase(0, "/db/a.edb", 0, 0)
	m.want(err, 0)
	_, err = s.CreateDatabase(0, "/db/b.edb", 0, 0)
	m.want(err, jet.ErrOneDatabasePerSession)
	m.want(s.CloseDatabase(0, a), jet.ErrInstanceUnavailable)
	_, err = i.BeginSession()
	m.want(err, jet.ErrInstanceUnavailable)
	m.want(i.Term(0), 0)
}

func TestTermBits(t *testing.T) {
	m := newMachine(t)
	i, s := m.start("a", "/db")
	m.want(s.BeginTransaction(0, 0), 0)
	for _, grbit := range []jet.Grbit{jet.BitTermComplete, jet.BitTermAbrupt, jet.BitTermStopBackup, 0} {
		m.want(i.Term(grbit), jet.ErrTooManyActiveUsers)
		_, err := m.proc.CreateInstance("a", "")
		m.want(err, jet.ErrInstanceNameInUse)
	}
	m.want(i.Term(jet.BitTermDirty), jet.ErrDirtyShutdown)
	m.want(s.End(0), jet.ErrInvalidSesid)
}

func TestPathsInUse(t *testing.T) {
	m := newMachine(t)
	m.start("a", "/db")
	_, err := m.instance("b", "/db").Init(InitOptions{})
	m.want(err, jet.ErrTempPathInUse)
	k := m.instance("k", "/k")
	m.want(m.proc.SetParam(ParamTarget{Instance: k}, jet.ParamLogFilePath, 0, "/db"), 0)
	_, err = k.Init(InitOptions{})
	m.want(err, jet.ErrLogFilePathInUse)
	n := m.instance("n", "/nowhere")
	m.set(n, jet.ParamCreatePathIfNotExist, 0)
	_, err = n.Init(InitOptions{})
	m.want(err, jet.ErrInvalidPath)
	if got := len(m.proc.Instances()); got != 1 {
		t.Errorf("%d instances are left", got)
	}
}

func TestTransactionFlags(t *testing.T) {
	m := newMachine(t)
	_, s := m.start("a", "/db")
	commit := func(grbit jet.Grbit, code jet.Err) {
		t.Helper()
		m.want(s.CommitTransaction(0, grbit, 0, nil), code)
	}
	begin := func(code jet.Err) {
		t.Helper()
		m.want(s.BeginTransaction(0, 0), code)
	}
	commit(0, jet.ErrNotInTransaction)
	m.want(s.Rollback(0, jet.BitRollbackAll), jet.ErrNotInTransaction)
	for range 7 {
		begin(0)
	}
	begin(jet.ErrTransTooDeep)
	m.want(s.Rollback(0, 4), jet.ErrInvalidGrbit)
	m.want(s.Rollback(0, jet.BitRollbackAll), 0)
	begin(0)
	commit(jet.BitWaitLastLevel0Commit, 0)
	commit(jet.BitWaitAllLevel0Commit, 0)
	commit(jet.BitForceNewLog, 0)
	commit(jet.BitForceNewLog|jet.BitCommitLazyFlush, jet.ErrInvalidGrbit)
	commit(0x40, jet.ErrInvalidGrbit)
	m.want(s.CommitTransaction(0, 0, 100, nil), jet.ErrInvalidParameter)
	var id CommitID
	m.want(s.CommitTransaction(0, jet.BitCommitLazyFlush, 100, &id), 0)
	if id.Position != 0 || id.Signature.IsZero() {
		t.Errorf("commit id %+v", id)
	}
	if got, want := m.files("/db"), "edb.chk edb.log edb00001.log"; got[:len(want)] != want {
		t.Errorf("files %s", got)
	}
}

func TestStopService(t *testing.T) {
	m := newMachine(t)
	i, s := m.start("a", "/db")
	n, err := s.CreateDatabase(0, "/db/x.edb", 0, 0)
	m.want(err, 0)
	m.want(i.StopService(0x1000), jet.ErrInvalidGrbit)
	m.want(i.StopService(jet.BitStopServiceQuiesceCaches), 0)
	m.want(i.StopService(jet.BitStopServiceResume), 0)
	m.want(s.BeginTransaction(0, 0), 0)
	m.want(i.StopService(jet.BitStopServiceAll), 0)
	m.want(i.StopService(jet.BitStopServiceResume), jet.ErrClientRequestToStopJetService)
	m.want(s.CommitTransaction(0, 0, 0, nil), jet.ErrClientRequestToStopJetService)
	m.want(s.Rollback(0, 0), 0)
	m.want(s.BeginTransaction(0, 0), jet.ErrClientRequestToStopJetService)
	_, err = i.BeginSession()
	m.want(err, jet.ErrClientRequestToStopJetService)
	m.want(s.CloseDatabase(0, n), 0)
	m.want(s.DetachDatabase(0, "/db/x.edb", 0), 0)
	m.want(s.End(0), 0)
	m.want(i.Term(0), 0)
}

func TestDatabaseSizes(t *testing.T) {
	m := newMachine(t)
	_, s := m.start("a", "/db")
	n, err := s.CreateDatabase(0, "/db/x.edb", 512, 0)
	m.want(err, 0)
	limit, err := s.MaxDatabaseSize(0, n)
	m.want(err, 0)
	if limit != 512 {
		t.Errorf("limit %d", limit)
	}
	m.want(s.SetMaxDatabaseSize(0, n, 10), 0)
	_, err = s.GrowDatabase(0, n, 600)
	m.want(err, jet.ErrOutOfDatabaseSpace)
	_, _, err = s.ResizeDatabase(0, n, 400, jet.BitResizeDatabaseOnlyGrow)
	m.want(err, jet.ErrOutOfDatabaseSpace)
	_, _, err = s.ResizeDatabase(0, n, 400, 0x100)
	m.want(err, jet.ErrInvalidGrbit)
	_, err = s.SetDatabaseSize(0, "/db/none.edb", 400)
	m.want(err, jet.ErrFileNotFound)
	var b [4]byte
	m.want(s.DatabaseInfo(n, dbInfoFilesize, b[:]), 0)
	if b != [4]byte{0, 1} {
		t.Errorf("file size %v", b)
	}
	m.want(s.SetMaxDatabaseSize(0, n, 0), 0)
	pages, err := s.GrowDatabase(0, n, 600)
	m.want(err, 0)
	if pages != 768 {
		t.Errorf("grown to %d pages", pages)
	}
	pages, _, err = s.ResizeDatabase(0, n, 1000, 0)
	m.want(err, 0)
	if pages != 1024 {
		t.Errorf("resized to %d pages", pages)
	}
	m.want(s.CloseDatabase(0, n), 0)
	m.want(s.DetachDatabase(0, "/db/x.edb", 0), 0)
	pages, err = s.SetDatabaseSize(0, "/db/x.edb", 900)
	m.want(err, 0)
	if pages != 1022 {
		t.Errorf("size %d", pages)
	}
	_, err = s.AttachDatabase(0, "/db/x.edb", 0, 0)
	m.want(err, 0)
	_, err = s.SetDatabaseSize(0, "/db/x.edb", 900)
	m.want(err, jet.ErrFileAccessDenied)
	n, err = s.OpenDatabase(0, "/db/x.edb", 0)
	m.want(err, 0)
	m.want(s.DatabaseInfo(n, dbInfoSpaceOwned, b[:]), 0)
	m.want(s.DatabaseInfo(n, dbInfoCollate, b[:2]), jet.ErrInvalidBufferSize)
	m.want(s.DatabaseInfo(n, dbInfoFileType, b[:]), jet.ErrInvalidParameter)
	m.want(s.DatabaseInfo(n, dbInfoIsam, b[:]), jet.ErrFeatureNotAvailable)
	m.want(s.DatabaseInfo(n, dbInfoMisc, make([]byte, 20)), jet.ErrInvalidBufferSize)
	for _, size := range miscSizes {
		m.want(s.DatabaseInfo(n, dbInfoMisc, make([]byte, size)), 0)
		m.want(m.proc.DatabaseFileInfo("/db/x.edb", dbInfoMisc, make([]byte, size)), 0)
	}
	for file, want := range map[string]byte{"x.edb": 1, "edb.log": 3, "edb.chk": 4} {
		m.want(m.proc.DatabaseFileInfo("/db/"+file, dbInfoFileType, b[:]), 0)
		if b[0] != want {
			t.Errorf("%s is of type %d", file, b[0])
		}
	}
	m.want(m.proc.DatabaseFileInfo("/db/none.edb", dbInfoMisc, make([]byte, 216)), jet.ErrFileNotFound)
	m.want(m.proc.DatabaseFileInfo("", dbInfoMisc, make([]byte, 216)), jet.ErrFileAccessDenied)
	m.want(m.proc.DatabaseFileInfo("/db/x.edb", dbInfoDBInUse, b[:1]), jet.ErrInvalidBufferSize)
}

func TestParameters(t *testing.T) {
	m := newMachine(t)
	p := m.proc
	number := func(i *Instance, id jet.ParamID) int64 {
		t.Helper()
		n, _, _, err := p.GetParam(ParamTarget{Instance: i}, id)
		m.want(err, 0)
		return n
	}
	for _, n := range []int64{1024, 2048, 3000, 65536} {
		m.want(p.SetParam(ParamTarget{}, jet.ParamDatabasePageSize, n, ""), jet.ErrInvalidParameter)
	}
	m.set(nil, jet.ParamDatabasePageSize, 8192)
	i, err := p.CreateInstance("inst", "")
	m.want(err, 0)
	m.want(p.SetParam(ParamTarget{}, jet.ParamDatabasePageSize, 4096, ""), jet.ErrAlreadyInitialized)
	m.want(p.SetParam(ParamTarget{Instance: i}, jet.ParamDatabasePageSize, 8192, ""), 0)
	if k, c := number(i, jet.ParamKeyMost), number(i, jet.ParamLVChunkSizeMost); k != 2000 || c != 8110 {
		t.Errorf("key limit %d, chunks of %d", k, c)
	}
	if v := number(i, jet.ParamEngineFormatVersion); v != 9600 {
		t.Errorf("format version %d", v)
	}
	for _, c := range []struct {
		id   jet.ParamID
		n    int64
		code jet.Err
	}{{9999, 1, jet.ErrInvalidParameter}, {jet.ParamCacheRequests, 1, jet.ErrInvalidParameter}, {jet.ParamMaxColtyp, 5, jet.ErrInvalidParameter},
		{jet.ParamKeyMost, 5, jet.ErrInvalidParameter}, {jet.ParamLogFileSize, 32, jet.ErrInvalidParameter}, {jet.ParamCommitDefault, 1, 0},
		{jet.ParamCommitDefault, 0xffff, jet.ErrInvalidParameter}, {jet.ParamEngineFormatVersion, 7000, jet.ErrEngineFormatVersionNoLongerSupportedTooLow},
		{jet.ParamEngineFormatVersion, 9700, jet.ErrEngineFormatVersionNotYetImplementedTooHigh}} {
		m.want(p.SetParam(ParamTarget{Instance: i}, c.id, c.n, ""), c.code)
	}
	u, err := p.UnicodeIndexDefault(ParamTarget{Instance: i})
	m.want(err, 0)
	if u != defaultUnicodeIndex {
		t.Errorf("default of Unicode indexes %+v", u)
	}
	m.want(p.SetUnicodeIndexDefault(ParamTarget{Instance: i}, &UnicodeIndex{LCID: 0x409, MapFlags: 0x80000000}), jet.ErrInvalidParameter)
	m.want(p.SetUnicodeIndexDefault(ParamTarget{Instance: i}, &UnicodeIndex{LCID: 0x407, MapFlags: 1}), 0)
	if got := ErrorToString(jet.ErrInvalidParameter); got[:25] != "JET_errInvalidParameter, " {
		t.Error(got)
	}
}

func TestModes(t *testing.T) {
	m := newMachine(t)
	p := m.proc
	items := []SetParamItem{{ID: jet.ParamDatabasePageSize, Number: 8192}, {ID: jet.ParamMaxInstances, Number: 4}, {ID: jet.ParamCacheSizeMax, Number: 512}}
	n, err := p.EnableMulti(items)
	m.want(err, 0)
	if n != 3 {
		t.Errorf("%d parameters set", n)
	}
	_, err = p.EnableMulti(items)
	m.want(err, jet.ErrSystemParamsAlreadySet)
	_, err = p.EnableMulti([]SetParamItem{{ID: jet.ParamDatabasePageSize, Number: 4096}})
	m.want(err, jet.ErrSystemParameterConflict)
	i, err := p.CreateInstance("a", "")
	m.want(err, 0)
	_, err = p.ForInit(nil, true)
	m.want(err, jet.ErrRunningInMultiInstanceMode)
	_, err = p.Resolve(nil)
	m.want(err, jet.ErrInvalidParameter)
	m.want(i.Term(0), 0)
	single, err := p.ForInit(nil, false)
	m.want(err, 0)
	if got, err := p.Resolve(nil); got != single || err != nil {
		t.Errorf("single instance: %v", err)
	}
	_, err = p.CreateInstance("a", "")
	m.want(err, jet.ErrRunningInOneInstanceMode)
	_, err = p.EnableMulti(items)
	m.want(err, jet.ErrRunningInOneInstanceMode)
	m.want(single.Term(0), 0)
}

func TestSessionParameters(t *testing.T) {
	m := newMachine(t)
	_, s := m.start("a", "/db")
	var b [256]byte
	get := func(id jet.ParamID, size, actual int, code jet.Err) {
		t.Helper()
		n, err := s.SessionParam(id, b[:size])
		m.want(err, code)
		if n != actual {
			t.Errorf("parameter %d is %d bytes long", id, n)
		}
	}
	get(sesCommitDefault, 256, 4, jet.ErrInvalidBufferSize)
	get(sesCommitDefault, 4, 4, 0)
	m.want(s.SetSessionParam(sesCommitDefault, []byte{1, 0}), jet.ErrInvalidBufferSize)
	m.want(s.SetSessionParam(sesTransactionLevel, []byte{1, 0, 0, 0}), jet.ErrFeatureNotAvailable)
	get(sesOperationContext, 256, 8, 0)
	m.want(s.SetSessionParam(sesOperationContext, []byte{1, 0, 0, 0}), jet.ErrInvalidBufferSize)
	get(sesCorrelationID, 256, 4, 0)
	get(4999, 256, 0, jet.ErrInvalidSesparamId)
	_, _, _, err := m.proc.GetParam(ParamTarget{}, jet.ParamTransactionLevel)
	m.want(err, jet.ErrInvalidParameter)
	m.want(s.BeginTransaction(0, 0), 0)
	n, _, _, err := m.proc.GetParam(ParamTarget{Session: s}, jet.ParamTransactionLevel)
	if n != 1 || err != nil {
		t.Errorf("transaction level %d, %v", n, err)
	}
	var info [16]byte
	m.want(s.inst.MiscInfo(miscInfoCheckpoint, info[:15]), jet.ErrBufferTooSmall)
	m.want(s.inst.MiscInfo(miscInfoCheckpoint, info[:]), 0)
	if info[0] != 1 || info[4] != 1 || info[8+5] < 100 {
		t.Errorf("checkpoint % x", info)
	}
	m.want(s.SetSessionParam(5, nil), jet.ErrInvalidSesparamId)
}

func TestThreads(t *testing.T) {
	m := newMachine(t)
	_, s := m.start("a", "/db")
	begin := func(thread Thread, code jet.Err) { t.Helper(); m.want(s.BeginTransaction(thread, 0), code) }
	commit := func(thread Thread, code jet.Err) { t.Helper(); m.want(s.CommitTransaction(thread, 0, 0, nil), code) }
	set := func(thread Thread, c uint64, code jet.Err) { t.Helper(); m.want(s.SetContext(thread, c), code) }
	reset := func(thread Thread, code jet.Err) { t.Helper(); m.want(s.ResetContext(thread), code) }
	begin(1, 0)
	begin(2, jet.ErrSessionSharingViolation)
	commit(2, jet.ErrSessionSharingViolation)
	commit(1, 0)
	set(1, 17, 0)
	set(1, 18, jet.ErrSessionContextAlreadySet)
	begin(1, 0)
	begin(2, jet.ErrSessionSharingViolation)
	set(2, 17, jet.ErrSessionContextAlreadySet)
	reset(1, 0)
	begin(1, jet.ErrSessionSharingViolation)
	set(2, 18, 0)
	reset(2, 0)
	set(2, 17, 0)
	commit(2, 0)
	reset(2, 0)
	set(1, noContext, jet.ErrInvalidParameter)
	set(1, 0, jet.ErrInvalidParameter)
	reset(1, jet.ErrSessionContextNotSetByThisThread)
	begin(1, 0)
	set(1, 5, 0)
	commit(1, 0)
}

func TestTemporaryDatabase(t *testing.T) {
	m := newMachine(t)
	for _, grbit := range []jet.Grbit{0, jet.BitTermDirty} {
		i, s := m.start("a", "/db")
		d, err := s.tempDB()
		m.want(err, 0)
		if again, err := s.tempDB(); again != d || err != nil {
			t.Errorf("another temporary database: %v", err)
		}
		if got := m.files("/db"); !strings.HasSuffix(got, " tmp.edb") {
			t.Errorf("files %s", got)
		}
		m.sim.RunAll()
		_ = i.Term(grbit)
		if got := m.files("/db"); strings.Contains(got, "tmp.edb") {
			t.Errorf("files %s", got)
		}
	}
}

func TestPanicInTask(t *testing.T) {
	m := newMachine(t)
	i, _ := m.start("a", "/db")
	i.env.Sched.NewTask("defect", func() { panic("defect") }).Kick()
	m.sim.RunAll()
	_, err := i.BeginSession()
	m.want(err, jet.ErrInstanceUnavailable)
	m.want(i.Term(0), 0)
	if ids := m.log.IDs(); ids[len(ids)-2] != eventlog.EngineDefect {
		t.Errorf("events %v", ids)
	}
}

func TestPageSizes(t *testing.T) {
	for _, size := range []int64{4096, 8192, 16384, 32768} {
		m := newMachine(t)
		m.set(nil, jet.ParamDatabasePageSize, size)
		_, s := m.start("a", "/db")
		n, err := s.CreateDatabase(0, "/db/x.edb", 0, 0)
		m.want(err, 0)
		_, err = s.GrowDatabase(0, n, 700)
		m.want(err, 0)
		m.want(s.CommitTransaction(0, jet.BitWaitAllLevel0Commit, 0, nil), 0)
		m.crash(simdisk.LoseAll)
		m.set(nil, jet.ParamDatabasePageSize, size)
		i, s := m.start("a", "/db")
		_, err = s.AttachDatabase(0, "/db/x.edb", 0, 0)
		m.want(err, 0)
		m.want(i.Term(0), 0)
		if h := m.header("/db/x.edb"); h.PageSize() != int(size) {
			t.Errorf("pages of %d bytes", h.PageSize())
		}
	}
}
