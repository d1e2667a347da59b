package jet

import (
	"encoding/binary"
	"fmt"
	"time"
)

type (
	// Pgno is a logical page number: 0 is none, 1 the database root; the page lies at file offset (pgno+1)*page size.
	Pgno uint32
	// DBTime is the database's change counter (spec chapter 02, 10.1).
	DBTime uint64
	// ObjID identifies a B+tree within a database; 1 is the system root.
	ObjID uint32
	// DBID is a database's slot within an instance as log records carry it: 0 temporary, 1 to 6 user databases.
	DBID uint8
	// Trx is a transaction number: multiples of 4 from one counter, compared by TrxLess.
	Trx uint32
	// ProcID is a session's number in log records, from 1 (spec chapter 05, 13).
	ProcID uint16
	// ColumnID is a column's number as the API has it: FID in the low 16 bits, bit 31 for template columns.
	ColumnID uint32
)

const (
	PgnoNull       Pgno = 0
	PgnoSystemRoot Pgno = 1
	PgnoSysMax     Pgno = 0x7FEFFFFF

	DBTimeStart DBTime = 0x40
	DBTimeNil   DBTime = 0xFFFFFFFFFFFFFFFF

	// TrxMax stands for "not committed".
	TrxMax Trx = 0xFFFFFFFF
)

// TrxLess orders transaction numbers modulo 2^32 (spec chapter 05, 15); TrxMax is after all others.
func TrxLess(a, b Trx) bool {
	if a == TrxMax || b == TrxMax {
		return b == TrxMax && a != TrxMax
	}
	return int32(a-b) < 0
}

// LogPos is a log position (LGPOS): generation, segment and byte, ordered as an unsigned number.
// Zero means none (spec chapter 05, 3).
type LogPos uint64

// LogPosMax is after every position.
const LogPosMax LogPos = 0x7FFFFFFF_FFFF_FFFF

// MakeLogPos builds a position from generation, segment index and byte offset in the segment.
func MakeLogPos(gen int32, isec, ib uint16) LogPos {
	return LogPos(uint32(gen))<<32 | LogPos(isec)<<16 | LogPos(ib)
}

func (p LogPos) Gen() int32   { return int32(p >> 32) }
func (p LogPos) Isec() uint16 { return uint16(p >> 16) }
func (p LogPos) Ib() uint16   { return uint16(p) }

// String gives the usual text form GEN:ISEC:IB in hexadecimal.
func (p LogPos) String() string { return fmt.Sprintf("%X:%X:%X", uint32(p.Gen()), p.Isec(), p.Ib()) }

// LogTimeSize, SignatureSize and BackupInfoSize are the sizes on disk, in bytes.
const (
	LogTimeSize    = 8
	SignatureSize  = 28
	BackupInfoSize = 24
)

// LogTime is a time stamp as files hold it (LOGTIME, spec chapter 02, 2); zero is "not set".
type LogTime [LogTimeSize]byte

// MakeLogTime converts t to UTC with millisecond resolution.
func MakeLogTime(t time.Time) LogTime {
	t = t.UTC()
	ms := t.Nanosecond() / 1e6
	return LogTime{byte(t.Second()), byte(t.Minute()), byte(t.Hour()), byte(t.Day()), byte(t.Month()),
		byte(t.Year() - 1900), byte(1 | ms<<1), byte(ms >> 7 << 1)}
}

// Time converts back; the zero LogTime gives the zero Time.
func (l LogTime) Time() time.Time {
	if l == (LogTime{}) {
		return time.Time{}
	}
	ms := int(l[6]>>1) | int(l[7]>>1&7)<<7
	return time.Date(int(l[5])+1900, time.Month(l[4]), int(l[3]), int(l[2]), int(l[1]), int(l[0]), ms*1e6, time.UTC)
}

// Signature identifies a database or a log stream (spec chapter 02, 2); equality is that of all bytes.
type Signature [SignatureSize]byte

// MakeSignature builds a signature from a random number and the present time; the computer name stays empty.
func MakeSignature(random uint32, now time.Time) (s Signature) {
	binary.LittleEndian.PutUint32(s[:], random)
	t := MakeLogTime(now)
	copy(s[4:], t[:])
	return s
}

// IsZero says that the signature is not set.
func (s Signature) IsZero() bool { return s == Signature{} }

// BackupInfo tells of one backup in headers and log records (BKINFO, spec chapters 02, 2 and 06, 3.1).
type BackupInfo struct {
	Mark    LogPos
	Time    LogTime
	GenLow  uint32
	GenHigh uint32
}

// Put stores b in BackupInfoSize bytes.
func (b BackupInfo) Put(p []byte) {
	binary.LittleEndian.PutUint64(p, uint64(b.Mark))
	copy(p[8:16], b.Time[:])
	binary.LittleEndian.PutUint32(p[16:], b.GenLow)
	binary.LittleEndian.PutUint32(p[20:], b.GenHigh)
}

// GetBackupInfo reads what Put stored.
func GetBackupInfo(p []byte) (b BackupInfo) {
	b.Mark = LogPos(binary.LittleEndian.Uint64(p))
	copy(b.Time[:], p[8:16])
	b.GenLow = binary.LittleEndian.Uint32(p[16:])
	b.GenHigh = binary.LittleEndian.Uint32(p[20:])
	return b
}
