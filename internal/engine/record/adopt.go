package record

// Adopt ties the buffer to a newer schema of the same table: one with more columns.
func (b *Buffer) Adopt(s *Schema) { b.schema = s }

// Restore puts back a record that was taken from the buffer. The columns that were set stay noted.
func (b *Buffer) Restore(rec []byte) { b.data = append(b.data[:0], rec...) }
