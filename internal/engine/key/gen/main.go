// Command gen makes weights.bin, the table of Unicode sort weights that package key embeds, from sortweights.tsv.
//
// The file is an array of 65536 little-endian words, one for each UTF-16 unit: SM<<24 | AW<<16 | DW<<8 | CW, 0 for a
// unit without weights. A unit that expands to others has SM 02, AW = number of words, low 16 bits = index of the first
// of them in the array of expansions that follows; expansions of expansions are resolved.
package main

import (
	"bufio"
	"encoding/binary"
	"flag"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
)

const (
	units       = 65536
	smExpansion = 2
	// The tsv's case weights C0 and up mark contractions, which the default table has none of.
	contractionMark = 0xC0
	depthMost       = 4
)

func main() {
	in := flag.String("in", "", "sortweights.tsv")
	out := flag.String("out", "", "table to write")
	flag.Parse()
	if err := run(*in, *out); err != nil {
		log.Fatal(err)
	}
}

func run(in, out string) error {
	f, err := os.Open(in)
	if err != nil {
		return err
	}
	defer f.Close()
	table := make([]uint32, units)
	pairs := map[uint32][2]uint32{}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, "unit\t") {
			continue
		}
		if err := parse(line, table, pairs); err != nil {
			return fmt.Errorf("%s:%d: %w", in, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	var expansions []uint32
	for unit := range uint32(units) {
		if _, ok := pairs[unit]; !ok {
			continue
		}
		words, err := expand(unit, table, pairs, 0)
		if err != nil {
			return err
		}
		if len(expansions) >= units {
			return fmt.Errorf("more than %d expansion words", units)
		}
		table[unit] = smExpansion<<24 | uint32(len(words))<<16 | uint32(len(expansions))
		expansions = append(expansions, words...)
	}
	var b []byte
	for _, w := range append(table, expansions...) {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return os.WriteFile(out, b, 0o644)
}

// parse reads one line: unit and four weights, or unit, 02 and the two units of an expansion.
func parse(line string, table []uint32, pairs map[uint32][2]uint32) error {
	fields := strings.Fields(line)
	if len(fields) < 4 {
		return fmt.Errorf("%d fields", len(fields))
	}
	var v [5]uint32
	for i, s := range fields {
		n, err := strconv.ParseUint(s, 16, 16)
		if err != nil {
			return err
		}
		v[i] = uint32(n)
	}
	if v[1] == smExpansion {
		pairs[v[0]] = [2]uint32{v[2], v[3]}
		return nil
	}
	if len(fields) != 5 || v[1]|v[2]|v[3]|v[4] > 0xFF || v[4] >= contractionMark {
		return fmt.Errorf("weights %q", fields)
	}
	table[v[0]] = v[1]<<24 | v[2]<<16 | v[3]<<8 | v[4]
	return nil
}

func expand(unit uint32, table []uint32, pairs map[uint32][2]uint32, depth int) ([]uint32, error) {
	pair, ok := pairs[unit]
	if !ok {
		return []uint32{table[unit]}, nil
	}
	if depth == depthMost {
		return nil, fmt.Errorf("expansion of %04X does not end", unit)
	}
	var words []uint32
	for _, u := range pair {
		w, err := expand(u, table, pairs, depth+1)
		if err != nil {
			return nil, err
		}
		words = append(words, w...)
	}
	return words, nil
}
