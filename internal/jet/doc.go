// Package jet is the vocabulary of the engine: result codes, flags, column types, parameters, and the
// small values that several file formats share (page numbers, log positions, times, signatures).
// It holds values only, no behaviour of the engine, and every other package may import it.
//
//go:generate go run esent/tools/jetgen -spec ../../../shared/spec/api -out .
package jet
