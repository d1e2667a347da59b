package simtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// tally counts what runs have done, by name.
type tally map[string]int

// add adds the counts of another one.
func (t tally) add(o tally) {
	for name, n := range o {
		t[name] += n
	}
}

// String lists the counts by name.
func (t tally) String() string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(t)) {
		list = append(list, fmt.Sprintf("%s %d", name, t[name]))
	}
	return strings.Join(list, ", ")
}
