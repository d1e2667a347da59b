// Package verify judges a backup set without restoring it, without a running instance, and without writing to it.
//
// Level 1 looks at every file by itself and at how they fit: the logs with all segments and their chain, header, shadow
// and trailer of each copy and the range of logs that they ask for, each page's checksum and number. Blank pages are
// accepted there, as restore accepts them: whether a page is in use shows only when the logs are replayed.
//
// Level 2, the rehearsal, replays the logs over the set as a restore in place would, on an overlay (package vfs/overlay),
// and has package engine/check judge the databases that come out.
//
// What is found goes into a Report, whose JSON form is part of the product's contract (docs/backup-rules.md). cabi calls
// Run for EsentBackupVerify.
package verify
