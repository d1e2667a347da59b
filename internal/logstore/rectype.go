package logstore

import (
	"encoding/binary"

	"esent/internal/jet"
)

// RecType is the first byte of a log record (spec chapter 05, 12).
type RecType uint8

// The record types. Those without a struct in this package are obsolete: Decode answers them with
// JET_errBadLogVersion.
const (
	RecNOP                         RecType = 0
	RecInit                        RecType = 1
	RecTerm                        RecType = 2
	RecMS                          RecType = 3
	RecEnd                         RecType = 4
	RecBegin                       RecType = 5
	RecCommit                      RecType = 6
	RecRollback                    RecType = 7
	RecBegin0                      RecType = 8
	RecCommit0                     RecType = 9
	RecRefresh                     RecType = 10
	RecMacroBegin                  RecType = 11
	RecMacroCommit                 RecType = 12
	RecMacroAbort                  RecType = 13
	RecCreateDB                    RecType = 14
	RecAttachDB                    RecType = 15
	RecDetachDB                    RecType = 16
	RecRecoveryUndo                RecType = 17
	RecRecoveryQuit                RecType = 18
	RecFullBackup                  RecType = 19
	RecIncBackup                   RecType = 20
	RecJetOp                       RecType = 21
	RecTrace                       RecType = 22
	RecShutDownMark                RecType = 23
	RecCreateMultipleExtentFDP     RecType = 24
	RecCreateSingleExtentFDP       RecType = 25
	RecConvertFDP                  RecType = 26
	RecSplit                       RecType = 27
	RecMerge                       RecType = 28
	RecInsert                      RecType = 29
	RecFlagInsert                  RecType = 30
	RecFlagInsertAndReplaceData    RecType = 31
	RecFlagDelete                  RecType = 32
	RecReplace                     RecType = 33
	RecReplaceD                    RecType = 34
	RecDelete                      RecType = 35
	RecUndoInfo                    RecType = 36
	RecDelta                       RecType = 37
	RecSetExternalHeader           RecType = 38
	RecUndo                        RecType = 39
	RecSLVPageAppend               RecType = 40
	RecSLVSpace                    RecType = 41
	RecChecksum                    RecType = 42
	RecSLVPageMove                 RecType = 43
	RecForceDetachDB               RecType = 44
	RecExtRestore                  RecType = 45
	RecBackup                      RecType = 46
	RecEmptyTree                   RecType = 48
	RecInit2                       RecType = 49
	RecTerm2                       RecType = 50
	RecRecoveryUndo2               RecType = 51
	RecRecoveryQuit2               RecType = 52
	RecBeginDT                     RecType = 53
	RecPrepCommit                  RecType = 54
	RecPrepRollback                RecType = 55
	RecForceWriteLog               RecType = 57
	RecConvertFDP2                 RecType = 58
	RecExtRestore2                 RecType = 59
	RecBackup2                     RecType = 60
	RecForceLogRollover            RecType = 61
	RecSplit2                      RecType = 62
	RecMerge2                      RecType = 63
	RecScrub                       RecType = 64
	RecPageMove                    RecType = 65
	RecPagePatchRequest            RecType = 66
	RecMacroInfo                   RecType = 67
	RecExtendDB                    RecType = 68
	RecCommitCtx                   RecType = 69
	RecScanCheck                   RecType = 70
	RecNOP2                        RecType = 71
	RecReAttach                    RecType = 72
	RecMacroInfo2                  RecType = 73
	RecFreeFDP                     RecType = 74
	RecIgnored9                    RecType = 75
	RecFragmentBegin               RecType = 76
	RecFragment                    RecType = 77
	RecShrinkDB                    RecType = 78
	RecCreateDBFinish              RecType = 79
	RecRecoveryQuitKeepAttachments RecType = 80
	RecTrimDB                      RecType = 81
	RecIgnored10                   RecType = 82
	RecIgnored19                   RecType = 91
	RecSetDbVersion                RecType = 92
	RecDelta64                     RecType = 93
	RecShrinkDB2                   RecType = 94
	RecNewPage                     RecType = 95
	RecRootPageMove                RecType = 96
	RecSignalAttachDb              RecType = 97
	RecScanCheck2                  RecType = 98
	RecShrinkDB3                   RecType = 99
	RecExtentFreed                 RecType = 100
	RecExtentFreed2                RecType = 101

	recTypeCount = 102
)

