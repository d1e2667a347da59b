package catalog

// Attachment is what the engine keeps with a table's descriptor as long as that is in memory.
type Attachment interface {
	// Gone is called once, when the descriptor is given up. Nobody has the table open.
	Gone()
}

// attachment is an Attachment in the descriptor.
type attachment struct{ Attachment }

// Attached is what is kept with the descriptor, nil for nothing.
func (t *Table) Attached() Attachment {
	if a := t.attached.Load(); a != nil {
		return a.Attachment
	}
	return nil
}

// Attach gives what is kept with the descriptor, and makes it if there is nothing yet.
func (t *Table) Attach(make func() Attachment) Attachment {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.attached.Load()
	if a == nil {
		a = &attachment{make()}
		t.attached.Store(a)
	}
	return a.Attachment
}

// detach tells the attachment that the descriptor is given up.
func (t *Table) detach() {
	if a := t.attached.Swap(nil); a != nil {
		a.Gone()
	}
}
