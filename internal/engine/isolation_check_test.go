package engine

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"esent/internal/jet"
)

// A history is what some sessions did to numbered rows. Each change leaves a stamp of its own in its row, so that
// who reads a row tells whose change it saw. The commits' positions in the log say in which order they came. What
// is asked of a history:
//
//   - there is one moment between two commits, for each transaction, at which the database was as the transaction
//     read it, its own changes apart: all that was committed by then and nothing else;
//   - that moment lies within the call that began it: what was committed before the call is seen, and nothing whose
//     commit was called after it had returned;
//   - nobody else's change of a row that the transaction has changed or locked was committed between that moment
//     and its own commit.
//
// That is snapshot isolation in its strong form, with the first committer winning. It allows write skew.

// span is a call, by the history's clock.
type span struct{ from, to int64 }

// seen is what was read of a row: a stamp, or seenNothing, or seenSomething when only that it was there is known.
type seen struct {
	row   int
	stamp uint32
}

const (
	seenNothing   = uint32(0)
	seenSomething = ^uint32(0)
)

// counterRow is the row whose stamp is a sum of escrow changes.
const counterRow = -1

// done is what a transaction has done itself.
type done struct {
	stamps map[int]uint32 // of the rows it changed, seenNothing for deleted ones
	locked map[int]bool
	delta  uint32 // to the counter
}

func newDone() done { return done{stamps: map[int]uint32{}, locked: map[int]bool{}} }

func (d done) clone() done { return done{maps.Clone(d.stamps), maps.Clone(d.locked), d.delta} }

func (d done) changes() bool { return len(d.stamps) > 0 || d.delta != 0 }

// pastTransaction is one transaction of a history, or a call outside of transactions, which is one by itself.
type pastTransaction struct {
	name     string
	begun    span
	ended    span       // the call that committed it
	position jet.LogPos // of its commit; 0 when nothing was committed
	reads    []seen
	done     done
}

func (t *pastTransaction) String() string {
	return fmt.Sprintf("%s: begun %v, ended %v, commit %v, reads %v, changes %v, locks %v, adds %d",
		t.name, t.begun, t.ended, t.position, t.reads, t.done.stamps, t.done.locked, t.done.delta)
}

// judge gives the rows' stamps after a history that began with start, or says what is wrong with it.
func judge(start map[int]uint32, history []*pastTransaction) (map[int]uint32, error) {
	var commits []*pastTransaction
	for _, t := range history {
		if t.position != 0 {
			commits = append(commits, t)
		}
	}
	slices.SortFunc(commits, func(a, b *pastTransaction) int { return cmp.Compare(a.position, b.position) })
	states := []map[int]uint32{start} // states[n] is after n commits
	for i, t := range commits {
		if i > 0 && t.position == commits[i-1].position {
			return nil, fmt.Errorf("two commits at one position:\n%v\n%v", commits[i-1], t)
		}
		next := maps.Clone(states[i])
		maps.Copy(next, t.done.stamps)
		next[counterRow] += t.done.delta
		states = append(states, next)
	}
	for _, t := range history {
		least, most := 0, len(commits)
		for i, c := range commits {
			if c.ended.to < t.begun.from {
				least = i + 1
			}
			if c == t || c.ended.from > t.begun.to {
				most = min(most, i)
			}
		}
		var why []string
		for n := least; n <= most; n++ {
			text := t.differs(states[n])
			if text == "" {
				text = t.conflicts(commits[n:])
			}
			if text == "" {
				why = nil
				break
			}
			why = append(why, fmt.Sprintf("after %d commits: %s", n, text))
		}
		if why != nil || least > most {
			return nil, fmt.Errorf("no moment between commits %d and %d fits\n%v\n%s\ncommits:\n%s", least, most, t, strings.Join(why, "\n"), listCommits(commits))
		}
	}
	return states[len(commits)], nil
}

// differs says what the transaction read that was not so in the state, "" if all was.
func (t *pastTransaction) differs(state map[int]uint32) string {
	for _, r := range t.reads {
		if now := state[r.row]; now != r.stamp && (r.stamp != seenSomething || now == seenNothing) {
			return fmt.Sprintf("row %d has %#x", r.row, now)
		}
	}
	return ""
}

// conflicts says which of the commits after the transaction's snapshot touched what it changed, "" if none did.
func (t *pastTransaction) conflicts(commits []*pastTransaction) string {
	if t.position == 0 {
		return ""
	}
	for _, c := range commits {
		if c == t {
			break
		}
		for row := range c.done.stamps {
			if _, ok := t.done.stamps[row]; ok || t.done.locked[row] {
				return fmt.Sprintf("row %d was changed by %s", row, c.name)
			}
		}
	}
	return ""
}

func listCommits(commits []*pastTransaction) string {
	var b strings.Builder
	for i, c := range commits {
		fmt.Fprintf(&b, "%d %v\n", i, c)
	}
	return b.String()
}