// sizing tells how a record's length follows from its bytes: fixed plus the 16-bit lengths at the offsets
// u16 plus the 32-bit lengths at the offsets u32. A fixed of 0 marks an obsolete or unused type.
type sizing struct {
	fixed int
	u16   []int
	u32   []int
}

var selfDescribing = sizing{fixed: 5, u32: []int{1}}

var sizings = [recTypeCount]sizing{
	RecNOP:                         {fixed: 1},
	RecInit:                        {fixed: 568},
	RecTerm:                        {fixed: 18},
	RecEnd:                         {fixed: 1},
	RecBegin:                       {fixed: 4},
	RecCommit:                      {fixed: 4},
	RecRollback:                    {fixed: 4},
	RecBegin0:                      {fixed: 8},
	RecCommit0:                     {fixed: 8},
	RecRefresh:                     {fixed: 7},
	RecMacroBegin:                  {fixed: 11},
	RecMacroCommit:                 {fixed: 11},
	RecMacroAbort:                  {fixed: 11},
	RecCreateDB:                    {fixed: 43, u16: []int{40}},
	RecAttachDB:                    {fixed: 75, u16: []int{72}},
	RecDetachDB:                    {fixed: 7, u16: []int{4}},
	RecRecoveryUndo:                {fixed: 1},
	RecRecoveryQuit:                {fixed: 18},
	RecFullBackup:                  {fixed: 3, u16: []int{1}},
	RecIncBackup:                   {fixed: 3, u16: []int{1}},
	RecJetOp:                       {fixed: 4},
	RecTrace:                       {fixed: 5, u16: []int{3}},
	RecShutDownMark:                {fixed: 1},
	RecCreateMultipleExtentFDP:     {fixed: 56},
	RecCreateSingleExtentFDP:       {fixed: 48},
	RecInsert:                      {fixed: 50, u16: []int{44, 46, 48}},
	RecFlagInsert:                  {fixed: 48, u16: []int{44, 46}},
	RecFlagInsertAndReplaceData:    {fixed: 52, u16: []int{44, 46}},
	RecFlagDelete:                  {fixed: 44},
	RecReplace:                     {fixed: 50, u16: []int{44}},
	RecReplaceD:                    {fixed: 50, u16: []int{44}},
	RecDelete:                      {fixed: 44},
	RecUndoInfo:                    {fixed: 56, u16: []int{44, 46, 54}},
	RecDelta:                       {fixed: 54, u16: []int{44, 46}},
	RecSetExternalHeader:           {fixed: 46, u16: []int{44}},
	RecUndo:                        {fixed: 51, u16: []int{44, 46}},
	RecExtRestore:                  {fixed: 3, u16: []int{1}},
	RecBackup:                      {fixed: 5, u16: []int{3}},
	RecEmptyTree:                   {fixed: 46, u16: []int{44}},
	RecInit2:                       {fixed: 576},
	RecTerm2:                       {fixed: 26},
	RecRecoveryUndo2:               {fixed: 9},
	RecRecoveryQuit2:               {fixed: 26},
	RecBeginDT:                     {fixed: 8},
	RecPrepCommit:                  {fixed: 7, u32: []int{3}},
	RecPrepRollback:                {fixed: 3},
	RecForceWriteLog:               {fixed: 3},
	RecConvertFDP2:                 {fixed: 68},
	RecExtRestore2:                 {fixed: 3, u16: []int{1}},
	RecBackup2:                     {fixed: 35, u16: []int{33}},
	RecForceLogRollover:            {fixed: 5, u16: []int{3}},
	RecSplit2:                      {fixed: 110, u16: []int{96, 98, 100}, u32: []int{106}},
	RecMerge2:                      {fixed: 96, u16: []int{86}, u32: []int{92}},
	RecScrub:                       {fixed: 54, u16: []int{52}},
	RecPageMove:                    {fixed: 96, u32: []int{88, 92}},
	RecPagePatchRequest:            {fixed: 46},
	RecMacroInfo:                   selfDescribing,
	RecExtendDB:                    selfDescribing,
	RecCommitCtx:                   selfDescribing,
	RecScanCheck:                   selfDescribing,
	RecNOP2:                        selfDescribing,
	RecReAttach:                    selfDescribing,
	RecMacroInfo2:                  selfDescribing,
	RecFreeFDP:                     selfDescribing,
	RecIgnored9:                    selfDescribing,
	RecFragmentBegin:               {fixed: 7, u16: []int{5}},
	RecFragment:                    {fixed: 3, u16: []int{1}},
	RecShrinkDB:                    {fixed: 10},
	RecCreateDBFinish:              {fixed: 4},
	RecRecoveryQuitKeepAttachments: {fixed: 26},
	RecTrimDB:                      {fixed: 10},
	RecIgnored10:                   selfDescribing,
	83:                             selfDescribing,
	84:                             selfDescribing,
	85:                             selfDescribing,
	86:                             selfDescribing,
	87:                             selfDescribing,
	88:                             selfDescribing,
	89:                             selfDescribing,
	90:                             selfDescribing,
	RecIgnored19:                   selfDescribing,
	RecSetDbVersion:                {fixed: 14},
	RecDelta64:                     {fixed: 58, u16: []int{44, 46}},
	RecShrinkDB2:                   {fixed: 10},
	RecNewPage:                     {fixed: 20},
	RecRootPageMove:                {fixed: 16},
	RecSignalAttachDb:              {fixed: 2},
	RecScanCheck2:                  {fixed: 27},
	RecShrinkDB3:                   {fixed: 18},
	RecExtentFreed:                 {fixed: 11},
	RecExtentFreed2:                {fixed: 19},
}

