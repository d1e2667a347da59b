package c_test

import "testing"

// Limits are where the tables put them (spec chapter 01, 7, chapter 04, 4.4, and api/constants.tsv), with their codes: of
// schemas and keys, of records and values.
func TestLimits(t *testing.T) {
	for _, source := range []string{"limits.c", "records.c"} {
		program := linked(t, source)
		for _, page := range []string{"4096", "8192", "16384", "32768"} {
			run(t, 0, limit, program, t.TempDir(), page)
		}
	}
}

// Of sessions, cursors, tables, databases and instances there may be exactly as many as the parameters say (docs/parameters.md).
func TestQuotas(t *testing.T) {
	run(t, 0, limit, linked(t, "quotas.c"), t.TempDir())
}

// Structures are told apart by their sizes, those that a program fills in and those that a call does, and nothing is written behind
// them.
func TestStructureSizes(t *testing.T) {
	for _, source := range []string{"sizes.c", "results.c"} {
		run(t, 0, limit, linked(t, source), t.TempDir())
	}
}
