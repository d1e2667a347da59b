package lv

import (
	"bytes"

	"esent/internal/engine/btree"
	"esent/internal/engine/page"
	"esent/internal/engine/version"
	"esent/internal/jet"
)

// Settled is what btree.Kernel.OnDelta is to call for version entries of trees of long values: a change of a
// reference count is committed and seen by all. A value that nobody refers to any more is removed.
func Settled(s *version.Session, t *btree.Tree, r *version.RCE) error {
	if t.Flags&page.FlagLongValue == 0 || r.Delta >= 0 || r.Offset != rootRefs {
		return nil
	}
	return Reap(s, t, r.Key)
}

// Reap removes the value with a root's key if its count is 0 and no version of the root is left: no session can
// refer to it again. All goes at once, without versions: clean-up, which runs this, must not wait for itself. The root is
// deleted last, so that a crash leaves a value without references, which costs space and no more (spec chapter 03, 18.5).
func Reap(s *version.Session, t *btree.Tree, key []byte) error {
	if _, isRoot, _, err := parseKey(key); err != nil || !isRoot {
		return err
	}
	if err := s.BeginInner(); err != nil {
		return err
	}
	if err := reap(s, t, key); err != nil {
		if e := s.Rollback(); e != nil {
			return e
		}
		return err
	}
	_, err := s.Commit()
	return err
}

func reap(s *version.Session, t *btree.Tree, key []byte) error {
	var c Cursor
	c.bt.Init(t)
	m, err := c.bt.Seek(s, key, nil, btree.EQ)
	if err != nil || m != btree.Equal {
		return err
	}
	r, err := readRoot(&c, &c.bt, s)
	if err != nil || r.refs != 0 && r.refs != refsDeleting {
		return err
	}
	n := c.bt.Node()
	if t.DB.Kernel.Versions.HasVersions(&n) {
		return nil // the clean-up of those comes here again
	}
	if err := removeChunks(s, t, key); err != nil {
		return err
	}
	if m, err = c.bt.Seek(s, key, nil, btree.EQ); err != nil || m != btree.Equal {
		return err
	}
	if err := c.bt.FlagDelete(s, btree.Unversioned); err != nil {
		return err
	}
	return t.CleanUp(s, key, nil)
}

// removeChunks deletes all nodes behind a root whose keys begin with the root's.
func removeChunks(s *version.Session, t *btree.Tree, key []byte) error {
	var c btree.Cursor
	c.Init(t)
	c.SetGap(key, nil)
	var last []byte
	for {
		err := c.Next(s)
		if err == jet.ErrNoCurrentRecord || err == nil && !bytes.HasPrefix(c.Key(), key) {
			break
		}
		if err != nil {
			return err
		}
		last = append(last[:0], c.Key()...)
		if err := c.FlagDelete(s, btree.Unversioned); err != nil {
			return err
		}
		// What can be removed on the page goes when the page is full of deleted nodes: with this node, since chunks
		// take a page or a good part of it.
		if err := t.CleanUp(s, last, nil); err != nil {
			return err
		}
		c.SetGap(last, nil)
	}
	return nil
}
