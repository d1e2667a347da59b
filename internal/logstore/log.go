package logstore

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// Limits of a log stream (spec chapter 05, 2).
const (
	// FirstGeneration is that of a new stream, MaxGeneration the last in normal running.
	FirstGeneration = 1
	MaxGeneration   = 0x7FFFFA00 - 0x200

	minFileKB          = 64
	maxSegments        = 65535
	defaultTooDeep     = 0x10000
	minBufferSegments  = 64
	mostGenerations    = 4 // that MinBuffer may ask for: each is written and synced by itself
	bufferUnit         = 512
	reservedLogs       = 2
	spareArchives      = 2
	cacheLine          = 64
	paramsCircularFlag = 1
)

// Config is what a log stream is given.
type Config struct {
	Env *vfs.Env
	// LogDir holds the logs, SystemDir the checkpoint file. Both exist.
	LogDir, SystemDir string
	Naming            Naming
	// FileKB is JET_paramLogFileSize. An existing stream keeps its size.
	FileKB int
	// BufferUnits is JET_paramLogBuffers, in 512 bytes; raised to hold the largest record.
	BufferUnits int
	// MinBuffer is how large the buffers are at least, in bytes, whatever BufferUnits says: what is written when
	// they get full costs a sync each time.
	MinBuffer int
	// Circular is JET_paramCircularLog.
	Circular bool
	// PageSize is the databases' page size.
	PageSize int
	// EFV is the engine format version that decides the version of new logs.
	EFV uint32
	// TooDeep is JET_paramCheckpointTooDeep in generations, 0 for the default.
	TooDeep int32
	// Params go into headers; paths, sizes and the circular flag are filled in from the fields above.
	Params DBMSParams
	// SyncCreate leaves the making of the next log to the moment when it is needed (JET_paramLogFileCreateAsynch
	// off).
	SyncCreate bool
	// LowDisk, if set, is told when a reserved log has to be taken as the disk is full. It must not use the log.
	LowDisk func()
}

// Host is the engine as the log sees it. Its methods are called while the log is being written: they must
// not append to it or flush it, nor wait for somebody who does.
type Host interface {
	// Attachments are the databases attached at a position: those whose CreateDB or AttachDB record lies
	// before and whose DetachDB record does not.
	Attachments(at jet.LogPos) []AttachInfo
	// GenerationBegun says that a generation has become the current one. When it returns, the databases'
	// headers must say durably that they may need it (spec chapter 02, 13.5): only then do records of that
	// generation count as durable, and pages that they changed may be written. An error is final.
	GenerationBegun(gen int32, created jet.LogTime) error
	// KeepFrom is the lowest generation that must stay for reasons of its own, such as a running backup;
	// 0 for none.
	KeepFrom() int32
}

// Resume is where an existing stream goes on: its last log as File.Scan found it with ScanCurrent.
type Resume struct {
	Header *Header
	Scan   ScanResult
	// Archived says that the last log is already an archive, a roll-over having been interrupted: the stream
	// goes on with the next generation.
	Archived bool
}

// Log is a log stream being written. Its methods may be called by many goroutines at once.
//
// How it works. Records are packed into segments in a ring of buffers under mu; that is all an append does.
// A flush needs no goroutine of its own: of those who wait for durability one leads, the others sleep. The
// leader closes the segment being filled (the rest becomes a filler record), takes all segments that are not
// written yet, and without mu computes their checksums, writes them, syncs, rolls over to the next file where
// their generation says so, and wakes everybody. Meanwhile appends go on; who appended in that time waits for
// the next leader. So each write serves all commits that came while the one before was under way.
//
// What crashes rely on:
//  1. one write is under way at a time, and it is durable before the next begins;
//  2. a segment is written once, for a flush closes it; what is durable is never written again, and no
//     segment needs a copy behind it (spec chapter 05, 14.2);
//  3. files are zero before, and all segments of one write carry one time (see File.Scan).
type Log struct {
	cfg      Config
	host     Host
	fs       vfs.FS
	segments uint16 // of a file
	version  Version
	signLog  jet.Signature

	durable    atomic.Uint64 // position up to which all is durable
	checkpoint atomic.Uint64
	circular   atomic.Bool
	lowDisk    atomic.Bool

	_  [cacheLine]byte
	mu sync.Mutex
	// gen, isec and fill are the segment being filled and its next free byte. fill is SegmentSize when there
	// is none: isec is then the last segment used of gen, 0 at the start of a file.
	gen  int32
	isec uint16
	fill int
	// gap is the position of the few bytes that a flush left empty at the end of the segment before.
	gap jet.LogPos
	// end is the position behind the last record.
	end jet.LogPos
	// softLimit, hardLimit are the last generations that ordinary and finishing records may go to.
	softLimit, hardLimit int32
	// Segments have numbers that rise over files; segment n lies in slot n modulo len(places). cur is the one
	// being filled, or the last one; those from unwritten on wait for a write, those below reusable are
	// durable.
	cur, unwritten, reusable uint64
	buf                      []byte
	places                   []place
	seg                      []byte // slot of cur
	// prepareAt is the segment at which the next log is begun to be made; 0 when that was done.
	prepareAt uint16
	// err is set for good when writing has failed.
	err     error
	writing bool
	// frozen says that writing is held by Freeze.
	frozen  atomic.Bool
	written sync.Cond

	// These belong to the leader.
	file   vfs.File // nil when the next segment begins a file
	header *Header  // of the file's generation, nil before the first
	sum    uint64   // XOR of the file's segment checksums

	flushTask, filesTask vfs.Task
	retried              time.Time  // when filesTask was last asked for because the disk was full; under mu
	prep                 sync.Mutex // guards the temporary and the reserved logs
	tempReady            bool
}

