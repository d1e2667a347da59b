package c_test

import (
	"flag"
	"testing"
	"time"
)

var limitsTagged = flag.Bool("limits-tagged", false, "make a table of all 64993 tagged columns too: more than a minute")

// Limits are where the tables put them (spec chapter 01 and api/constants.tsv), with their codes.
func TestLimits(t *testing.T) {
	program := linked(t, "limits.c")
	for _, page := range []string{"4096", "8192", "16384", "32768"} {
		run(t, 0, limit, program, t.TempDir(), page)
	}
	if *limitsTagged {
		run(t, 0, 10*time.Minute, program, t.TempDir(), "4096", "tagged")
	}
}

// Of sessions, cursors, tables, databases and instances there may be exactly as many as the parameters say (docs/parameters.md).
func TestQuotas(t *testing.T) {
	run(t, 0, limit, linked(t, "quotas.c"), t.TempDir())
}

// Structures are told apart by their sizes, and nothing is written behind them.
func TestStructureSizes(t *testing.T) {
	run(t, 0, limit, linked(t, "sizes.c"), t.TempDir())
}
