package verify

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"esent/internal/jet"
	"esent/internal/testdata"
	"esent/internal/vfs"
)

// decoder reads a set by the byte tables of spec chapter 06, 3, and knows nothing of this module's packages: it is to
// agree with the original engine's sets and with ours alike.
type decoder struct {
	files    map[string][]byte // by base name
	problems []string
}

func (d *decoder) wrong(format string, args ...any) {
	d.problems = append(d.problems, fmt.Sprintf(format, args...))
}

func u16(b []byte, off int) uint16 { return binary.LittleEndian.Uint16(b[off:]) }
func u32(b []byte, off int) uint32 { return binary.LittleEndian.Uint32(b[off:]) }
func u64(b []byte, off int) uint64 { return binary.LittleEndian.Uint64(b[off:]) }

// xor is the checksum of headers and trailers (spec 3.4).
func xor(b []byte) uint32 {
	sum := uint32(0x89abcdef)
	for off := 4; off < len(b); off += 4 {
		sum ^= u32(b, off)
	}
	return sum
}

func zero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }

var logName = regexp.MustCompile(`^edb([0-9A-F]{5}|[0-9A-F]{8})\.(log|jtx)$`)

// set decodes all files. It gives how many databases and logs there are.
func (d *decoder) set() (databases, logs int) {
	low, high := uint32(0), uint32(0)
	var signLog []byte
	for name, b := range d.files {
		m := logName.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		logs++
		gen64, _ := strconv.ParseUint(m[1], 16, 32)
		gen := uint32(gen64)
		if low == 0 || gen < low {
			low = gen
		}
		high = max(high, gen)
		switch {
		case len(b) < 8192 || len(b)%4096 != 0 || u32(b, 0) != xor(b[:4096]):
			d.wrong("%s: size or checksum of the header", name)
			continue
		case u32(b, 4) != gen:
			d.wrong("%s is of generation %d", name, u32(b, 4))
		case signLog != nil && !bytes.Equal(signLog, b[44:72]):
			d.wrong("%s: signature", name)
		}
		signLog = b[44:72]
	}
	if logs != int(high-low)+1 {
		d.wrong("%d logs from %d to %d", logs, low, high)
	}
	for name, b := range d.files {
		switch ext := filepath.Ext(name); {
		case logName.MatchString(name):
		case ext == ".pat":
			if len(b) != 0 {
				d.wrong("%s has %d bytes", name, len(b))
			}
			if _, ok := d.files[strings.TrimSuffix(name, ext)+".edb"]; !ok {
				d.wrong("%s is alone", name)
			}
		case ext == ".edb":
			databases++
			if _, ok := d.files[strings.TrimSuffix(name, ext)+".pat"]; !ok {
				d.wrong("%s has no .pat", name)
			}
			d.database(name, b, low, high, signLog)
		default: // 3.7: current log, checkpoint, reserved logs and flush maps are never copied
			d.wrong("%s does not belong here", name)
		}
	}
	return databases, logs
}

