package btree_test

import (
	"encoding/binary"
	"sync/atomic"
	"testing"

	"esent/internal/engine/btree/kerneltest"
	"esent/internal/engine/space"
)

// TestDeltaRolledBackBesideReaders has a session add to a number and take that back all the time: others read the
// number without it at every moment.
func TestDeltaRolledBackBesideReaders(t *testing.T) {
	k := kerneltest.New(t, kerneltest.Options{})
	tree := k.Create(k.Root, space.TreeOptions{})
	const start = 1000
	c, s := cursor(tree), k.Session
	k.Must(s.Begin())
	k.Must(c.Insert(s, key32(1), binary.LittleEndian.AppendUint32(nil, start), 0))
	k.Commit(s)
	var done atomic.Bool
	writer, failed := k.NewSession(), make(chan error, 1)
	go func() {
		defer done.Store(true)
		c := cursor(tree)
		for range 20000 {
			err := writer.Begin()
			if err == nil {
				_, err = c.Seek(writer, key32(1), nil, 0)
			}
			if err == nil {
				_, err = c.Delta(writer, 0, 7, false, 0)
			}
			if err == nil {
				err = writer.Rollback()
			}
			if err != nil {
				failed <- err
				return
			}
		}
		failed <- nil
	}()
	reads := 0
	for !done.Load() && !t.Failed() {
		k.Must(s.Begin())
		if _, err := c.Seek(s, key32(1), nil, 0); err != nil {
			t.Fatal(err)
		}
		for {
			d, err := c.Data(s)
			if err != nil {
				t.Fatal(err)
			}
			n := int64(binary.LittleEndian.Uint32(d))
			node := c.Node()
			n -= k.Versions.ForeignDelta(s, &node, 0)
			if !c.Valid() {
				continue
			}
			if n != start {
				t.Errorf("read %d after %d reads", n, reads)
			}
			reads++
			break
		}
		k.Must(s.Rollback())
	}
	if err := <-failed; err != nil {
		t.Error(err)
	}
	t.Logf("%d reads", reads)
}
