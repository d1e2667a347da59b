package logstore

import (
	"esent/internal/checksum"
	"esent/internal/jet"
)

// Flags of a log header.
const (
	LogReserveUsed  uint8 = 1 // made from a reserved log, the disk being full
	LogCircular     uint8 = 2 // circular logging is on
	LogCircularOnce uint8 = 4 // circular logging was on before in this stream: logs may be missing
)

const (
	// HeaderSize is the length of a log file's header, which is also its first segment.
	HeaderSize = 4096

	fileTypeOffset     = 667
	fileTypeLog        = 3
	fileTypeCheckpoint = 4
)

// Header is the header of a log file (LGFILEHDR, spec chapter 05, 4).
type Header struct {
	Gen int32
	// Segments is the file's length in segments of 4096 bytes.
	Segments uint16
	// PageSize is the databases' page size in bytes.
	PageSize int
	// Created and PrevCreated are the creation times of this generation and of the one before, zero in the
	// first.
	Created, PrevCreated jet.LogTime
	Version              Version
	// SignLog is the stream's signature.
	SignLog jet.Signature
	Params  DBMSParams
	// Flags is a set of Log bits.
	Flags uint8
	// Checkpoint is the checkpoint when the file was created.
	Checkpoint jet.LogPos
	// SectorMismatch is a diagnostic remark on the disk's sector size.
	SectorMismatch uint8
	// PrevChecksum is the XOR of the checksums of the previous generation's segments.
	PrevChecksum uint64
	// EngineEFV is the highest engine format version of the writer.
	EngineEFV uint32
	// Attachments are the databases attached when this generation began.
	Attachments []AttachInfo
}

// Encode stores h with its checksum in HeaderSize bytes. JET_errBufferTooSmall when the attachment list does
// not fit.
func (h *Header) Encode(b []byte) error {
	b = b[:HeaderSize]
	clear(b)
	le.PutUint32(b[4:], uint32(h.Gen))
	le.PutUint16(b[8:], SegmentSize)
	le.PutUint16(b[10:], 1)
	le.PutUint16(b[12:], h.Segments)
	le.PutUint16(b[14:], uint16(h.PageSize))
	copy(b[16:24], h.Created[:])
	copy(b[24:32], h.PrevCreated[:])
	le.PutUint32(b[32:], h.Version.Major)
	le.PutUint32(b[36:], h.Version.Minor)
	le.PutUint32(b[40:], h.Version.UpdateMajor)
	copy(b[44:72], h.SignLog[:])
	h.Params.Put(b[72:])
	b[639] = h.Flags
	le.PutUint64(b[640:], uint64(h.Checkpoint))
	le.PutUint32(b[648:], h.Version.UpdateMinor)
	b[652] = h.SectorMismatch
	le.PutUint64(b[653:], h.PrevChecksum)
	le.PutUint32(b[661:], h.EngineEFV)
	le.PutUint32(b[fileTypeOffset:], fileTypeLog)
	if err := putAttachList(b[671:], h.Attachments); err != nil {
		return err
	}
	le.PutUint32(b, checksum.XOR(b))
	return nil
}

