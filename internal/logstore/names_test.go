package logstore

import (
	"testing"

	"esent/internal/jet"
	"esent/internal/vfs"
	"esent/internal/vfs/simdisk"
)

func TestNames(t *testing.T) {
	windows, exchange, modern := NewNaming("edb", 3), NewNaming("edb", 1), NewNaming("edb", 0)
	for got, want := range map[string]string{
		windows.Archive(10): "edb0000A.log", windows.Archive(0xFFFFF): "edbFFFFF.log", windows.Archive(0x100000): "edb00100000.log",
		exchange.Archive(10): "edb0000000A.log", modern.Archive(10): "edb0000000A.jtx", modern.Current(): "edb.jtx", windows.Temp(): "edbtmp.log",
		windows.Checkpoint(): "edb.chk", modern.Checkpoint(): "edb.jcp", windows.Reserve(1): "edbres00001.jrs",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for name, want := range map[string]int32{
		"edb0000A.log": 10, "edb0000000A.log": 10, "edb7FFFFA00.log": 0x7FFFFA00, "EDB0000a.LOG": 10,
		"edb.log": 0, "edbtmp.log": 0, "edb000A.log": 0, "edb00000.log": 0, "edb0000G.log": 0, "edb+000A.log": 0, "edbFFFFFFFF.log": 0,
		"abc0000A.log": 0, "edb0000A.jtx": 0, "ed": 0, "": 0,
	} {
		if gen, ok := windows.ParseArchive(name); gen != want || ok != (want != 0) {
			t.Errorf("%q: %d, %v", name, gen, ok)
		}
	}
	for name, want := range map[string]bool{
		"edb.log": true, "edb.jtx": true, "EDB.LOG": true, "edbtmp.log": true, "edbtmp.jtx": true, "edb0000A.log": true, "edb0000000A.jtx": true,
		"edb.chk": true, "edb.jcp": true, "edbres00001.jrs": true, "edbres00002.jrs": true,
		"edb.edb": false, "edbx.log": false, "abc.log": false, "edbres00003.jrs": false, "tmp.edb": false, "log": false, "": false,
	} {
		if windows.Names(name) != want || modern.Names(name) != want {
			t.Errorf("%q belongs to the stream: %v", name, !want)
		}
	}
}

func TestFindLogs(t *testing.T) {
	sim := simdisk.New(1, simdisk.Options{})
	fsys := sim.Env().FS
	n := NewNaming("edb", 0)
	if d, err := FindLogs(fsys, "/none", n); err != nil || d.Current || d.Highest() != 0 {
		t.Errorf("no directory: %+v, %v", d, err)
	}
	for _, name := range []string{"edb00003.log", "edb00000002.log", "edb00000003.log", "edb.log", "edb.chk", "edbres00001.jrs", "other0001.log"} {
		f, err := fsys.Open("/"+name, vfs.Create)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	found, err := DetectNaming(fsys, "/", n)
	if err != nil || !found.Legacy {
		t.Fatalf("%+v, %v", found, err)
	}
	d, err := FindLogs(fsys, "/", found)
	if err != nil || !d.Current || d.Temp || d.Lowest() != 2 || d.Highest() != 3 || len(d.Archives) != 2 {
		t.Errorf("%+v, %v", d, err)
	}
	if name, ok := d.Find(3); !ok || name != "edb00000003.log" {
		t.Errorf("generation 3 is %q", name)
	}
	if _, ok := d.Find(4); ok {
		t.Error("generation 4 found")
	}
}

func TestVersions(t *testing.T) {
	for efv, want := range map[uint32]string{
		7060: "8.4000.4.3", 8720: "8.4000.5.15", 8820: "8.4000.5.16", 8880: "8.4000.5.14", 8920: "8.4000.5.16", 8960: "8.4000.6.20", 9060: "8.4000.20.60", 9300: "8.4000.60.140",
		9460: "8.4000.100.220", 9600: "8.4000.130.280", 1: "8.4000.4.3",
	} {
		if got := VersionForEFV(efv).String(); got != want {
			t.Errorf("efv %d: %s, want %s", efv, got, want)
		}
	}
	if err := (Version{8, 4000, 131, 280}).check(); jet.CodeOf(err) != jet.ErrBadLogVersion {
		t.Errorf("version above: %v", err)
	}
	if v := VersionForEFV(9600).Max(Version{8, 4000, 131, 1}); v != (Version{8, 4000, 131, 280}) {
		t.Errorf("maximum %s", v)
	}
}

func TestHostileHeaders(t *testing.T) {
	h := Header{Gen: 3, Segments: 16, PageSize: 32768, Version: MaxVersion, Attachments: []AttachInfo{{DB: 1, Path: "/a"}}}
	b := make([]byte, HeaderSize)
	if err := h.Encode(b); err != nil {
		t.Fatal(err)
	}
	for at := range HeaderSize {
		for _, v := range []byte{0, 1, 0x7F, 0xFF} {
			c := append([]byte(nil), b...)
			c[at] = v
			if _, err := DecodeHeader(c); err != nil && jet.CodeOf(err) != jet.ErrLogFileCorrupt {
				t.Fatalf("byte %d: %v", at, err)
			}
			if _, err := getAttachList(c[671:]); err != nil && jet.CodeOf(err) != jet.ErrLogFileCorrupt {
				t.Fatalf("byte %d: %v", at, err)
			}
		}
	}
	h.Attachments = make([]AttachInfo, 40)
	if err := h.Encode(b); jet.CodeOf(err) != jet.ErrBufferTooSmall {
		t.Errorf("40 databases: %v", err)
	}
}
