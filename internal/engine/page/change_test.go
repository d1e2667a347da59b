package page

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// node is a line of the model: what a page must hold.
type node struct {
	key, data []byte
	flags     NodeFlags
}

func checkModel(t *testing.T, p Page, model []node) {
	t.Helper()
	if err := p.Check(5); err != nil {
		t.Fatal(err)
	}
	if p.Lines() != len(model) {
		t.Fatalf("%d lines, want %d", p.Lines(), len(model))
	}
	for i, want := range model {
		n := p.Line(i)
		key := n.AppendKey(nil)
		if !bytes.Equal(key, want.key) || !bytes.Equal(n.Data, want.data) || n.Flags&^NodeCompressed != want.flags {
			t.Fatalf("line %d: %x=%x flags %d, want %x=%x flags %d", i, key, n.Data, n.Flags, want.key, want.data, want.flags)
		}
		if q := p.CommonPrefix(key); q != len(n.Prefix) {
			t.Fatalf("line %d: prefix of %d, want %d", i, len(n.Prefix), q)
		}
		if p.LineFlags(i) != n.Flags || p.KeyLen(i) != len(key) || !bytes.Equal(p.LineData(i), n.Data) {
			t.Fatalf("line %d: accessors differ", i)
		}
	}
}

// TestOperations drives random operations on pages of all sizes against a slice.
func TestOperations(t *testing.T) {
	for _, size := range []int{4096, 8192, 16384, 32768} {
		for seed := range uint64(6) {
			t.Run(fmt.Sprintf("size=%d/seed=%d", size, seed), func(t *testing.T) {
				operate(t, size, rand.New(rand.NewPCG(seed, uint64(size))))
			})
		}
	}
}