// Size is the length of the record that b begins with, from the record's own bytes (spec chapter 05, 12 and
// 13). It reports JET_errLogCorrupted for an unknown type and for a record that does not lie wholly in b,
// JET_errBadLogVersion for an obsolete type.
func Size(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, jet.ErrLogCorrupted.Errorf("empty log record")
	}
	t := RecType(b[0])
	if int(t) >= recTypeCount {
		return 0, jet.ErrLogCorrupted.Errorf("log record type %d is unknown", t)
	}
	s := &sizings[t]
	if s.fixed == 0 {
		return 0, jet.ErrBadLogVersion.Errorf("log record type %d is obsolete", t)
	}
	if len(b) < s.fixed {
		return 0, errTruncated(t)
	}
	n := uint64(s.fixed)
	for _, off := range s.u16 {
		n += uint64(binary.LittleEndian.Uint16(b[off:]))
	}
	for _, off := range s.u32 {
		n += uint64(binary.LittleEndian.Uint32(b[off:]))
	}
	switch t {
	case RecReplaceD:
		if b[45]&0x80 != 0 {
			n -= replaceDLarge
		}
	case RecCreateDB:
		if b[42]&createDBHasVersion != 0 {
			n += 4
		}
	}
	if n > uint64(len(b)) {
		return 0, errTruncated(t)
	}
	return int(n), nil
}

func errTruncated(t RecType) error {
	return jet.ErrLogCorrupted.Errorf("log record %s is cut off", t)
}

// String is the type's name as a log dump shows it.
func (t RecType) String() string {
	if int(t) < recTypeCount && recTypeNames[t] != "" {
		return recTypeNames[t]
	}
	return "*UNKNOWN*"
}

