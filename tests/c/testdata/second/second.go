// A Go library of its own, to live beside ours in one process.
package main

import "C"

import "runtime"

//export SecondWork
func SecondWork(n C.int) C.int {
	sum := 0
	done := make(chan []int)
	for i := range int(n) {
		go func() { done <- make([]int, 1000+i) }()
	}
	for range int(n) {
		sum += len(<-done)
	}
	if n%16 == 0 {
		runtime.GC()
	}
	return C.int(sum)
}

func main() {}
