// Package cache owns the buffer manager: the frames that hold pages in memory, their latches, the choice of
// frames to give up, and the writing of changed pages in write-ahead order (spec chapters 02, 9, 10 and 13.5;
// 05, 16 and 17; 06, 14).
//
// It promises that
//   - a reader looks at a page without a lock and without writing anything shared: it takes a frame and its
//     version, reads, and asks whether the version still stands (see latch.go, the whole of the protocol);
//   - a page is read from the file by exactly one caller, checked, and found by all others;
//   - a page reaches the file only after the log up to its last change is durable, after the before images of
//     uncommitted changes on it are logged, after the database header requires the generation of that change,
//     and never while a backup reads it;
//   - OldestDirty is never above the start of a change that is not in the file.
//
// Descriptors and page bytes lie outside the Go heap and stay mapped until Close, so that a stale reference is
// harmless. The package starts no goroutine: write-back and read-ahead are tasks of the scheduler that it is
// given. Backups read the file itself and never come here.
//
// Latch order is the caller's (tree before page, parent before child, left before right). The cache itself
// never waits for a page latch while it holds one or while a write is under way, so callers may hold latches
// when they ask for another page.
package cache
