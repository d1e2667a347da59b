package logstore

import (
	"errors"

	"esent/internal/checksum"
	"esent/internal/jet"
	"esent/internal/vfs"
)

const checkpointSize = 4096

// Checkpoint is the content of the checkpoint file (spec chapter 05, 17.1).
type Checkpoint struct {
	// LastFullBackup is the checkpoint at the last full backup.
	LastFullBackup jet.LogPos
	// Pos is where recovery begins.
	Pos     jet.LogPos
	SignLog jet.Signature
	Params  DBMSParams
	// FullBackup and IncBackup are the marks of the last backups with their times.
	FullBackup     jet.LogPos
	FullBackupTime jet.LogTime
	IncBackup      jet.LogPos
	IncBackupTime  jet.LogTime
	// HasAttachments says that Attachments is valid; false after a clean termination.
	HasAttachments bool
	// DBConsistency is the position from which redo is really needed, at or after Pos.
	DBConsistency jet.LogPos
	// Attachments are the databases attached at Pos.
	Attachments []AttachInfo
}

func (c *Checkpoint) encode(b []byte) error {
	b = b[:checkpointSize]
	clear(b)
	le.PutUint64(b[4:], uint64(c.LastFullBackup))
	le.PutUint64(b[12:], uint64(c.Pos))
	copy(b[20:48], c.SignLog[:])
	c.Params.Put(b[48:])
	le.PutUint64(b[615:], uint64(c.FullBackup))
	copy(b[623:], c.FullBackupTime[:])
	le.PutUint64(b[631:], uint64(c.IncBackup))
	copy(b[639:], c.IncBackupTime[:])
	b[647] = boolByte(c.HasAttachments)
	le.PutUint64(b[648:], uint64(c.DBConsistency))
	le.PutUint32(b[fileTypeOffset:], fileTypeCheckpoint)
	if err := putAttachList(b[679:], c.Attachments); err != nil {
		return err
	}
	le.PutUint32(b, checksum.XOR(b))
	return nil
}

func decodeCheckpoint(b []byte) (*Checkpoint, error) {
	b = b[:checkpointSize]
	if checksum.XOR(b) != le.Uint32(b) || le.Uint32(b[fileTypeOffset:]) != fileTypeCheckpoint {
		return nil, jet.ErrCheckpointCorrupt
	}
	c := &Checkpoint{LastFullBackup: jet.LogPos(le.Uint64(b[4:])), Pos: jet.LogPos(le.Uint64(b[12:])), Params: GetDBMSParams(b[48:]),
		FullBackup: jet.LogPos(le.Uint64(b[615:])), IncBackup: jet.LogPos(le.Uint64(b[631:])),
		HasAttachments: b[647] != 0, DBConsistency: jet.LogPos(le.Uint64(b[648:]))}
	copy(c.SignLog[:], b[20:])
	copy(c.FullBackupTime[:], b[623:])
	copy(c.IncBackupTime[:], b[639:])
	list, err := getAttachList(b[679:])
	if err != nil {
		return nil, jet.ErrCheckpointCorrupt.Errorf("%v", err)
	}
	c.Attachments = list
	return c, nil
}

// ReadCheckpoint reads a checkpoint file: the first of its two copies that is good. signLog is the stream's
// signature, zero to accept any. JET_errCheckpointFileNotFound, JET_errCheckpointCorrupt,
// JET_errBadCheckpointSignature.
func ReadCheckpoint(fsys vfs.FS, path string, signLog jet.Signature) (*Checkpoint, error) {
	f, err := fsys.Open(path, vfs.ReadOnly)
	if err != nil {
		if absent(err) {
			return nil, jet.ErrCheckpointFileNotFound.Errorf("%s", path)
		}
		return nil, err
	}
	defer f.Close()
	b := make([]byte, checkpointSize)
	for copyNo := range int64(2) {
		if err = f.ReadAt(b, copyNo*checkpointSize); err != nil {
			continue
		}
		var c *Checkpoint
		if c, err = decodeCheckpoint(b); err != nil {
			continue
		}
		if !signLog.IsZero() && c.SignLog != signLog {
			return nil, jet.ErrBadCheckpointSignature.Errorf("%s", path)
		}
		return c, nil
	}
	return nil, jet.ErrCheckpointCorrupt.Errorf("%s: %v", path, err)
}

// WriteCheckpoint writes both copies of a checkpoint file, each flushed before the next step so that one good
// copy always exists, and creates the file when it is missing. A failure leaves the old checkpoint valid or,
// in a new file, none.
func WriteCheckpoint(fsys vfs.FS, dir, name string, c *Checkpoint) (err error) {
	b := make([]byte, checkpointSize)
	if err := c.encode(b); err != nil {
		return err
	}
	path := join(dir, name)
	f, err := fsys.Open(path, vfs.ReadWrite)
	created := absent(err)
	if created {
		f, err = fsys.Open(path, vfs.Create)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for copyNo := range int64(2) {
		if err := f.WriteAt(b, copyNo*checkpointSize); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
	}
	if created {
		return fsys.SyncDir(dir)
	}
	return nil
}
