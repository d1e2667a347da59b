package btree_test

import (
	"encoding/binary"
	"sync/atomic"
	"testing"

	"esent/internal/engine/btree"
	"esent/internal/engine/btree/kerneltest"
	"esent/internal/engine/space"
	"esent/internal/engine/version"
)

// TestDeltaBesideReaders has a session add to a number all the time in transactions that leave it as it was: others
// read it so at every moment.
func TestDeltaBesideReaders(t *testing.T) {
	rolledBack := func(s *version.Session, c *btree.Cursor) error {
		_, err := c.Delta(s, 0, 7, false, 0)
		if err == nil {
			err = s.Rollback()
		}
		return err
	}
	committed := func(s *version.Session, c *btree.Cursor) error {
		err := error(nil)
		for i := 0; err == nil && i < 20; i++ { // many, so that a look at them takes a while
			if _, err = c.Delta(s, 0, 7, false, 0); err == nil {
				_, err = c.Delta(s, 0, -7, false, 0)
			}
		}
		if err == nil {
			_, err = s.Commit()
		}
		return err
	}
	for name, change := range map[string]func(*version.Session, *btree.Cursor) error{"rolled back": rolledBack, "committed": committed} {
		t.Run(name, func(t *testing.T) {
			t.Run("snapshot", func(t *testing.T) { deltaBesideReader(t, change, true) })
			t.Run("no transaction", func(t *testing.T) { deltaBesideReader(t, change, false) })
		})
	}
}

// deltaBesideReader makes the change of the present node again and again, each time in a transaction that it ends,
// while another session reads.
func deltaBesideReader(t *testing.T, change func(*version.Session, *btree.Cursor) error, snapshot bool) {
	k := kerneltest.New(t, kerneltest.Options{Background: true})
	tree := k.Create(k.Root, space.TreeOptions{})
	const start, rounds = 1000, 400
	c, s := cursor(tree), k.Session
	k.Must(s.Begin())
	k.Must(c.Insert(s, key32(1), binary.LittleEndian.AppendUint32(nil, start), 0))
	k.Commit(s)
	var done atomic.Bool
	writer, ended := k.NewSession(), make(chan error)
	go func() {
		c := cursor(tree)
		err := error(nil)
		for n := 0; err == nil && n < rounds; n++ {
			if err = writer.Begin(); err == nil {
				_, err = c.Seek(writer, key32(1), nil, btree.EQ)
			}
			if err == nil {
				err = change(writer, c)
			}
		}
		done.Store(true)
		ended <- err
	}()
	reads := 0
	for ; !done.Load() && !t.Failed(); reads++ {
		if snapshot {
			k.Must(s.Begin())
		}
		_, err := c.Seek(s, key32(1), nil, btree.EQ)
		k.Must(err)
		if n := deltaRead(t, k, c, s); n != start {
			t.Errorf("read %d after %d reads", n, reads)
		}
		if snapshot {
			k.Must(s.Rollback())
		}
	}
	k.Must(<-ended)
	t.Logf("%d reads", reads)
}

// deltaRead reads the number of the present node without the changes of others that s must not see.
func deltaRead(t *testing.T, k *kerneltest.Kernel, c *btree.Cursor, s *version.Session) int64 {
	for {
		d, err := c.Data(s)
		if err != nil {
			t.Fatal(err)
		}
		n := int64(binary.LittleEndian.Uint32(d))
		node := c.Node()
		n -= k.Versions.ForeignDelta(s, &node, 0)
		if c.Valid() {
			return n
		}
	}
}
