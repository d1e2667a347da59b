package eventlog

import (
	"os"

	"golang.org/x/sys/windows"
)

func init() { systemSinks["eventlog"] = openEventLog }

// eventSource is the source that Windows knows with the texts of the engine's events.
const eventSource = "ESENT"

// windowsLog sends events to the Windows Event Log, with the insertion strings of the original engine, so that the
// viewer shows the system's own texts (spec chapter 06, 7). Events that it does not take are dropped.
type windowsLog struct{ source windows.Handle }

func openEventLog() (Sink, error) {
	name, err := windows.UTF16PtrFromString(eventSource)
	if err != nil {
		return nil, err
	}
	source, err := windows.RegisterEventSource(nil, name)
	if err != nil {
		return nil, err
	}
	return windowsLog{source}, nil
}

var windowsTypes = map[Type]uint16{Information: windows.EVENTLOG_INFORMATION_TYPE, Warning: windows.EVENTLOG_WARNING_TYPE,
	Error: windows.EVENTLOG_ERROR_TYPE}

func (w windowsLog) Report(e Event) {
	texts := insertionStrings(e, os.Getpid())
	strings := make([]*uint16, len(texts))
	for i, text := range texts {
		p, err := windows.UTF16PtrFromString(oneLine.Replace(text))
		if err != nil {
			return // oneLine has replaced all NULs
		}
		strings[i] = p
	}
	_ = windows.ReportEvent(w.source, windowsTypes[e.Type], uint16(e.Category), uint32(e.ID), 0, uint16(len(strings)), 0, &strings[0], nil)
}
