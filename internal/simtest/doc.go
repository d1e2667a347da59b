// Package simtest tests the whole engine against a model. It has tests alone.
//
// One run, chosen by a seed, is one simulated machine (package simdisk) with random parameters and one to three
// databases. Several sessions make random calls in random interleaving, step by step on one goroutine, some of them
// while a backup is being made; a model in memory with snapshot isolation says what each call must answer. Now and then
// something goes wrong: the power is cut, also in recovery, operations on files fail, disks are full, or what is in a
// file has rotted, or the file is gone, when the engine starts. A call that meets a fault must give a code that fits it
// and change nothing; then all goes on, with the same instance if it is well, else after recovery. All tables are read
// through all indexes and compared with the model: what was committed durably is there, nothing that was not committed,
// and lazy commits are there up to some point in the order in which they were made. Backups are restored and compared.
// After every clean end of the instance package check judges the database files.
//
// A run that fails is shortened, and the command printed that repeats it. Everything that is random comes from the seed;
// each step draws its numbers from the seed and its own number, so that steps can be left out.
package simtest
