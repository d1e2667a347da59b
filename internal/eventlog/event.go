// Package eventlog is how the engine tells the operator what happens: backups, recovery, damaged pages,
// full disks. Numbers, types, categories and parameters of the events are those of the engine on Windows
// (spec chapter 06, 7), so that monitoring rules written for them keep working; the texts are our own.
//
// A component holds a Logger and reports an event by number. A Sink takes events; FromEnvironment is the
// production one. Every layer above vfs may use the package.
package eventlog

import (
	"errors"
	"fmt"
	"time"

	"esent/internal/jet"
)

// Type is an event's severity.
type Type int

// The types of event.
const (
	Information Type = iota
	Warning
	Error
)

// String is the type's name.
func (t Type) String() string {
	switch t {
	case Information:
		return "Information"
	case Warning:
		return "Warning"
	case Error:
		return "Error"
	default:
		return fmt.Sprintf("Type(%d)", int(t))
	}
}

// Event is one entry.
type Event struct {
	ID       int
	Type     Type
	Category int
	Time     time.Time
	// Source is the application: JET_paramEventSource or the name of the process.
	Source string
	// Instance is the instance's display name or name, empty for none.
	Instance string
	// Params are the event's own parameters, which on Windows are the insertion strings from %4 on.
	Params []string
}

// Sink takes events. Report may be called by several goroutines at once and must not call the engine.
type Sink interface {
	Report(Event)
}

// Logger reports the events of one instance, or of none. The zero Logger and a nil one discard.
type Logger struct {
	Sink     Sink
	Now      func() time.Time
	Source   string
	Instance string
}

// Report sends event id of the message table; a number that the table lacks goes as an error with its bare
// parameters. Parameters become text: a result code or an error its number, everything else as fmt has it.
func (l *Logger) Report(id int, params ...any) {
	if l == nil || l.Sink == nil {
		return
	}
	m := Lookup(id)
	e := Event{ID: id, Type: m.Type, Category: m.Category, Source: l.Source, Instance: l.Instance}
	if l.Now != nil {
		e.Time = l.Now()
	}
	for _, p := range params {
		e.Params = append(e.Params, paramText(p))
	}
	l.Sink.Report(e)
}

func paramText(p any) string {
	switch p := p.(type) {
	case string:
		return p
	case jet.Err:
		return fmt.Sprintf("%d", int32(p))
	case error:
		return fmt.Sprintf("%d", int32(jet.CodeOf(p)))
	default:
		return fmt.Sprint(p)
	}
}

// ErrorText is the system's own message in err, for the events that carry one beside the result code:
// the innermost error that is no result code, or the whole text where there is none.
func ErrorText(err error) string {
	if text := innermost(err); text != "" {
		return text
	}
	return err.Error()
}

func innermost(err error) string {
	switch u := err.(type) {
	case jet.Err:
		return ""
	case interface{ Unwrap() []error }:
		for _, e := range u.Unwrap() {
			if text := innermost(e); text != "" {
				return text
			}
		}
		return ""
	default:
		if inner := errors.Unwrap(err); inner != nil {
			return innermost(inner)
		}
		return err.Error()
	}
}
