package cache

// Abandon gives the cache up after a defect: whoever met it may have left latches behind and pages half changed.
// No page is written any more, and who waits for a latch, or comes to wait for one, gets ErrInstanceUnavailable.
// It never waits. What is left is Halt, and nothing else: the frames keep their memory, as somebody may still look
// at them.
func (m *Manager) Abandon() { m.abandoned.Store(true) }

// Halt ends the tasks of a cache that was given up.
func (m *Manager) Halt() {
	m.writer.Stop()
	m.ahead.task.Stop()
}
