package btree

import "esent/internal/engine/version"

// StepHeld moves by the way that is taken when the cache is short of frames.
func (c *Cursor) StepHeld(s *version.Session, back bool) error { return c.stepHeld(s, back) }
