// Package engine is what the JET calls mean (spec chapter 01): instances, sessions, databases and cursors, with
// their life cycles, checks and result codes. Each JET call is a method here with Go types; package cabi only
// marshals.
//
// It owns what ties the lower layers together: when a database header is written, when a page may reach its file
// (host.go), where the checkpoint stands (checkpoint.go), what JetInit and JetTerm do in which order (init.go,
// term.go), and that after a failure which leaves the files in need of recovery nothing more is done
// (Instance.fail).
//
// # Who may be inside
//
// A call enters its session (Session.enter) or its instance (Instance.enter) and leaves it. Entering is refused
// by the instance's gate, one word of reasons that is zero while the instance takes calls; JetTerm closes the
// gate and waits for those inside.
//
// # Locks, outermost first
//
//	Instance.lifecycle   JetInit, JetTerm, JetStopService: one at a time
//	Instance.attachMu    create, attach and detach of databases: one at a time
//	Instance.check       one advance of the checkpoint at a time
//	Instance.gens        which database headers follow the log; nothing is written under it
//	Process.mu           parameters and the table of instances
//	Instance.mu          tables of sessions and databases, open counts; nothing is waited for under it
//
// None of them but lifecycle and attachMu is held while a record is appended to the log or the log is flushed: the
// log calls back for the headers of a new generation (host.go), possibly from a caller that holds page latches.
package engine
