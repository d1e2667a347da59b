// Package param has the system parameters: their kinds, defaults and limits, and sets of values (spec
// chapter 01, 3 and api/params.tsv). Which instance a value belongs to, and when it may change, is decided
// by the engine's root; here is what is true of the values themselves.
package param
