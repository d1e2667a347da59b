package recovery

import (
	"os"
	"testing"

	"esent/internal/testdata"
)

// BenchmarkRebuild replays a stream into a database made from nothing; bytes are those of the logs.
func BenchmarkRebuild(b *testing.B) {
	set := testdata.Set(b, "big_4k", "big_4k/files/*")
	var records int64
	for b.Loop() {
		b.StopTimer()
		h := setHost(b, set, hostEnv())
		h.remove(h.path("db.edb"), h.path("edb.chk"))
		entries, err := os.ReadDir(h.cfg.LogDir)
		if err != nil {
			b.Fatal(err)
		}
		size := int64(0)
		for _, e := range entries {
			if info, err := e.Info(); err == nil {
				size += info.Size()
			}
		}
		b.SetBytes(size)
		b.StartTimer()
		res, err := h.run()
		if err != nil {
			b.Fatal(err)
		}
		records += res.Records
	}
	b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
}
