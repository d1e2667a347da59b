package simtest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// skips are ranges of steps that are left out, by rising number.
type skips [][2]int

func (s skips) has(n int) bool {
	return slices.ContainsFunc(s, func(r [2]int) bool { return r[0] <= n && n <= r[1] })
}

// String is the form that parseSkips reads: 3-5,9.
func (s skips) String() string {
	var list []string
	for _, r := range s {
		if r[0] == r[1] {
			list = append(list, fmt.Sprint(r[0]))
		} else {
			list = append(list, fmt.Sprintf("%d-%d", r[0], r[1]))
		}
	}
	return strings.Join(list, ",")
}

func parseSkips(text string) (s skips, err error) {
	if text == "" {
		return nil, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		from, to, found := strings.Cut(part, "-")
		if !found {
			to = from
		}
		a, err := strconv.Atoi(from)
		if err != nil {
			return nil, err
		}
		b, err := strconv.Atoi(to)
		if err != nil {
			return nil, err
		}
		s = append(s, [2]int{a, b})
	}
	return s, nil
}

// with is s and some more steps, which s does not have.
func (s skips) with(steps []int) skips {
	all := append(skips{}, s...)
	for _, n := range steps {
		all = append(all, [2]int{n, n})
	}
	slices.SortFunc(all, func(a, b [2]int) int { return a[0] - b[0] })
	var out skips
	for _, r := range all {
		if k := len(out) - 1; k >= 0 && r[0] <= out[k][1]+1 {
			out[k][1] = max(out[k][1], r[1])
		} else {
			out = append(out, r)
		}
	}
	return out
}

// shrink leaves out steps of a run that fails while it goes on failing, in at most so many attempts. steps are those that
// the run makes.
func shrink(steps []int, attempts int, fails func(skips) bool) skips {
	var s skips
	for size := (len(steps) + 1) / 2; size > 0; size /= 2 {
		for from := len(steps) - size; ; from -= size {
			lo, hi := max(from, 0), from+size
			if hi <= 0 {
				break
			}
			hi = min(hi, len(steps))
			if lo >= hi {
				continue
			}
			if attempts == 0 {
				return s
			}
			attempts--
			if next := s.with(steps[lo:hi]); fails(next) {
				s = next
				steps = slices.Delete(slices.Clone(steps), lo, hi)
			}
		}
	}
	return s
}