func operate(t *testing.T, size int, r *rand.Rand) {
	nonUnique := r.IntN(2) == 0
	cbMax := []int{12, 100, size / 8}[r.IntN(3)]
	alphabet := 2 + r.IntN(4)
	randomKey := func() []byte {
		key := make([]byte, 1+r.IntN(14))
		for i := range key {
			key[i] = byte(r.IntN(alphabet) * 0x55)
		}
		return key
	}
	randomData := func() []byte {
		data := make([]byte, 1+r.IntN(cbMax))
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		return data
	}
	p := Page(make([]byte, size))
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	flags := FlagLeaf
	if nonUnique {
		flags |= FlagIndex | FlagNonUnique
	}
	p.Init(5, 8, 0x46, flags, r.IntN(2) == 0)
	var model []node
	order := func(a, b node) int {
		if c := bytes.Compare(a.key, b.key); c != 0 || !nonUnique {
			return c
		}
		return bytes.Compare(a.data, b.data)
	}
	search := func(n node) (int, bool) {
		i, found := slices.BinarySearchFunc(model, n, order)
		if got, exact := p.SearchLeaf(n.key, n.data, nonUnique); got != i || exact != found {
			t.Fatalf("search %x %x: %d, %v, want %d, %v", n.key, n.data, got, exact, i, found)
		}
		return i, found
	}
	room := func(i int, n node) bool {
		// The new data must keep the order.
		return (i == 0 || order(model[i-1], n) < 0) && (i+1 == len(model) || order(n, model[i+1]) < 0)
	}
	for step := range 2000 {
		switch op := r.IntN(20); {
		case op < 9:
			n := node{randomKey(), randomData(), NodeFlags(r.IntN(4))}
			i, found := search(n)
			if found {
				continue
			}
			if i < len(model) && p.CompareBookmark(i, n.key, n.data) == 0 {
				t.Fatal("CompareBookmark does not agree with the search")
			}
			cb := p.NodeSize(n.key, len(n.data))
			fits := p.Fits(cb)
			cut := r.IntN(len(n.data) + 1)
			before := p.CbFree()
			err := p.InsertLine(i, n.key, n.flags|NodeFlags(r.IntN(2))*NodeCompressed, n.data[:cut], nil, n.data[cut:])
			if (err == nil) != fits {
				t.Fatalf("insert of %d bytes with %d free: %v", cb, before, err)
			}
			if err == nil {
				model = slices.Insert(model, i, n)
				if p.CbFree() != before-cb {
					t.Fatalf("insert took %d bytes, want %d", before-p.CbFree(), cb)
				}
			}
		case op < 13 && len(model) > 0:
			i := r.IntN(len(model))
			n := node{model[i].key, randomData(), model[i].flags}
			if !room(i, n) {
				continue
			}
			fits := len(n.data)-len(model[i].data) <= p.CbFree()
			cut := r.IntN(len(n.data) + 1)
			if err := p.ReplaceData(i, n.data[:cut], n.data[cut:]); (err == nil) != fits {
				t.Fatalf("replace: %v", err)
			} else if err == nil {
				model[i] = n
			}
		case op < 16 && len(model) > 0:
			i := r.IntN(len(model))
			if err := p.DeleteLine(i); err != nil {
				t.Fatal(err)
			}
			model = slices.Delete(model, i, i+1)
		case op == 16 && len(model) > 0:
			i := r.IntN(len(model))
			model[i].flags = NodeFlags(r.IntN(4))
			p.SetLineFlags(i, model[i].flags|NodeFlags(r.IntN(2))*NodeCompressed)
		case op == 17 && len(model) > 0:
			i := r.IntN(len(model))
			n := node{randomKey(), model[i].data, model[i].flags}
			if !room(i, n) {
				continue
			}
			if err := p.ReplaceKey(i, n.key); err == nil {
				model[i] = n
			}
		case op == 18 && r.IntN(8) == 0:
			var prefix []byte
			if r.IntN(4) > 0 {
				prefix = randomKey()
				if len(model) > 0 && r.IntN(2) == 0 {
					prefix = model[r.IntN(len(model))].key
				}
			}
			before := slices.Clone(p)
			if err := p.SetPrefix(prefix); err != nil {
				if !bytes.Equal(before, p) {
					t.Fatal("a failed SetPrefix changed the page")
				}
			} else if !bytes.Equal(p.PrefixKey(), prefix) {
				t.Fatal("other prefix")
			}
		case op == 19 && r.IntN(10) == 0:
			if err := p.Reorganize(); err != nil {
				t.Fatal(err)
			}
			if p.contiguous() != p.CbFree() {
				t.Fatal("free space is not contiguous")
			}
		}
		if step%8 == 0 || size == 4096 {
			checkModel(t, p, model)
		}
	}
	checkModel(t, p, model)
	if err := p.CheckOrder(); err != nil {
		t.Fatal(err)
	}
	image := p.Dehydrate(nil)
	q := Page(make([]byte, size))
	if err := q.Rehydrate(image); err != nil {
		t.Fatal(err)
	}
	checkModel(t, q, model)

	// A split: the upper lines move to another page with another prefix.
	half := len(model) / 2
	q.Init(5, 8, 0x47, FlagLeaf, false)
	if half < len(model) {
		if err := q.SetExtHeader(model[half].key); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.CopyLines(p, half, len(model)); err == nil {
		checkModel(t, q, model[half:])
	}
	if err := p.TruncateLines(half); err != nil {
		t.Fatal(err)
	}
	checkModel(t, p, model[:half])
	for p.Lines() > 0 {
		if err := p.DeleteLine(0); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.SetExtHeader(nil); err != nil {
		t.Fatal(err)
	}
	if p.CbFree() != Capacity(size) {
		t.Fatalf("%d bytes free on an empty page", p.CbFree())
	}
}

// TestSearchInternal compares the search for a child with its definition.
func TestSearchInternal(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	text := func(n int) []byte {
		b := make([]byte, r.IntN(n))
		for i := range b {
			b[i] = byte(r.IntN(3) * 0x7F)
		}
		return b
	}
	for _, size := range []int{4096, 32768} {
		for range 300 {
			p := Page(make([]byte, size))
			p.Init(5, 8, 0x46, FlagParentOfLeaf, false)
			if err := p.SetExtHeader(text(12)); err != nil {
				t.Fatal(err)
			}
			keys := make([][]byte, 1+r.IntN(40))
			for i := range keys {
				keys[i] = append(text(20), 1)
			}
			slices.SortFunc(keys, bytes.Compare)
			keys = slices.CompactFunc(keys, bytes.Equal)
			open := r.IntN(2) == 0
			if open {
				keys[len(keys)-1] = nil
			}
			for i, k := range keys {
				if err := p.InsertLine(i, k, 0, []byte{byte(i + 1), 0, 0, 0}); err != nil {
					t.Fatal(err)
				}
			}
			for range 100 {
				mark := text(24)
				if r.IntN(3) == 0 {
					mark = slices.Clone(keys[r.IntN(len(keys))])
				}
				want := slices.IndexFunc(keys, func(k []byte) bool { return bytes.Compare(k, mark) > 0 })
				if want < 0 {
					want = len(keys)
					if open {
						want--
					}
				}
				cut := r.IntN(len(mark) + 1)
				if got := p.SearchInternal(mark[:cut], mark[cut:]); got != want {
					t.Fatalf("search for %x|%x in %x with prefix %x: %d, want %d", mark[:cut], mark[cut:], keys, p.PrefixKey(), got, want)
				}
				if want < len(keys) && int(p.Child(want)) != want+1 {
					t.Fatal("wrong child")
				}
			}
		}
	}
}

// TestChoosePrefix compares the linear algorithm with trying every line.
func TestChoosePrefix(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		keys := make([][]byte, r.IntN(12))
		for i := range keys {
			keys[i] = make([]byte, 1+r.IntN(12))
			for j := range keys[i] {
				keys[i][j] = byte(r.IntN(2) * r.IntN(2))
			}
		}
		slices.SortFunc(keys, bytes.Compare)
		common := make([]int, len(keys))
		for i := 1; i < len(keys); i++ {
			common[i] = commonLen(keys[i], keys[i-1])
		}
		best := 0
		saves := func(p int) int {
			sum := -2
			for i := range keys {
				if i != p {
					sum += max(0, commonLen(keys[i], keys[p])-2)
				}
			}
			return sum
		}
		for p := range keys {
			best = max(best, saves(p))
		}
		line, saving := ChoosePrefix(common)
		if saving != best || (line >= 0) != (best > 0) || line >= 0 && saves(line) != best {
			t.Fatalf("%x: line %d saves %d, want %d", keys, line, saving, best)
		}
	}
	if line, _ := ChoosePrefix([]int{0, 5}); line != 1 {
		t.Errorf("of two lines with a long common key, line %d", line)
	}
	if line, _ := ChoosePrefix([]int{0, 4}); line != -1 {
		t.Errorf("of two lines with a short common key, line %d", line)
	}
}

func TestSeparator(t *testing.T) {
	for _, c := range []struct{ aKey, aData, bKey, bData, want string }{
		{"abc", "1", "abd", "1", "abd"},
		{"abc", "1", "b", "1", "b"},
		{"ab", "1", "abcdef", "1", "abc"},
		{"ab", "123", "ab", "1299", "ab129"},
		{"ab", "12", "ab", "1299", "ab129"},
	} {
		for split := range 3 {
			a := Node{Prefix: []byte(c.aKey)[:min(split, len(c.aKey))], Suffix: []byte(c.aKey)[min(split, len(c.aKey)):], Data: []byte(c.aData)}
			b := Node{Prefix: []byte(c.bKey)[:min(2-split, len(c.bKey))], Suffix: []byte(c.bKey)[min(2-split, len(c.bKey)):], Data: []byte(c.bData)}
			got, err := AppendSeparator([]byte("x"), &a, &b)
			if err != nil || string(got) != "x"+c.want {
				t.Errorf("between %s and %s: %s, %v; want %s", c.aKey+c.aData, c.bKey+c.bData, got, err, c.want)
			}
			if got := cmp.Compare(compareNodes(&a, &b), 0); got != bytes.Compare([]byte(c.aKey), []byte(c.bKey)) {
				t.Errorf("order of %s and %s: %d", c.aKey, c.bKey, got)
			}
		}
	}
	same := Node{Suffix: []byte("ab"), Data: []byte("1")}
	if _, err := AppendSeparator(nil, &same, &same); err == nil {
		t.Error("separator between equal nodes")
	}
}

func TestNoAllocation(t *testing.T) {
	p, keys := filled(4096, 9, 8, FlagLeaf, []byte{0x7F, 0x80, 0, 0})
	p.Seal(31, 1)
	data := make([]byte, 8)
	if n := testing.AllocsPerRun(100, func() {
		p.SearchLeaf(keys[7], data, true)
		p.SearchInternal(keys[7], data)
		line := p.Line(7)
		line.CompareKey(keys[7])
		_ = p.DeleteLine(7)
		_ = p.InsertLine(7, keys[7], 0, data[:4], data[4:])
		_ = p.ReplaceData(7, data[:4], data[4:])
		_ = p.Check(31)
		p.Seal(31, 1)
		_, _ = p.Verify(31, true)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
