// Package backup copies databases out of a running instance and puts such copies back: JetBackup and its
// relatives, the streaming backup, and restore (spec chapter 06).
//
// It owns the backup set: the form of the copies, the order in which files of a set appear so that at every
// instant a complete set can be restored, and what a failure takes back. It promises that a backup which
// succeeds can be restored from its directory alone, and that one which fails leaves the directory and the
// instance's logs as they were.
//
// It reads the instance through the interfaces Engine and Database, and calls nothing else of it; package cabi
// is its only caller. Redo is that of package recovery.
package backup
