package simdisk

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"path"
	"slices"

	"esent/internal/vfs"
)

// Survival is what a power cut leaves of the changes that were not durable.
type Survival int

const (
	// LoseAll leaves none of them.
	LoseAll Survival = iota
	// KeepAll leaves all of them.
	KeepAll
	// Random leaves, by the seed, any part: of names a part that keeps their order, of data each unit in
	// any state that it went through, of sizes any that a file had.
	Random
)

// Crash describes a power cut.
type Crash struct {
	Unsynced Survival
	// Unit is the size in bytes up to which a write survives whole or not at all, at aligned offsets;
	// 0 means SectorSize. 4096 is what newer disks promise.
	Unit int64
	// UnitOf, if set, gives the unit of a file by its path; 0 means Unit. The first Head bytes have the unit Unit all the
	// same; Head is a multiple of all units.
	UnitOf func(path string) int64
	Head   int64
}

// Crash cuts the power and switches on again: open files and locks end, tasks and timers are forgotten, a
// power-off by PowerOffAfter is over. Environments given before are dead. The result is the new one.
// Fault rules, hook, clock and capacity stay.
func (s *Sim) Crash(c Crash) *vfs.Env {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.boot(s.image(c, s.diskRand, true))
	return s.env()
}

// Kill ends the programs and leaves the machine on: open files and locks end, tasks and timers are forgotten,
// environments given before are dead. What they have written is there, and durable no sooner than before. The result is
// a new environment. Fault rules, hook, clock and capacity stay.
func (s *Sim) Kill() *vfs.Env {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.walk(func(_ string, n *node) { n.open, n.shared, n.locked = 0, 0, false })
	s.epoch++
	s.tasks, s.timers = nil, nil
	return s.env()
}

// CrashClone gives another machine whose disk is what a power cut now would leave of this one's, which
// runs on untouched. The new one has no fault rules and no hook; its clock shows the same time.
func (s *Sim) CrashClone(c Crash, seed uint64) *Sim {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &Sim{opt: s.opt, tick: s.tick, now: s.now, lastID: s.lastID}
	t.seed(seed)
	t.boot(s.image(c, t.diskRand, false))
	return t
}

// boot starts from a disk that is durable throughout.
func (s *Sim) boot(root *node) {
	s.root = root
	s.names = nil
	s.used = 0
	s.walk(func(_ string, n *node) { s.used += int64(len(n.data)) })
	s.epoch++
	s.off, s.budget = false, -1
	s.tasks, s.timers = nil, nil
}

// image is the disk as a power cut leaves it; reuse says that the present one is given up for it.
func (s *Sim) image(c Crash, rng *rand.Rand, reuse bool) *node {
	if c.Unit == 0 {
		c.Unit = SectorSize
	}
	im := newImage(c, rng)
	im.reuse = reuse
	im.surviveNames(s.names, s.opt.StrictNames)
	return im.copyOf("/", s.root)
}

// abandon is what a failed Sync does to a file: some of what it should have written is on the disk, the
// rest stays visible and counts as written, so that no later Sync brings it there. Linux behaves so.
func (s *Sim) abandon(path string, n *node) {
	n.durable = newImage(Crash{Unsynced: Random, Unit: s.opt.unit(path)}, s.diskRand).content(path, n)
	n.events = nil
}

type image struct {
	reuse   bool // the memory of files
	crash   Crash
	rng     *rand.Rand
	chance  float64 // how likely a unit is to have changed at all; differs from crash to crash
	latest  float64 // how likely one that has is to be in its last state
	entries map[*node]map[string]*node
	copies  map[*node]*node
}

func newImage(c Crash, rng *rand.Rand) *image {
	return &image{crash: c, rng: rng, chance: bias(rng), latest: bias(rng),
		entries: map[*node]map[string]*node{}, copies: map[*node]*node{}}
}

// bias is a probability of which the extremes are frequent: crashes that lose or keep nearly everything
// find other defects than mixtures do.
func bias(rng *rand.Rand) float64 {
	switch rng.IntN(4) {
	case 0:
		return 0.02
	case 1:
		return 0.98
	default:
		return rng.Float64()
	}
}

// entriesOf are a directory's entries after the crash.
func (im *image) entriesOf(dir *node) map[string]*node {
	if im.entries[dir] == nil {
		im.entries[dir] = maps.Clone(dir.stable)
	}
	return im.entries[dir]
}