// place is where a segment belongs.
type place struct {
	gen  int32
	isec uint16
}

// Create begins a new stream: a checkpoint at its start, then the first log. A zero signLog stands for a new
// signature; first is FirstGeneration, except after old logs were removed. The host is not called.
func Create(cfg Config, host Host, signLog jet.Signature, first int32) (*Log, error) {
	if signLog.IsZero() {
		signLog = jet.MakeSignature(uint32(cfg.Env.Rand()), cfg.Env.Now())
	}
	segments := min(max(cfg.FileKB, minFileKB)*1024/SegmentSize, maxSegments)
	l := newLog(cfg, host, uint16(segments), signLog)
	l.version = VersionForEFV(cfg.EFV)
	start := jet.MakeLogPos(first, 1, 0)
	l.SetCheckpoint(start)
	err := WriteCheckpoint(l.fs, cfg.SystemDir, cfg.Naming.Checkpoint(), &Checkpoint{
		Pos: start, DBConsistency: start, SignLog: signLog, Params: l.cfg.Params, HasAttachments: true})
	if err == nil {
		err = l.beginFile(first, nil)
	}
	if err != nil {
		return nil, l.discard(err)
	}
	l.begin(first, 0)
	// A new stream begins with all its files. That they cannot be made is met when they are needed.
	l.prep.Lock()
	if l.keepSpace(l.cfg.Naming.Temp()) == nil {
		_ = l.makeReserves()
	}
	l.prep.Unlock()
	l.prepareLater()
	return l, nil
}

// Open goes on with an existing stream in the segment behind the last one that counts, or in a new generation
// when the file is full, was archived, or is older than cfg.EFV asks for (spec chapter 05, 6 and 11.3).
// checkpoint is the one in the checkpoint file.
func Open(cfg Config, host Host, r Resume, checkpoint jet.LogPos) (*Log, error) {
	l := newLog(cfg, host, r.Header.Segments, r.Header.SignLog)
	l.version = VersionForEFV(cfg.EFV).Max(r.Header.Version)
	l.header, l.sum = r.Header, r.Scan.Checksum
	l.SetCheckpoint(checkpoint)
	last := l.lastSegment()
	if !r.Archived {
		if err := l.openCurrent(); err != nil {
			return nil, l.discard(err)
		}
		if r.Scan.DirtyTail {
			if err := l.clearTail(r.Scan.Last + 1); err != nil {
				return nil, l.discard(err)
			}
		}
		if l.version == r.Header.Version {
			last = r.Scan.Last
		}
	}
	l.begin(r.Header.Gen, last)
	if last == r.Scan.Last {
		l.gap = r.Scan.Gap
	}
	l.prepareLater()
	return l, nil
}

// prepareLater has the next log made when the present one has been written to for a while: who opens a stream to do
// little, or who opens anything at all, need not wait for a disk that is busy with it.
func (l *Log) prepareLater() {
	const few = 16
	if l.prepareAt = l.isec + few; l.prepareAt > l.lastSegment() || l.circular.Load() {
		l.prepareAt = 0
		l.filesTask.Kick()
	}
}

func newLog(cfg Config, host Host, segments uint16, signLog jet.Signature) *Log {
	if cfg.TooDeep == 0 {
		cfg.TooDeep = defaultTooDeep
	}
	least := min(cfg.MinBuffer, mostGenerations*int(segments)*SegmentSize)
	slots := max(max(cfg.BufferUnits*bufferUnit, least)/SegmentSize, minBufferSegments)
	p := &cfg.Params
	if p.LogPath == "" {
		p.SystemPath, p.LogPath = cfg.SystemDir, cfg.LogDir
	}
	p.LogSegments, p.LogBuffers = uint32(segments), uint32(max(cfg.BufferUnits, 0))
	l := &Log{cfg: cfg, host: host, fs: cfg.Env.FS, segments: segments, signLog: signLog,
		buf: make([]byte, slots*SegmentSize), places: make([]place, slots)}
	l.written.L = &l.mu
	l.circular.Store(cfg.Circular)
	l.flushTask = cfg.Env.Sched.NewTask("log flush", func() { _ = l.FlushAll() }) // the error stays in l.err
	l.filesTask = cfg.Env.Sched.NewTask("log files", l.prepareFiles)
	return l
}