// DecodeHeader reads a header and checks what can be checked without knowing the stream, in the order and with
// the codes of spec chapter 05, 4: JET_errLogFileCorrupt, JET_errFileInvalidType, JET_errBadLogVersion.
func DecodeHeader(b []byte) (*Header, error) {
	b = b[:HeaderSize]
	if got, want := checksum.XOR(b), le.Uint32(b); got != want {
		return nil, jet.ErrLogFileCorrupt.Errorf("log header has checksum %08X, computed %08X", want, got)
	}
	if t := le.Uint32(b[fileTypeOffset:]); t != fileTypeLog {
		return nil, jet.ErrFileInvalidType.Errorf("file type %d in a log header", t)
	}
	h := &Header{
		Gen:      int32(le.Uint32(b[4:])),
		Segments: le.Uint16(b[12:]),
		PageSize: int(le.Uint16(b[14:])),
		Version:  Version{le.Uint32(b[32:]), le.Uint32(b[36:]), le.Uint32(b[40:]), le.Uint32(b[648:])},
		Params:   GetDBMSParams(b[72:]), Flags: b[639], Checkpoint: jet.LogPos(le.Uint64(b[640:])), SectorMismatch: b[652],
		PrevChecksum: le.Uint64(b[653:]), EngineEFV: le.Uint32(b[661:]),
	}
	copy(h.Created[:], b[16:])
	copy(h.PrevCreated[:], b[24:])
	copy(h.SignLog[:], b[44:])
	if h.PageSize == 0 {
		h.PageSize = 4096
	}
	if err := h.Version.check(); err != nil {
		return nil, err
	}
	if size := le.Uint16(b[8:]); size != SegmentSize {
		return nil, jet.ErrLogFileCorrupt.Errorf("log header says segments of %d bytes", size)
	}
	if n := le.Uint16(b[10:]); n != 1 || h.Segments < minSegments || h.Gen <= 0 {
		return nil, jet.ErrLogFileCorrupt.Errorf("log header of %d segments, file of %d, generation %d", n, h.Segments, h.Gen)
	}
	var err error
	h.Attachments, err = getAttachList(b[671:])
	return h, err
}

// FileSize is the exact length of the log file in bytes.
func (h *Header) FileSize() int64 { return int64(h.Segments) * SegmentSize }

// Expect is what a log must agree with; zero fields are not compared.
type Expect struct {
	SignLog  jet.Signature
	PageSize int
	Segments uint16
	// Gen is the generation that the file's name says.
	Gen int32
}

// Check compares a header, and the file's length, with what is expected, in the order of spec chapter 05, 4:
// JET_errBadLogSignature, JET_errPageSizeMismatch, JET_errLogFileSizeMismatch, JET_errLogGenerationMismatch.
func (h *Header) Check(e Expect, fileSize int64) error {
	switch {
	case !e.SignLog.IsZero() && h.SignLog != e.SignLog:
		return jet.ErrBadLogSignature.Errorf("log generation %d belongs to another stream", h.Gen)
	case e.PageSize != 0 && h.PageSize != e.PageSize:
		return jet.ErrPageSizeMismatch.Errorf("log generation %d is for pages of %d bytes", h.Gen, h.PageSize)
	case fileSize != h.FileSize() || e.Segments != 0 && h.Segments != e.Segments:
		return jet.ErrLogFileSizeMismatch.Errorf("log generation %d of %d segments is %d bytes long", h.Gen, h.Segments, fileSize)
	case e.Gen != 0 && h.Gen != e.Gen:
		return jet.ErrLogGenerationMismatch.Errorf("log generation %d in the file for generation %d", h.Gen, e.Gen)
	}
	return nil
}

// CheckNext says whether next continues the generation of h, whose segments have the accumulated checksum sum
// (spec chapter 05, 22.1 and 9.4): JET_errBadLogSignature, JET_errInvalidLogSequence,
// JET_errLogSequenceChecksumMismatch.
func (h *Header) CheckNext(next *Header, sum uint64) error {
	switch {
	case next.SignLog != h.SignLog:
		return jet.ErrBadLogSignature.Errorf("log generation %d belongs to another stream", next.Gen)
	case next.Gen != h.Gen+1 || next.PrevCreated != h.Created:
		return jet.ErrInvalidLogSequence.Errorf("log generation %d does not continue generation %d", next.Gen, h.Gen)
	case next.Version.hasPrevChecksum() && next.PrevChecksum != sum:
		return jet.ErrLogSequenceChecksumMismatch.Errorf("log generation %d has checksum %016X, its successor says %016X", h.Gen, sum, next.PrevChecksum)
	}
	return nil
}
