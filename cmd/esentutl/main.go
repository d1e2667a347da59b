// Command esentutl looks into the files of the engine: it prints headers, logs and checkpoints, and checks databases.
// It reads only. Its exit code is 0 when all is well, 1 when something is wrong with the file or it cannot be read,
// and 2 for a wrong command line.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"esent/internal/utility"
	"esent/internal/vfs"
)

const (
	exitOK    = 0
	exitWrong = 1
	exitUsage = 2
)

// command is one switch.
type command struct {
	name     string
	argument string
	text     string
	run      func(t *utility.Tool, path string) error
}

var commands = []command{
	{"/mh", "DATABASE", "print the header of a database", (*utility.Tool).DumpHeader},
	{"/ml", "LOG", "print the header and the records of a log file", (*utility.Tool).DumpLog},
	{"/mk", "CHECKPOINT", "print a checkpoint file", (*utility.Tool).DumpCheckpoint},
	{"/k", "DATABASE", "check each page by itself: checksum and structure", (*utility.Tool).CheckPages},
	{"/g", "DATABASE", "check the integrity of a database that was closed cleanly", (*utility.Tool).CheckIntegrity},
}

func main() { os.Exit(run(os.Args[1:], vfs.System(), os.Stdout, os.Stderr)) }

// run executes a command line without the program's name and gives the exit code.
func run(args []string, env *vfs.Env, out, errOut io.Writer) int {
	if len(args) == 2 {
		for _, c := range commands {
			if strings.EqualFold(strings.TrimLeft(args[0], "/-"), c.name[1:]) {
				t := &utility.Tool{Env: env, Out: out}
				if err := c.run(t, args[1]); err != nil {
					fmt.Fprintln(errOut, "esentutl:", err)
					return exitWrong
				}
				return exitOK
			}
		}
	}
	fmt.Fprintln(errOut, "usage:")
	for _, c := range commands {
		fmt.Fprintf(errOut, "  esentutl %-3s %-11s %s\n", c.name, c.argument, c.text)
	}
	return exitUsage
}