// TestJudge has the judge of histories tell anomalies from what snapshot isolation allows.
func TestJudge(t *testing.T) {
	// Two transactions A and B, rows 1 and 2, which have the stamps 10 and 20 at first. Times are those of A's
	// begin, B's begin, A's commit, B's commit unless said otherwise.
	type tx = pastTransaction
	a := func(position jet.LogPos, stamps map[int]uint32, reads ...seen) *tx {
		return &tx{name: "A", begun: span{1, 2}, ended: span{5, 6}, position: position, reads: reads, done: done{stamps: stamps}}
	}
	b := func(position jet.LogPos, stamps map[int]uint32, reads ...seen) *tx {
		return &tx{name: "B", begun: span{3, 4}, ended: span{7, 8}, position: position, reads: reads, done: done{stamps: stamps}}
	}
	after := func(t *tx) *tx { t.begun = span{9, 10}; t.ended = span{11, 12}; return t }
	adds := func(t *tx, delta uint32) *tx { t.done.delta = delta; return t }
	locks := func(t *tx, row int) *tx { t.done.locked = map[int]bool{row: true}; return t }
	for name, c := range map[string]struct {
		history []*tx
		wrong   bool
	}{
		"nothing":                   {nil, false},
		"one after one":             {[]*tx{a(1, map[int]uint32{1: 11}, seen{1, 10}), after(b(2, map[int]uint32{1: 12}, seen{1, 11}))}, false},
		"old value":                 {[]*tx{a(1, map[int]uint32{1: 11}, seen{1, 10}), after(b(0, nil, seen{1, 10}))}, true},
		"snapshot":                  {[]*tx{a(1, map[int]uint32{1: 11}), b(0, nil, seen{1, 10})}, false},
		"from the future":           {[]*tx{a(0, nil, seen{1, 12}), after(b(2, map[int]uint32{1: 12}))}, true},
		"committed after the begin": {[]*tx{a(1, map[int]uint32{1: 11}), b(0, nil, seen{1, 11})}, true},
		"dirty read":                {[]*tx{a(0, map[int]uint32{1: 11}), b(0, nil, seen{1, 11})}, true},
		"lost update":               {[]*tx{a(1, map[int]uint32{1: 11}, seen{1, 10}), b(2, map[int]uint32{1: 12}, seen{1, 10})}, true},
		"blind overwrite":           {[]*tx{a(1, map[int]uint32{1: 11}), b(2, map[int]uint32{1: 12})}, true},
		"write skew":                {[]*tx{a(1, map[int]uint32{1: 11}, seen{2, 20}), b(2, map[int]uint32{2: 21}, seen{1, 10})}, false},
		"write skew with locks": {[]*tx{locks(a(1, map[int]uint32{1: 11}, seen{2, 20}), 2),
			locks(b(2, map[int]uint32{2: 21}, seen{1, 10}), 1)}, true},
		"read skew":     {[]*tx{a(1, map[int]uint32{1: 11, 2: 21}), {name: "B", begun: span{3, 6}, reads: []seen{{1, 10}, {2, 21}}}}, true},
		"either":        {[]*tx{a(1, map[int]uint32{1: 11, 2: 21}), {name: "B", begun: span{3, 6}, reads: []seen{{1, 11}, {2, 21}}}}, false},
		"deleted":       {[]*tx{a(1, map[int]uint32{1: 0}), after(b(0, nil, seen{1, seenSomething}))}, true},
		"there":         {[]*tx{a(1, map[int]uint32{1: 11}), after(b(0, nil, seen{1, seenSomething}))}, false},
		"phantom":       {[]*tx{a(1, map[int]uint32{3: 31}), b(0, nil, seen{1, 10}, seen{3, 31})}, true},
		"sum":           {[]*tx{adds(a(1, nil), 3), adds(b(2, nil), 4), after(&tx{reads: []seen{{counterRow, 7}}})}, false},
		"lost addition": {[]*tx{adds(a(1, nil), 3), adds(b(2, nil), 4), after(&tx{reads: []seen{{counterRow, 4}}})}, true},
		"same position": {[]*tx{a(1, map[int]uint32{1: 11}), b(1, map[int]uint32{2: 21})}, true},
	} {
		end, err := judge(map[int]uint32{1: 10, 2: 20}, c.history)
		if (err != nil) != c.wrong {
			t.Errorf("%s: %v, ends with %v", name, err, end)
		}
	}
	end, err := judge(map[int]uint32{1: 10, 2: 20}, []*tx{b(2, map[int]uint32{1: 12, 2: 0}), a(1, map[int]uint32{3: 30})})
	if want := (map[int]uint32{1: 12, 2: 0, 3: 30, counterRow: 0}); err != nil || !maps.Equal(end, want) {
		t.Errorf("ends with %v, %v", end, err)
	}
}
