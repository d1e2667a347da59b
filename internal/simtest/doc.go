// Package simtest tests the whole engine against a model. It has tests alone.
//
// One run, chosen by a seed, is one simulated machine (package simdisk) with random parameters. Several sessions make
// random calls in random interleaving, step by step on one goroutine; a model in memory with snapshot isolation says
// what each call must answer. Now and then the power is cut, the instance ended, or a backup made and restored; then
// all tables are read through all indexes and compared with the model: what was committed durably is there, nothing
// that was not committed, and lazy commits are there up to some point in the order in which they were made. After every
// clean end of the instance package check judges the database file.
//
// A run that fails prints the command that repeats it. Everything that is random comes from the seed.
package simtest
