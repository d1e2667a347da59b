package logstore

import (
	"bytes"
	"testing"

	"esent/internal/jet"
	"esent/internal/vfs/simdisk"
)

// A segment that cannot be read is no torn one: the scan fails and leaves the log alone, however many reads fail.
func TestScanReadFails(t *testing.T) {
	base := simdisk.New(1, simdisk.Options{})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(base.Env().FS.MkdirAll("/log"))
	l, err := Create(testConfig(base.Env(), "/log"), &testHost{}, jet.Signature{}, FirstGeneration)
	must(err)
	for i := range 8 { // one segment each
		_, end, err := l.Append(sized(nil, 200+500*i, uint64(i)))
		must(err)
		must(l.Flush(end))
	}
	must(l.Close())
	content, err := base.ReadFile("/log/edb.log")
	must(err)
	whole := ScanResult{}
	for skip := range 6 {
		for _, count := range []int{1, 2, 3, 0} {
			sim := simdisk.New(1, simdisk.Options{})
			if err := sim.WriteFile("/log/edb.log", content); err != nil {
				t.Fatal(err)
			}
			fault := sim.Inject(simdisk.Fault{Ops: simdisk.OpRead, Skip: skip, Count: count})
			f, err := OpenFile(sim.Env().FS, "/log/edb.log", Expect{})
			if err != nil {
				continue // the header
			}
			res, err := f.Scan(ScanCurrent)
			switch hit := sim.Hits(fault) > 0; {
			case err == nil && !hit:
				whole = res
			case err == nil && res != whole && whole.Last != 0:
				t.Errorf("reads %d to %d fail: %+v, want %+v", skip, skip+count, res, whole)
			case err != nil && jet.CodeOf(err) != jet.ErrDiskIO:
				t.Errorf("reads %d to %d fail: %v", skip, skip+count, err)
			}
			if now, _ := sim.ReadFile("/log/edb.log"); !bytes.Equal(now, content) {
				t.Fatalf("reads %d to %d fail: the log has changed", skip, skip+count)
			}
		}
	}
}
