// Package version owns transactions and the version store: sessions with their nested levels, the
// versions that uncommitted and recent changes leave behind, what a snapshot sees of them, write
// conflicts, rollback, and clean-up (spec chapter 05, 15 and 18).
//
// # The protocol between readers and writers
//
// Nobody waits for anybody here but for nanoseconds:
//
//  1. A writer latches the leaf, creates the version entry (Store.Create), and only then draws a dbtime,
//     logs and changes the page. A reader reads the node, then the entries of the node (Store.View), then
//     validates the page's version. So no reader sees a change without its entry.
//  2. All entries of a transaction share one Trx. Commit marks it as committing, draws the number while the
//     log orders Commit0 records, and publishes it. A reader that meets the mark waits for the number;
//     one that saw the transaction still active began before the number was drawn, so it may not see it.
//  3. A snapshot is the counter's value. It is published before it counts, and clean-up announces up to
//     where it removes before it looks at the published snapshots; whoever comes second notices
//     (Session.publish, Store.oldest).
//
// A change is undone from its entry's before image. On disk the image exists only as an UndoInfo record,
// written when a page with the uncommitted change is about to be written or when a split or merge moves
// the node (Store.LogUndo).
//
// The package changes no page itself: undo and the removal of deleted nodes are done by the B+tree layer,
// which is given as Pages.
package version
