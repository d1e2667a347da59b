//go:build stacks

package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

// With this build tag the library answers SIGQUIT by writing to the host's messages where every goroutine is. It is
// for tests of programs that may stand still.
func init() {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGQUIT)
	go func() {
		for range asked {
			const most = 16 << 20
			stacks := make([]byte, most)
			fmt.Fprintf(os.Stderr, "%s\n", stacks[:runtime.Stack(stacks, true)])
		}
	}()
}
