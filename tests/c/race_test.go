package c_test

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	raceSeconds = flag.Int("race-seconds", 4, "how long instances are terminated beside calls")
	raceSeed    = flag.Uint64("race-seed", uint64(time.Now().UnixNano()), "chooses the calls")
)

// Sessions, tables, databases, transactions and the instance are ended by other threads than those that work with
// them. Codes are all that comes of it: no crash, no hang, no defect told, and files that recovery makes whole.
func TestEndsBesideCalls(t *testing.T) {
	program, dir := linked(t, "race.c", "-fsanitize=address"), t.TempDir()
	events := filepath.Join(dir, "events")
	t.Setenv("ESENT_EVENT_LOG", events)
	seed := strconv.FormatUint(*raceSeed, 10)
	t.Logf("-race-seed %s", seed)
	t.Log(run(t, 0, time.Duration(*raceSeconds)*time.Second+2*limit, program, dir, strconv.Itoa(*raceSeconds), seed))
	checkDatabase(t, filepath.Join(dir, "race.edb"))
	if text, err := os.ReadFile(events); err == nil && strings.Contains(string(text), "panic") {
		t.Errorf("%.5000s", text)
	}
}
