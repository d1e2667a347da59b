// Package dbfile owns one database file: its header in two copies, page reads and writes at the right
// offsets, its size, the gate that keeps writers off the pages a backup is reading, the trailer page of a
// backup copy, and the flush map kept beside it (spec chapter 02, 1 to 5, 10 and 12, and 06, 3.4).
//
// It promises that a header on disk is always one whole older or newer state, that pages are given out
// verified, and that version rules are answered with the codes of 02, 12. What the pages mean, when they may
// be written and what the header must say is for the layers above: cache, engine, recovery and backup.
package dbfile

import "encoding/binary"

var le = binary.LittleEndian
