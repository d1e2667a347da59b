// Package record turns column values into the bytes of a record and back (spec chapter 04, 1 to 6).
//
// It owns the layout of a primary node's data: fixed, variable and tagged columns, NULL and default values,
// multi-values, and the place of long values within the record. A Schema says what must be known of a table, a
// record is read in place by Schema's methods, and written in a Buffer, the copy buffer of an update.
//
// It promises that reading never panics and never reads outside the given bytes, whatever they are and even
// while they change, so that a record may be read in a page frame that is validated afterwards; and that Get,
// Count and Set allocate nothing. Two things are the callers': what is committed or visible (the Schema says
// which columns exist), and the trees that long values live in (the lv layer decides what is separated, and
// gives this package the bytes or the LID to store).
//
// The catalog builds Schemas; lv, key and the engine's cursors read and write records.
package record
