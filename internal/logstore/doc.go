// Package logstore is the write-ahead log of one instance: the records and their encoding, the files of a log
// stream with their headers and segments, reading them back, writing them with group commit and roll-over, and
// the checkpoint file (spec chapter 05, 1 to 17).
//
// It promises that what Flush has answered for is found again by Reader after any crash, that records come
// back in the order in which they were appended, and that a failed write is final. It knows nothing of pages,
// transactions or databases beyond the fields of their records; package engine and its parts, and package
// backup, call it.
package logstore