// discard ends what newLog began.
func (l *Log) discard(err error) error {
	l.flushTask.Stop()
	l.filesTask.Stop()
	if l.file != nil {
		err = errors.Join(err, l.file.Close())
	}
	return err
}

// begin sets the place behind segment isec of gen, before anything is appended.
func (l *Log) begin(gen int32, isec uint16) {
	l.gen, l.isec, l.fill = gen, isec, SegmentSize
	l.cur, l.unwritten, l.reusable = 0, 1, 1
	l.end = jet.MakeLogPos(gen, isec+1, 0)
	l.durable.Store(uint64(l.end))
}

// lastSegment is the last one of a file that holds records.
func (l *Log) lastSegment() uint16 { return l.segments - 2 }

func (l *Log) path(name string) string { return join(l.cfg.LogDir, name) }

func (l *Log) openCurrent() error {
	f, err := l.fs.Open(l.path(l.cfg.Naming.Current()), vfs.ReadWrite|vfs.Lock)
	switch {
	case errors.Is(err, vfs.ErrLocked):
		return jet.ErrLogFilePathInUse.Errorf("%v", err)
	case err != nil:
		return err
	}
	l.file = f
	return nil
}

// clearTail makes the current file zero from segment first on.
func (l *Log) clearTail(first uint16) error {
	if err := fillZero(l.file, int64(first)*SegmentSize, int64(l.segments)*SegmentSize); err != nil {
		return err
	}
	return l.file.Sync()
}

// SignLog is the stream's signature.
func (l *Log) SignLog() jet.Signature { return l.signLog }

// Segments is the length of the stream's files in segments of 4096 bytes.
func (l *Log) Segments() uint16 { return l.segments }

// Naming is how the stream's files are called.
func (l *Log) Naming() Naming { return l.cfg.Naming }

// Params are the settings as headers and checkpoints hold them.
func (l *Log) Params() DBMSParams {
	p := l.cfg.Params
	p.Flags &^= paramsCircularFlag
	if l.circular.Load() {
		p.Flags |= paramsCircularFlag
	}
	return p
}

// EndPos is the position behind the last record appended.
func (l *Log) EndPos() jet.LogPos {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end
}

// DurablePos is the position up to which everything is durable. It takes no lock.
func (l *Log) DurablePos() jet.LogPos { return jet.LogPos(l.durable.Load()) }

// Checkpoint is the position last given to SetCheckpoint.
func (l *Log) Checkpoint() jet.LogPos { return jet.LogPos(l.checkpoint.Load()) }

// SetCheckpoint tells the position that the checkpoint file now holds durably: logs below its generation may
// go under circular logging, and the limits on the depth move.
func (l *Log) SetCheckpoint(pos jet.LogPos) {
	l.mu.Lock()
	old := jet.LogPos(l.checkpoint.Swap(uint64(pos)))
	l.softLimit = saturate(pos.Gen(), l.cfg.TooDeep-16)
	l.hardLimit = saturate(pos.Gen(), l.cfg.TooDeep-8)
	l.mu.Unlock()
	if l.circular.Load() && old.Gen() != 0 && old.Gen() != pos.Gen() {
		l.filesTask.Kick()
	}
}

func saturate(gen, add int32) int32 {
	return int32(min(int64(gen)+int64(add), MaxGeneration))
}

// SetCircular turns circular logging on or off, from the next generation on.
func (l *Log) SetCircular(on bool) {
	if l.circular.Swap(on) != on && on {
		l.filesTask.Kick()
	}
}

// Circular says whether circular logging is on.
func (l *Log) Circular() bool { return l.circular.Load() }

// LowOnDisk says that a reserved log had to be used and has not been replaced since: only records that finish
// something are accepted.
func (l *Log) LowOnDisk() bool { return l.lowDisk.Load() }

// Err is why the log can no longer be written, nil as long as it can.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Close flushes what is appended, ends the tasks and closes the file. Before a clean end the caller has
// appended Term2. It reports the error that had made the log fail, if any.
func (l *Log) Close() error {
	err := l.FlushAll()
	return l.stop(err)
}

// Abandon ends the tasks and closes the file without writing what is not written.
func (l *Log) Abandon() error { return l.stop(nil) }

func (l *Log) stop(err error) error {
	l.mu.Lock()
	for l.writing {
		l.written.Wait()
	}
	if l.err == nil {
		l.err = jet.ErrLogWriteFail.Errorf("log is closed")
	}
	file := l.file
	l.file = nil
	l.written.Broadcast()
	l.mu.Unlock()
	l.flushTask.Stop()
	l.filesTask.Stop()
	if file != nil {
		err = errors.Join(err, file.Close())
	}
	return err
}
