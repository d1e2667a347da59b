package btree_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"esent/internal/engine/btree"
	"esent/internal/engine/btree/kerneltest"
	"esent/internal/engine/page"
	"esent/internal/engine/space"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// TestConcurrent has several sessions change keys of their own that lie between each other's, with a cache that
// is too small, while versions are cleaned up and pages merged in the background.
func TestConcurrent(t *testing.T) {
	for _, nonUnique := range []bool{false, true} {
		for _, cachePages := range []int{48, 3000} {
			t.Run(fmt.Sprintf("nonunique=%v/cache=%d", nonUnique, cachePages), func(t *testing.T) {
				concurrent(t, nonUnique, cachePages)
			})
		}
	}
}

func concurrent(t *testing.T, nonUnique bool, cachePages int) {
	k := kerneltest.New(t, kerneltest.Options{CachePages: cachePages, Background: true, Pages: 46, Extension: 16})
	flags := page.Flags(0)
	if nonUnique {
		flags = page.FlagIndex | page.FlagNonUnique
	}
	tree := k.Create(k.Root, space.TreeOptions{Flags: flags})
	const workers = 4
	rounds := 150
	if testing.Short() {
		rounds = 40
	}
	models := make([]map[string][]byte, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			models[w] = worker(t, k, tree, w, workers, rounds, nonUnique)
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	k.Clean()
	whole := map[string][]byte{}
	for _, m := range models {
		for key, d := range m {
			whole[key] = d
		}
	}
	c, s := cursor(tree), k.Session
	n := 0
	for err := c.First(s); err == nil; err = c.Next(s) {
		if !bytes.Equal(whole[string(c.Key())], data(t, c, s)) {
			t.Fatalf("%x = %x, the model has %x", c.Key(), data(t, c, s), whole[string(c.Key())])
		}
		n++
	}
	if n != len(whole) {
		t.Fatalf("%d nodes, the model has %d", n, len(whole))
	}
	k.CheckSpace(k.Root, map[*btree.Tree][]*btree.Tree{k.Root: {tree}})
	k.Replay()
}

// worker changes the keys whose number modulo step is w. In non-unique trees each key has one node.
func worker(t *testing.T, k *kerneltest.Kernel, tree *btree.Tree, w, step, rounds int, nonUnique bool) map[string][]byte {
	rng := rand.New(rand.NewPCG(uint64(w), 7))
	s := k.NewSession()
	c := cursor(tree)
	rows := map[string][]byte{}
	check := func(err error, what string) bool {
		if err != nil {
			t.Errorf("worker %d, %s: %v", w, what, err)
		}
		return err == nil
	}
	for round := range rounds {
		if t.Failed() {
			return rows
		}
		if !check(s.Begin(), "begin") {
			return rows
		}
		saved := map[string][]byte{}
		for key, d := range rows {
			saved[key] = d
		}
		shrink := round%50 > 30
		for range 40 {
			key := key32(rng.IntN(2000)*step + w)
			d := make([]byte, 1+rng.IntN(200))
			d[0] = byte(rng.IntN(256))
			old, have := rows[string(key)]
			if !have {
				if shrink {
					continue
				}
				if !check(c.Insert(s, key, d, 0), "insert") {
					return rows
				}
				rows[string(key)] = d
				continue
			}
			var mark []byte
			if nonUnique {
				mark = old
			}
			m, err := c.Seek(s, key, mark, btree.EQ)
			if !check(err, "seek") {
				return rows
			}
			if m != btree.Equal || !bytes.Equal(data(t, c, s), old) {
				t.Errorf("worker %d: %x is not found, or with other data", w, key)
				return rows
			}
			if !nonUnique && !shrink && rng.IntN(2) == 0 {
				if !check(c.Replace(s, d, 0), "replace") {
					return rows
				}
				rows[string(key)] = d
				continue
			}
			if !check(c.FlagDelete(s, 0), "delete") {
				return rows
			}
			delete(rows, string(key))
		}
		if rng.IntN(5) == 0 {
			if !check(s.Rollback(), "rollback") {
				return rows
			}
			rows = saved
			continue
		}
		if _, err := s.Commit(); !check(err, "commit") {
			return rows
		}
	}
	return rows
}

// TestSnapshots has readers add up balances while writers move money between accounts, delete and insert them
// again, and splits and merges happen around: every snapshot has the same sum.
func TestSnapshots(t *testing.T) {
	k := kerneltest.New(t, kerneltest.Options{CachePages: 400, Background: true})
	tree := k.Create(k.Root, space.TreeOptions{})
	const accounts, start = 150, 1000
	c := cursor(tree)
	row := func(v int64, pad int) []byte {
		return append(binary.LittleEndian.AppendUint64(nil, uint64(v)), make([]byte, pad)...)
	}
	account := func(i int) []byte { return append(key32(i*3), 'a') }
	k.Must(k.Session.Begin())
	for i := range accounts {
		k.Must(c.Insert(k.Session, account(i), row(start, 30), 0))
	}
	k.Commit(k.Session)
	var stop atomic.Bool
	var moves, conflicts atomic.Int64
	var wg sync.WaitGroup
	for w := range 2 {
		wg.Go(func() {
			defer stop.Store(true)
			rng := rand.New(rand.NewPCG(uint64(w), 9))
			s := k.NewSession()
			c := cursor(tree)
			n := 1500
			if testing.Short() {
				n = 400
			}
			for range n {
				if t.Failed() {
					return
				}
				a, b := rng.IntN(accounts), rng.IntN(accounts)
				if a == b {
					continue
				}
				s.Begin()
				amount := int64(rng.IntN(50))
				err := addTo(c, s, account(a), -amount, rng, row)
				if err == nil {
					err = addTo(c, s, account(b), amount, rng, row)
				}
				for i := 0; err == nil && i < 5; i++ {
					// Other rows come and go between the accounts.
					key := append(key32(rng.IntN(accounts*3)), 'x', byte(rng.IntN(200)))
					if m, e := c.Seek(s, key, nil, btree.EQ); e != nil {
						err = e
					} else if m == btree.Equal {
						err = c.FlagDelete(s, 0)
					} else {
						err = c.Insert(s, key, make([]byte, 1+rng.IntN(300)), 0)
					}
				}
				switch code := jet.CodeOf(err); {
				case err == nil && rng.IntN(10) > 0:
					if _, err := s.Commit(); err != nil {
						t.Error(err)
						return
					}
					moves.Add(1)
				case err == nil, code == jet.ErrWriteConflict, code == jet.ErrKeyDuplicate, code == jet.ErrRecordDeleted:
					conflicts.Add(1)
					if err := s.Rollback(); err != nil {
						t.Error(err)
						return
					}
				default:
					t.Errorf("writer: %v", err)
					return
				}
			}
		})
	}
	for r := range 2 {
		wg.Go(func() {
			s := k.NewSession()
			c := cursor(tree)
			for !stop.Load() && !t.Failed() {
				s.Begin()
				for range 2 {
					if sum, n := total(t, c, s, r == 1); sum != accounts*start || n != accounts {
						t.Errorf("a snapshot has %d in %d accounts", sum, n)
					}
				}
				s.Rollback()
			}
		})
	}
	wg.Wait()
	t.Logf("%d moves, %d conflicts and rollbacks", moves.Load(), conflicts.Load())
	k.Clean()
	if sum, n := total(t, c, k.Session, false); sum != accounts*start || n != accounts {
		t.Errorf("at the end %d in %d accounts", sum, n)
	}
	k.CheckSpace(k.Root, map[*btree.Tree][]*btree.Tree{k.Root: {tree}})
	k.Replay()
}

// addTo changes a balance by a replace, or by deleting the row and inserting it again.
func addTo(c *btree.Cursor, s *version.Session, key []byte, amount int64, rng *rand.Rand, row func(int64, int) []byte) error {
	m, err := c.Seek(s, key, nil, btree.EQ)
	if err != nil {
		return err
	}
	if m != btree.Equal {
		return jet.ErrDatabaseCorrupted.Errorf("an account is missing")
	}
	var v uint64
	for {
		d, err := c.Data(s)
		if err != nil {
			return err
		}
		v = binary.LittleEndian.Uint64(d)
		if c.Valid() {
			break
		}
	}
	next := row(int64(v)+amount, rng.IntN(200))
	if rng.IntN(4) > 0 {
		return c.Replace(s, next, 0)
	}
	if err := c.FlagDelete(s, 0); err != nil {
		return err
	}
	return c.Insert(s, key, next, 0)
}

func total(t *testing.T, c *btree.Cursor, s *version.Session, back bool) (sum int64, n int) {
	move, err := c.Next, c.First(s)
	if back {
		move, err = c.Prev, c.Last(s)
	}
	var last []byte
	for ; err == nil; err = move(s) {
		key := bytes.Clone(c.Key())
		if last != nil && (bytes.Compare(last, key) < 0) == back {
			t.Errorf("%x after %x", key, last)
		}
		last = key
		if len(key) != 6 || key[5] != 'a' {
			continue
		}
		for {
			d, err := c.Data(s)
			if err != nil {
				t.Errorf("data of %x: %v", key, err)
				return 0, 0
			}
			v := int64(0)
			if len(d) >= 8 {
				v = int64(binary.LittleEndian.Uint64(d))
			}
			if c.Valid() {
				sum, n = sum+v, n+1
				break
			}
		}
	}
	if jet.CodeOf(err) != jet.ErrNoCurrentRecord {
		t.Errorf("scan: %v", err)
	}
	return sum, n
}
