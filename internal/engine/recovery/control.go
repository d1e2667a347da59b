package recovery

import (
	"esent/internal/jet"
	"esent/internal/logstore"
)

// control asks the application, which may end recovery by an error.
func (r *run) control(c *Control) error {
	switch c.Kind {
	case ControlOpenLog, ControlMissingLog, ControlBeginUndo:
		for _, a := range r.dbs {
			if a.open() {
				c.Databases = append(c.Databases, a.File.Header())
			}
		}
	}
	return r.cfg.Host.Control(c)
}

// eventControl tells the application of an event; an error keeps it out of the event log.
func (r *run) eventControl(id int) error {
	return r.control(&Control{Kind: ControlEvent, EventID: id})
}

// total is what progress is counted up to.
const total = 100

// progress counts how much of the log is replayed, by generations and segments (spec chapter 05, 24).
type progress struct {
	r *run
	// gens is the number of logs to replay, done those replayed.
	gens, done int
	shown      int
	isec       uint16
	log        string // path of the log
}

func (p *progress) init(r *run, st *start) {
	high := max(r.dir.Highest(), st.gen)
	if h := r.cfg.Hard; h != nil {
		high = max(high, h.GenHigh)
	}
	if r.dir.Current && !st.current {
		high++
	}
	*p = progress{r: r, gens: int(high-st.gen) + 1}
}

// at notes that replay has come to pos.
func (p *progress) at(pos jet.LogPos) error {
	if pos.Isec() == p.isec {
		return nil
	}
	seen := int64(pos.Isec()) - int64(p.isec)
	p.isec = pos.Isec()
	if err := p.watch(seen * logstore.SegmentSize); err != nil {
		return err
	}
	segments := int(p.r.segments)
	return p.show(total*p.done/p.gens + total*int(p.isec)/(segments*p.gens))
}

// watch tells the host how many more bytes are replayed.
func (p *progress) watch(bytes int64) error {
	h := p.r.cfg.Hard
	if h == nil || h.Watch == nil {
		return nil
	}
	return h.Watch(p.log, bytes)
}

// pulse lets the host end what takes its time after replay.
func (r *run) pulse() error { return r.progress.watch(0) }

// nextLog notes that a log was replayed and the next one opened.
func (p *progress) nextLog() error {
	p.done++
	p.isec = 0
	return p.show(total * p.done / p.gens)
}

func (p *progress) show(percent int) error {
	percent = min(percent, total)
	if percent <= p.shown || percent == total {
		return nil // the end is told by ControlComplete
	}
	p.shown = percent
	return p.r.cfg.Host.Progress(percent, total)
}
