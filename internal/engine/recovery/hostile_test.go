package recovery

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"esent/internal/checksum"
	"esent/internal/testdata"
	"esent/internal/vfs/simdisk"
)

// TestHostileLog replays logs with random bytes changed under right checksums: there is an error or none, but no
// panic and no end of memory.
func TestHostileLog(t *testing.T) {
	const segment = 4096
	rounds := uint64(60)
	if testing.Short() {
		rounds = 5
	}
	failed := 0
	for _, name := range []string{"dirty_nested", "dirty_ddl", "dirty_fuzz4"} {
		set := testdata.Set(t, name)
		cfg := setHost(t, set, hostEnv()).cfg
		base := diskOf(t, set, 1)
		log, err := base.ReadFile("/db/" + cfg.Naming.Current())
		if err != nil {
			t.Fatal(err)
		}
		last := 1
		for (last+1)*segment < len(log) && checksum.ECC(log[last*segment:(last+1)*segment], uint32(last), true) == binary.LittleEndian.Uint64(log[last*segment:]) {
			last++
		}
		for seed := range rounds {
			rng := rand.New(rand.NewPCG(seed, 3))
			b := append([]byte(nil), log...)
			for range 1 + rng.IntN(6) {
				isec := 1 + rng.IntN(last-1)
				s := b[isec*segment : (isec+1)*segment]
				at := 40 + rng.IntN(segment-40)
				for range 1 + rng.IntN(3) {
					s[min(at, segment-1)] ^= byte(1 << rng.IntN(8))
					at++
				}
				binary.LittleEndian.PutUint64(s, checksum.ECC(s, uint32(isec), true))
			}
			sim := base.CrashClone(simdisk.Crash{Unsynced: simdisk.KeepAll}, seed)
			if err := sim.WriteFile("/db/"+cfg.Naming.Current(), b); err != nil {
				t.Fatal(err)
			}
			h := newHost(t, sim.Env(), "/db", cfg.PageSize)
			h.cfg.Naming, h.quiet = cfg.Naming, true
			if _, err := h.run(); err != nil {
				failed++
			}
		}
	}
	if failed == 0 {
		t.Error("no change was noticed")
	}
}
