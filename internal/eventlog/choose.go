package eventlog

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"esent/internal/vfs"
)

// EnvironmentVariable is where the operator chooses the sinks that FromEnvironment makes.
const EnvironmentVariable = "ESENT_EVENT_LOG"

// systemSinks are the logs of the operating system, by the names that choose them; each system adds its own.
var systemSinks = map[string]func() (Sink, error){}

// FromEnvironment is the sink that the operator has chosen, or nil, which a Logger takes as none. The environment variable
// ESENT_EVENT_LOG lists where events go, with commas between: "journald" and "syslog" on Linux, "eventlog" on Windows,
// anything else is the path of a file. What cannot be opened is left out, and the error says why.
func FromEnvironment(fsys vfs.FS) (Sink, error) {
	var sinks []Sink
	var errs []error
	for name := range strings.SplitSeq(os.Getenv(EnvironmentVariable), ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		open, ok := systemSinks[name]
		if !ok {
			sinks = append(sinks, NewFile(fsys, name))
			continue
		}
		s, err := open()
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: events do not go to %s: %w", EnvironmentVariable, name, err))
			continue
		}
		sinks = append(sinks, s)
	}
	switch len(sinks) {
	case 0:
		return nil, errors.Join(errs...)
	case 1:
		return sinks[0], errors.Join(errs...)
	}
	return Multi(sinks...), errors.Join(errs...)
}

// message is the text of an event for logs that have time, severity and process of their own.
func message(e Event) string {
	if e.Instance != "" {
		return e.Instance + ": " + Text(e)
	}
	return Text(e)
}

// insertionStrings are the strings of an event as the original engine gives them to Windows: the application, the process,
// the instance, then the parameters (spec chapter 06, 7).
func insertionStrings(e Event, pid int) []string {
	instance := ""
	if e.Instance != "" {
		instance = e.Instance + ": "
	}
	return append([]string{e.Source, fmt.Sprintf("%d", pid), instance}, e.Params...)
}