// database decodes one copy (spec 3.2 to 3.4).
func (d *decoder) database(name string, b []byte, low, high uint32, signLog []byte) {
	say := func(format string, args ...any) { d.wrong(name+": "+format, args...) }
	if len(b) < 3*4096 || u32(b, 4) != 0x89abcdef {
		say("no database")
		return
	}
	size := int(u32(b, 236))
	if size == 0 {
		size = 4096
	}
	if len(b)%size != 0 || len(b) < 4*size {
		say("%d bytes with pages of %d", len(b), size)
		return
	}
	h, shadow, trailer := b[:size], b[size:2*size], b[len(b)-size:]
	if u32(h, 0) != xor(h) || !bytes.Equal(h, shadow) {
		say("header: checksum %08x, computed %08x; the shadow is equal: %v", u32(h, 0), xor(h), bytes.Equal(h, shadow))
	}
	if u32(h, 52) != 2 {
		say("state %d", u32(h, 52))
	}
	genLow := u32(h, 184+16)
	if genLow == 0 || u32(h, 184+20) != 0 {
		say("range %d to %d in the header of a raw copy", genLow, u32(h, 184+20))
	}
	if !zero(h[316:340]) {
		say("bkinfoSnapshotCur is set")
	}
	if !bytes.Equal(h[108:136], signLog) {
		say("signLog of the header")
	}
	// The trailer.
	if u32(trailer, 0) != xor(trailer) || !zero(trailer[4:40]) || !zero(trailer[148:]) {
		say("trailer: checksum or what must be zero")
	}
	if !bytes.Equal(trailer[40:60], h[184:204]) {
		say("mark, time and genLow of trailer and header: % x, % x", trailer[40:60], h[184:204])
	}
	if mark := trailer[40:48]; u32(mark, 4) < genLow || u16(mark, 2) == 0 || zero(trailer[48:56]) {
		say("mark % x", trailer[40:56])
	}
	genHigh := u32(trailer, 60)
	if genLow < low || genHigh > high || genLow > genHigh {
		say("needs %d to %d, there are %d to %d", genLow, genHigh, low, high)
	}
	if !bytes.Equal(trailer[64:92], h[24:52]) || !bytes.Equal(trailer[92:120], h[108:136]) {
		say("signatures of the trailer")
	}
	if minReq, maxReq, committed := u32(trailer, 120), u32(trailer, 124), u32(trailer, 128); minReq > maxReq || maxReq > committed ||
		committed > genHigh || minReq != 0 && minReq < genLow {
		say("required %d, %d, %d with %d to %d", minReq, maxReq, committed, genLow, genHigh)
	}
	// A page carries its number where the page is large, and the checksum's low half has it in any case: enough to
	// see that each lies in its place.
	for pgno := 1; pgno <= len(b)/size-3; pgno++ {
		p := b[(pgno+1)*size:][:size]
		if zero(p) {
			continue
		}
		if size > 8192 {
			if u32(p, 64) != uint32(pgno) && u64(p, 64) != uint64(pgno) {
				say("page %d says that it is %d", pgno, u32(p, 64))
			}
			continue
		}
		sum := uint32(pgno)
		for off := 8; off < size; off += 4 {
			sum ^= u32(p, off)
		}
		if sum != u32(p, 0) {
			say("page %d: parity %08x, computed %08x", pgno, u32(p, 0), sum)
		}
	}
}

// Sets are as spec chapter 06, 3 says, byte for byte.
func TestLayout(t *testing.T) {
	load := func(dir string) map[string][]byte {
		files := map[string][]byte{}
		for name, content := range snapshot(t, vfs.System().FS, dir) {
			files[filepath.Base(name)] = []byte(content)
		}
		return files
	}
	decode := func(t *testing.T, files map[string][]byte, databases int) {
		d := &decoder{files: files}
		if n, logs := d.set(); n != databases || logs == 0 {
			t.Errorf("%d databases, %d logs", n, logs)
		}
		for _, p := range d.problems {
			t.Error(p)
		}
	}
	t.Run("original", func(t *testing.T) {
		root := testdata.Set(t, "backup", "backup/files/*")
		for _, set := range []string{"backup", "concurrent", "atomic/new"} {
			decode(t, load(filepath.Join(root, "files", set)), 1)
		}
	})
	t.Run("ours", func(t *testing.T) { decode(t, golden(t), 2) })
	for _, pageSize := range []int64{8192, 32768} {
		t.Run(fmt.Sprint(pageSize), func(t *testing.T) {
			dir := t.TempDir()
			w := newWorld(t, vfs.System(), dir+"/w", pageSize, "app.edb")
			w.grow(200)
			w.backup(dir+"/set", jet.BitBackupAtomic)
			w.end()
			decode(t, load(dir+"/set/new"), 1)
		})
	}
	t.Run("damaged", func(t *testing.T) {
		for _, at := range []int{60, 200, 4096 + 200, 45 * testPage, -testPage + 45, -testPage + 100} {
			s := golden(t)
			b := s["app.edb"]
			b[(at+len(b))%len(b)] ^= 1
			d := &decoder{files: s}
			if d.set(); len(d.problems) == 0 {
				t.Errorf("byte %d: nothing is found", at)
			}
		}
	})
}
