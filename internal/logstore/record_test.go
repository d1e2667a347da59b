package logstore

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"esent/internal/jet"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "|", "").Replace(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestWorkedBytes decodes and encodes the records of spec chapter 05, 13 and 27.
func TestWorkedBytes(t *testing.T) {
	node := func(proc jet.ProcID, pgno jet.Pgno, dbtime, before jet.DBTime, trx jet.Trx, level uint8, line uint16, flags uint8, rce uint32, fdp jet.Pgno, id jet.ObjID) NodeOp {
		return NodeOp{PageOp: PageOp{Proc: proc, DB: 1, Pgno: pgno, DBTime: dbtime, DBTimeBefore: before, Trx: trx, Level: level, Line: line, Flags: flags},
			RCE: rce, FDP: fdp, ObjID: id}
	}
	for _, c := range []struct {
		name, hex string
		rec       Record
	}{
		{"Begin0 of three levels", "08 0500 30 54000000", &Begin{Proc: 5, Levels: 3, Trx: 0x54}},
		{"MacroCommit", "0C 05 00 26 07 00 00 00 00 00 00", &Macro{Kind: RecMacroCommit, Proc: 5, DBTime: 0x726}},
		{"MacroInfo", "43 0C 00 00 00 35 00 00 00 CA 00 00 00 CB 00 00 00", &MacroInfo{DB: 1, Pages: []jet.Pgno{0x35, 0xCA, 0xCB}}},
		{"Insert with shared prefix", "1D 0500 01 CB000000 2707000000000000 2607000000000000 30070000 02 0000 05 4F090000 35000000 0A000000 0000 0800 0800 | 80 00 00 00 80 00 00 B6 | 01 00 00 00 AE 0F 00 00",
			&Insert{NodeOp: node(5, 0xCB, 0x727, 0x726, 0x730, 2, 0, OpVersioned|OpUnique, 0x94F, 0x35, 10), PrefixLen: 8,
				Key: []byte{0x80, 0, 0, 0, 0x80, 0, 0, 0xB6}, Data: []byte{1, 0, 0, 0, 0xAE, 0x0F, 0, 0}}},
		{"UndoInfo", "24 0500 01 80000000 FFFFFFFFFFFFFFFF FFFFFFFFFFFFFFFF 70060000 01 0000 04 A3070000 35000000 0A000000 0800 0000 0200 0800 0000 0800 | 80 00 00 00 80 00 00 84 | 01 00 00 00 AE 0F 00 00",
			&UndoInfo{NodeOp: node(5, 0x80, jet.DBTimeNil, jet.DBTimeNil, 0x670, 1, 0, OpUnique, 0x7A3, 0x35, 10), Oper: OperReplace, MaxSize: 8,
				Key: []byte{0x80, 0, 0, 0, 0x80, 0, 0, 0x84}, BookmarkData: []byte{}, Image: []byte{1, 0, 0, 0, 0xAE, 0x0F, 0, 0}}},
		{"Term2", "32 00 00 18 00 31 00 00 00 0000000000000000 00 1A 2A 02 17 0B 7E 01 02",
			&Term{Kind: RecTerm2, Begin: jet.MakeLogPos(0x31, 0x18, 0), Time: jet.LogTime{0x1A, 0x2A, 2, 0x17, 0xB, 0x7E, 1, 2}}},
		{"RecoveryQuit2", "34 00 00 12 00 2D 00 00 00 00 00 01 00 16 00 00 00 00 1A 2A 02 17 0B 7E F9 00",
			&Term{Kind: RecRecoveryQuit2, Begin: jet.MakeLogPos(0x2D, 0x12, 0), RedoFrom: jet.MakeLogPos(0x16, 1, 0), Time: jet.LogTime{0x1A, 0x2A, 2, 0x17, 0xB, 0x7E, 0xF9, 0}}},
		{"Rollback", "07 05 00 01", &Rollback{Proc: 5, Levels: 1}},
	} {
		b := unhex(t, c.hex)
		rec, n, err := Decode(append(b[:len(b):len(b)], 0x55, 0x55))
		if err != nil || n != len(b) || !reflect.DeepEqual(rec, c.rec) {
			t.Errorf("%s: %+v, %d of %d, %v", c.name, rec, n, len(b), err)
		}
		if got := c.rec.Append(nil); !bytes.Equal(got, b) {
			t.Errorf("%s encodes to\n% X, want\n% X", c.name, got, b)
		}
	}
}

// everyRecord has one record of each type, with distinct values in its fields.
func everyRecord() []Record {
	page := PageOp{Proc: 0x102, DB: 3, Pgno: 0x4050607, DBTime: 0x1112131415161718, DBTimeBefore: 0x2122232425262728, Trx: 0x31323334, Level: 5, Line: 0x4142, Flags: 0x3F}
	node := NodeOp{PageOp: page, RCE: 0x51525354, FDP: 0x1615, ObjID: 0x6162}
	key, bm, data := []byte("key"), []byte("bm"), []byte("data data")
	sign := jet.Signature{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}
	when := jet.LogTime{1, 2, 3, 4, 5, 120, 7, 2}
	pos := jet.MakeLogPos(7, 8, 9)
	return []Record{
		&Begin{Proc: 9, From: 1, Levels: 2}, &Begin{Proc: 9, Levels: 2, Trx: 4}, &Begin{Proc: 9, Levels: 15, Trx: 4, Distributed: true},
		&Commit{9, 2}, &Commit0{9, 8}, &Rollback{9, 3}, &Refresh{9, 12}, &Macro{RecMacroBegin, 9, 77}, &Macro{RecMacroCommit, 9, 77}, &Macro{RecMacroAbort, 9, 77},
		&MacroInfo{1, []jet.Pgno{4, 5}}, &MacroInfo{2, []jet.Pgno{4, 5, 6}}, &CommitCtx{9, 2, data}, &PrepCommit{9, data},
		&SessionMark{RecPrepRollback, 9}, &SessionMark{RecForceWriteLog, 9},
		&Insert{node, 2, key, data}, &FlagInsert{node, key, data}, &FlagInsertAndReplaceData{node, 0x777, key, data}, &FlagDelete{node}, &Delete{node},
		&Replace{NodeOp: node, OldSize: 33, NewSize: len(data), Data: data}, &Replace{NodeOp: node, OldSize: 33, NewSize: 44, Data: data, IsDiff: true},
		&Replace{NodeOp: node, OldSize: 33, NewSize: 44, Data: data, IsDiff: true, LargeDiff: true},
		&UndoInfo{node, OperReplace, -5, -6, key, bm, data}, &Undo{node, OperFlagDelete, 2, key, bm}, &Delta{node, -3, 14, false, key, bm},
		&Delta{node, -3 << 40, 14, true, key, bm}, &SetExternalHeader{node, data},
		&EmptyTree{node, []EmptiedPage{{1, 2, 3}, {4, 5, 6}}}, &Scrub{node, 1, 2, data},
		&Split{page, 1, 2, 3, 4, 5, 6, 7, SplitAppend, SplitOperReplace, 8, 9, 10, 11, 12, -13, -14, -1, 16, key, bm, data, 3, []byte("image")},
		&Merge{page, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 7, MergePartialLeft, key, 3, []byte("image")},
		&PageMove{page, 1, 2, 3, 4, 5, 6, 7, 8, 9, -10, 7, key, data}, &RootPageMove{1, 2, 3, 4},
		&CreateMultipleExtentFDP{page, 1, 2, 3, 4, 5, 6}, &CreateSingleExtentFDP{page, 1, 2, 3, 4}, &ConvertFDP{page, 1, 2, 3, 4, 5, 6, 7, 8, 9},
		&NewPage{1, 2, 3, 4, 5}, &ExtendDB{1, 2}, &ShrinkDB{0, 1, 2, 3, 4}, &ShrinkDB{RecShrinkDB, 1, 2, 3, 0}, &ShrinkDB{RecShrinkDB2, 1, 2, 3, 0},
		&TrimDB{1, 2, 3}, &ExtentFreed{0, 1, 2, 3, 1, 5}, &ExtentFreed{RecExtentFreed, 1, 2, -3, 1, 0}, &FreeFDP{1, 2, 3, 2},
		&ScanCheck{1, 2, 3, 4, 5}, &ScanCheck2{1, 2, 0xE1, 3, 4, 5}, &PagePatchRequest{1, 2, 3},
		&Init{Params: DBMSParams{"/sys/", "/log/", 1, 2, 3, 4, 5, 6, 7, 8}, Time: when}, &Init{Params: DBMSParams{"a", "b", 1, 2, 3, 4, 5, 6, 7, 8}, Old: true},
		&Term{RecTerm2, pos, 0, false, when}, &Term{RecRecoveryQuit2, pos, pos + 1, true, when}, &Term{RecTerm, pos, 0, false, jet.LogTime{}},
		&Term{RecRecoveryQuit, pos, pos, true, jet.LogTime{}}, &Term{RecRecoveryQuitKeepAttachments, pos, pos, false, when},
		&RecoveryUndo{when, false}, &RecoveryUndo{Old: true},
		&CreateDB{1, 2, 3, 4, sign, true, 2, 0, true, `C:\Dätei 😀.edb`}, &CreateDB{1, 2, 3, 4, sign, false, 0, 0, false, "/a"}, &CreateDBFinish{1, 2},
		&AttachDB{1, 2, 3, pos, sign, sign, true, "/a/b.edb"}, &DetachDB{1, 2, "/a/b.edb"}, &SignalAttachDb{2}, &ReAttach{1, pos, pos, sign}, &SetDbVersion{1, 2, 3, 4},
		&Backup{BackupUpdate, 1, BackupCopy, 2, jet.BackupInfo{Mark: pos, Time: when, GenLow: 3, GenHigh: 4}, []byte{}},
		&Trace{9, false, data}, &Trace{9, true, data}, &JetOp{1, 2}, &RestoreMark{RecExtRestore2, 0, data}, &RestoreMark{RecBackup, 4, data},
		&RestoreMark{RecFullBackup, 0, data}, &RestoreMark{RecIncBackup, 0, data}, &RestoreMark{RecExtRestore, 0, data},
		&Mark{RecNOP}, &Mark{RecShutDownMark}, &Mark{RecEnd}, &Filler{RecNOP2, make([]byte, 5)}, &Filler{RecIgnored9, data}, &Filler{RecIgnored10, data},
		&Filler{RecIgnored19, data}, &FragmentBegin{100, data}, &Fragment{data},
	}
}

func TestRoundTrip(t *testing.T) {
	seen := map[RecType]bool{}
	for _, rec := range everyRecord() {
		seen[rec.Type()] = true
		b := rec.Append([]byte("before"))[6:]
		if b[0] != byte(rec.Type()) {
			t.Errorf("%T begins with %d, type is %d", rec, b[0], rec.Type())
		}
		got, n, err := Decode(append(b[:len(b):len(b)], 1, 2, 3))
		if err != nil || n != len(b) || !reflect.DeepEqual(got, rec) {
			t.Errorf("%T: %+v\nwant %+v\n%d of %d bytes, %v", rec, got, rec, n, len(b), err)
		}
		for cut := range len(b) {
			if _, _, err := Decode(b[:cut]); jet.CodeOf(err) != jet.ErrLogCorrupted {
				t.Errorf("%T cut to %d of %d bytes: %v", rec, cut, len(b), err)
				break
			}
		}
		if s := rec.String(); !strings.HasPrefix(s, rec.Type().String()) || strings.Contains(s, "%!") {
			t.Errorf("%T: %q", rec, s)
		}
	}
	for typ := range RecType(recTypeCount) {
		if sizings[typ].fixed != 0 && !seen[typ] && (typ < 83 || typ > 90) {
			t.Errorf("no test record of type %d %s", typ, typ)
		}
	}
}

func TestObsoleteAndUnknown(t *testing.T) {
	b := make([]byte, 600)
	for typ, want := range map[byte]jet.Err{27: jet.ErrBadLogVersion, 26: jet.ErrBadLogVersion, 42: jet.ErrBadLogVersion, 102: jet.ErrLogCorrupted, 255: jet.ErrLogCorrupted} {
		b[0] = typ
		if _, _, err := Decode(b); jet.CodeOf(err) != want {
			t.Errorf("type %d: %v, want %v", typ, err, want)
		}
	}
}

// TestDecodeGarbage: whatever the bytes, decoding and dumping end without a panic.
func TestDecodeGarbage(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	b := make([]byte, 2048)
	for range 200000 {
		n := r.IntN(len(b))
		for i := range min(n, 128) {
			b[i] = byte(r.Uint32())
			if r.IntN(3) == 0 {
				b[i] = 0
			}
		}
		b[0] = byte(r.IntN(recTypeCount + 2))
		rec, size, err := Decode(b[:n])
		if err != nil {
			continue
		}
		if size > n {
			t.Fatalf("%T of %d bytes in %d", rec, size, n)
		}
		_ = rec.String()
		if p, ok := rec.(*Replace); ok {
			_ = p.DiffLines()
			_, _ = p.NewData(make([]byte, p.OldSize))
		}
	}
}

func TestDiff(t *testing.T) {
	for _, c := range []struct {
		name, old, hex, want string
		large                bool
	}{
		{"same length", "0123456789", "0520 02 5858", "01234XX789", false},
		{"insertion", "0123456789", "0540 02 5858", "01234XX56789", false},
		{"deletion", "0123456789", "0500 00 03", "0123489", false},
		{"new value", "0123456789", "0500 01 03 58", "01234X89", false},
		{"two entries", "0123456789", "0020 01 58 0920 01 59", "X12345678Y", false},
		{"wide", "0123456789", "0580 0100 0300 58", "01234X89", false},
		{"large", "0123456789", "0500 20 02 5858", "01234XX789", true},
		{"large wide insertion", "0123456789", "0A00 C0 0100 58", "0123456789X", true},
	} {
		got, err := ApplyDiff([]byte(c.old), unhex(t, c.hex), c.large)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %q, %v, want %q", c.name, got, err, c.want)
		}
	}
	for _, bad := range []string{"05", "0520", "0520 09 5858", "0B20 00", "0920 02 5858", "0520 01 58 0420 01 58", "0500 01"} {
		if _, err := ApplyDiff([]byte("0123456789"), unhex(t, bad), false); jet.CodeOf(err) != jet.ErrLogCorrupted {
			t.Errorf("list %s: %v", bad, err)
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	made := 0
	for range 3000 {
		old := make([]byte, r.IntN(600))
		for i := range old {
			old[i] = byte(r.IntN(4))
		}
		data := bytes.Clone(old)
		for range r.IntN(4) {
			if len(data) > 0 {
				data[r.IntN(len(data))]++
			}
		}
		if r.IntN(2) == 0 {
			at := r.IntN(len(data) + 1)
			data = append(append(data[:at:at], make([]byte, r.IntN(300))...), data[min(len(data), at+r.IntN(300)):]...)
		}
		for _, large := range []bool{false, true} {
			diff, ok := MakeDiff([]byte("x"), old, data, large)
			if !ok {
				continue
			}
			made++
			got, err := ApplyDiff(old, diff[1:], large)
			if err != nil || !bytes.Equal(got, data) {
				t.Fatalf("%x to %x by %x (large %v): %x, %v", old, data, diff[1:], large, got, err)
			}
		}
	}
	if made < 1000 {
		t.Errorf("only %d lists made", made)
	}
}

func TestAppendDoesNotAllocate(t *testing.T) {
	buf := make([]byte, 0, 4096)
	key, data := make([]byte, 20), make([]byte, 80)
	n := testing.AllocsPerRun(100, func() {
		r := Insert{NodeOp: NodeOp{PageOp: PageOp{Pgno: 5}}, Key: key, Data: data}
		buf = r.Append(buf[:0])
		c := Commit0{Proc: 1, Trx: 4}
		buf = c.Append(buf)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAppendInsert(b *testing.B) {
	buf := make([]byte, 0, 4096)
	r := Insert{NodeOp: NodeOp{PageOp: PageOp{Pgno: 5}}, Key: make([]byte, 20), Data: make([]byte, 80)}
	for b.Loop() {
		buf = r.Append(buf[:0])
	}
}
