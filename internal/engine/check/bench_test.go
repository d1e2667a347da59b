package check_test

import (
	"testing"

	"esent/internal/engine/check"
)

func BenchmarkCheck(b *testing.B) {
	for _, set := range []string{"big_4k", "big_32k"} {
		m := open(b, set)
		for _, c := range []struct {
			name string
			opt  check.Options
		}{{"pages", check.Options{PagesOnly: true}}, {"trees", check.Options{NoIndexes: true}}, {"all", check.Options{}}} {
			b.Run(set+"/"+c.name, func(b *testing.B) {
				b.ReportAllocs()
				var bytes uint64
				for b.Loop() {
					bytes += m.check(c.opt).Bytes
				}
				b.ReportMetric(float64(bytes)/b.Elapsed().Seconds()/1e6, "MB/s")
			})
		}
	}
}
