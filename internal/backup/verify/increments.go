package verify

import (
	"esent/internal/backup"
	"esent/internal/vfs"
	"esent/internal/vfs/overlay"
)

// overlaid gives the environment in which what is done to the set is forgotten.
func (v *run) overlaid() *vfs.Env {
	if v.over == nil {
		v.over = overlay.New(v.env.FS, overlay.Options{Memory: v.opt.Memory, TempDir: v.opt.TempDir, Rand: v.env.Rand})
	}
	return &vfs.Env{FS: v.over, Now: v.env.Now, Rand: v.env.Rand, Sched: v.env.Sched}
}

// assemble makes a set with block increments one with whole copies, on the overlay: what a restore would use. False says
// that it cannot be made, as the report tells then.
func (v *run) assemble() (ok bool, err error) {
	with, err := v.set.WithBlocks(v.env.FS)
	if err != nil {
		v.report.fault("", 0, err, false)
		return false, nil
	}
	v.report.Increments = with.Increments()
	if with.Increments() == 0 {
		return true, nil
	}
	v.report.Set = with.Dir
	before := v.report.FaultsTotal
	over := v.overlaid()
	for _, d := range with.Databases {
		err := with.Assemble(over.FS, d, v.meter)
		if v.stopped != nil {
			return false, v.stopped
		}
		if err != nil {
			v.report.fault(d.Name, 0, err, false)
		}
	}
	if v.report.FaultsTotal > before {
		return false, nil
	}
	v.env = over
	v.set, err = backup.FindSet(v.env.FS, with.Dir, with.Naming)
	return err == nil, err
}
