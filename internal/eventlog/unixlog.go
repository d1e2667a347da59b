//go:build !windows

package eventlog

import (
	"fmt"
	"log/syslog"
	"strconv"

	"github.com/coreos/go-systemd/v22/journal"
)

func init() {
	systemSinks["journald"] = openJournal
	systemSinks["syslog"] = openSyslog
}

// journald sends events to systemd's journal, with their parts in fields of their own: `journalctl ESENT_EVENT_ID=213`.
// Events that it does not take are dropped.
type journald struct{}

func openJournal() (Sink, error) {
	if !journal.Enabled() {
		return nil, fmt.Errorf("the journal's socket does not answer")
	}
	return journald{}, nil
}

var journalPriorities = map[Type]journal.Priority{Information: journal.PriInfo, Warning: journal.PriWarning, Error: journal.PriErr}

func (journald) Report(e Event) {
	_ = journal.Send(message(e), journalPriorities[e.Type], journalFields(e)) // there is nobody to tell
}

// journalFields are the fields of an event beside its text and priority.
func journalFields(e Event) map[string]string {
	m := Lookup(e.ID)
	fields := map[string]string{"SYSLOG_IDENTIFIER": e.Source, "ESENT_EVENT_ID": strconv.Itoa(e.ID), "ESENT_EVENT": m.Name,
		"ESENT_CATEGORY": CategoryName(e.Category), "ESENT_INSTANCE": e.Instance}
	for i, p := range e.Params {
		fields[fmt.Sprintf("ESENT_PARAM_%d", i+1)] = p
	}
	return fields
}

// systemLog sends events to the syslog daemon, facility daemon. Events that it does not take are dropped.
type systemLog struct{ to *syslog.Writer }

func openSyslog() (Sink, error) {
	w, err := syslog.New(syslog.LOG_DAEMON|syslog.LOG_INFO, "")
	return systemLog{w}, err
}

func (s systemLog) Report(e Event) {
	text := oneLine.Replace(fmt.Sprintf("%s event %d %s", e.Source, e.ID, message(e)))
	send := s.to.Info
	switch e.Type {
	case Warning:
		send = s.to.Warning
	case Error:
		send = s.to.Err
	}
	_ = send(text) // there is nobody to tell
}
