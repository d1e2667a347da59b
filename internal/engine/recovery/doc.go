// Package recovery brings databases and log together at start: it finds the logs, replays them into the
// databases that they speak of, takes back what was not committed, and leaves the databases clean (spec
// chapter 05, 19 to 25). Soft recovery (JetInit) and hard recovery (JetRestore) are one machine; they differ in
// where the logs and the databases come from.
//
// Recovery decides and drives. What it needs of the engine around it stands in host.go. Pages are changed by
// package ops, as in the running engine; rollback is that of package version.
//
// It promises that a run which fails, or is cut off by a crash at any moment, can be repeated from the same
// files, and that the result does not depend on which of the pages had reached the disk.
package recovery