var recTypeNames = [recTypeCount]string{
	RecNOP: "NOP", RecInit: "Init", RecTerm: "Term", RecMS: "MS", RecEnd: "End", RecBegin: "Begin",
	RecCommit: "Commit", RecRollback: "Rollback", RecBegin0: "Begin0", RecCommit0: "Commit0",
	RecRefresh: "Refresh", RecMacroBegin: "McroBegin", RecMacroCommit: "McroComit",
	RecMacroAbort: "McroAbort", RecCreateDB: "CreateDB", RecAttachDB: "AttachDB", RecDetachDB: "DetachDB",
	RecRecoveryUndo: "RcvrUndo", RecRecoveryQuit: "RcvrQuit", RecFullBackup: "FullBkUp",
	RecIncBackup: "IncBkUp", RecJetOp: "JetOp", RecTrace: "Trace", RecShutDownMark: "ShutDown",
	RecCreateMultipleExtentFDP: "Create M", RecCreateSingleExtentFDP: "Create S", RecConvertFDP: "Convert",
	RecSplit: "Split", RecMerge: "Merge", RecInsert: "Insert", RecFlagInsert: "FInsert",
	RecFlagInsertAndReplaceData: "FInsertRD", RecFlagDelete: "FDelete", RecReplace: "Replace",
	RecReplaceD: "ReplaceD", RecDelete: "Delete", RecUndoInfo: "UndoInfo", RecDelta: "Delta",
	RecSetExternalHeader: "SetExtHdr", RecUndo: "Undo", RecSLVPageAppend: "SLVPgAppd",
	RecSLVSpace: "SLVSpace", RecChecksum: "Checksum", RecSLVPageMove: "SLVPgMove",
	RecForceDetachDB: "FDetachDB", RecExtRestore: "ExtRest", RecBackup: "Backup", RecEmptyTree: "EmptyTree",
	RecInit2: "Init", RecTerm2: "Term", RecRecoveryUndo2: "RcvrUndo", RecRecoveryQuit2: "RcvrQuit",
	RecBeginDT: "BeginDT", RecPrepCommit: "PreCommit", RecPrepRollback: "PreRollbk",
	RecForceWriteLog: "FWriteLog", RecConvertFDP2: "Convert", RecExtRestore2: "ExtRest",
	RecBackup2: "Backup", RecForceLogRollover: "FRollover", RecSplit2: "Split2", RecMerge2: "Merge2",
	RecScrub: "Scrub", RecPageMove: "PageMove", RecPagePatchRequest: "PagePatch", RecMacroInfo: "McroInfo",
	RecExtendDB: "ExtendDB", RecCommitCtx: "CommitCtx", RecScanCheck: "ScanCheck", RecNOP2: "NOP2",
	RecReAttach: "ReAttach", RecMacroInfo2: "McroInfo2", RecFreeFDP: "FreeFDP", RecIgnored9: "Ignored9",
	RecFragmentBegin: "FragBegin", RecFragment: "Fragment", RecShrinkDB: "ShrinkDB",
	RecCreateDBFinish: "CrDBFinsh", RecRecoveryQuitKeepAttachments: "RcvQuitKA", RecTrimDB: "TrimDB",
	RecIgnored10: "Ignored10", 83: "Ignored11", 84: "Ignored12", 85: "Ignored13", 86: "Ignored14",
	87: "Ignored15", 88: "Ignored16", 89: "Ignored17", 90: "Ignored18", RecIgnored19: "Ignored19",
	RecSetDbVersion: "SetDbVer", RecDelta64: "Delta64", RecShrinkDB2: "ShrinkDB2", RecNewPage: "NewPage",
	RecRootPageMove: "RootPgMov", RecSignalAttachDb: "SigAttDB", RecScanCheck2: "ScanChk2",
	RecShrinkDB3: "ShrinkDB3", RecExtentFreed: "ExtFreed", RecExtentFreed2: "ExtFreed2",
}