// surviveNames applies the changes of names that survive: the oldest ones, in the strict model the oldest
// of each directory.
func (im *image) surviveNames(names []nameOp, strict bool) {
	n := len(names)
	switch {
	case im.crash.Unsynced == LoseAll:
		n = 0
	case im.crash.Unsynced == Random && !strict:
		n = im.rng.IntN(n + 1)
	}
	lost := map[*node]bool{nil: false}
	for i := range names[:n] {
		op := &names[i]
		if lost[op.src] || lost[op.dst] || im.crash.Unsynced == Random && strict && im.rng.Float64() >= im.chance {
			if op.src != nil {
				lost[op.src] = true
			}
			if op.dst != nil {
				lost[op.dst] = true
			}
			continue
		}
		op.apply(im.entriesOf)
	}
}

func (im *image) copyOf(at string, n *node) *node {
	if c := im.copies[n]; c != nil {
		return c
	}
	c := &node{id: n.id, dir: n.dir, linked: true}
	im.copies[n] = c
	if !n.dir {
		c.data = im.content(at, n)
		c.durable, c.same = c.data, true
		return c
	}
	c.kids = map[string]*node{}
	entries := im.entriesOf(n)
	for _, name := range sortedNames(entries) {
		c.kids[name] = im.copyOf(path.Join(at, name), entries[name])
	}
	c.stable = maps.Clone(c.kids)
	return c
}

// content is what the crash leaves of a file's bytes.
//
// The size is one that the file had: that after some number of its events. Each unit then has the content
// that it had after some number of the events that touched it, and the numbers differ from unit to unit.
// Only a cut is ordered with what comes before and after: while it has not survived nothing written later
// has, as the blocks were not the file's; when it has, the bytes that it took are gone.
func (im *image) content(at string, n *node) []byte {
	switch {
	case im.reuse && len(n.events) == 0:
		return n.durable
	case im.crash.Unsynced == KeepAll:
		return slices.Clone(n.data)
	case im.crash.Unsynced == LoseAll || len(n.events) == 0:
		return slices.Clone(n.durable)
	}
	unitSize := im.crash.Unit
	if im.crash.UnitOf != nil {
		unitSize = cmp.Or(im.crash.UnitOf(at), unitSize)
	}
	cutoff := im.rng.IntN(len(n.events) + 1)
	size := int64(len(n.durable))
	if cutoff > 0 {
		size = n.events[cutoff-1].newSize
	}
	firstLost := len(n.events) // the first cut that did not survive
	for i := cutoff; i < len(n.events); i++ {
		if n.events[i].shrinks() {
			firstLost = i
			break
		}
	}
	units := units{im.crash.Head, im.crash.Unit, unitSize}
	touched := touches(n.events[:firstLost], units)
	out := resize(slices.Clone(n.durable), max(size, int64(len(n.durable))))
	for _, base := range slices.Sorted(maps.Keys(touched)) {
		if base >= int64(len(out)) {
			continue
		}
		list := touched[base]
		least := 0
		for k, i := range list {
			if i < cutoff && n.events[i].shrinks() {
				least = k + 1
			}
		}
		count := least
		if more := len(list) - least; more > 0 && im.rng.Float64() < im.chance {
			count += 1 + im.rng.IntN(more)
			if im.rng.Float64() < im.latest {
				count = len(list)
			}
		}
		block := out[base:min(units.next(base), int64(len(out)))]
		for _, i := range list[:count] {
			n.events[i].applyTo(block, base)
		}
	}
	return out[:size]
}

// units are the pieces of a file that a crash leaves whole: below head those of one size, from there on those of another.
type units struct{ head, small, large int64 }

// base is where the unit that has offset off begins.
func (u units) base(off int64) int64 {
	if off < u.head {
		return off / u.small * u.small
	}
	return off / u.large * u.large
}

// next is where the unit that begins at base ends.
func (u units) next(base int64) int64 {
	if base < u.head {
		return base + u.small
	}
	return base + u.large
}

// touches lists for each unit, by where it begins, the events that set bytes of it, oldest first.
func touches(events []event, u units) map[int64][]int {
	touched := map[int64][]int{}
	for i := range events {
		from, to := events[i].span()
		if from == to {
			continue
		}
		for base := u.base(from); base < to; base = u.next(base) {
			touched[base] = append(touched[base], i)
		}
	}
	return touched
}
