//go:build !windows

package eventlog

import (
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// daemon takes the place of a daemon that is not there, and gives what is sent to it.
func daemon(t *testing.T, socket string) *net.UnixConn {
	t.Helper()
	if _, err := os.Stat(socket); err == nil {
		t.Skipf("%s belongs to a running daemon", socket)
	}
	if err := os.MkdirAll(filepath.Dir(socket), 0o755); err != nil {
		t.Skipf("no place for a socket: %v", err)
	}
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Skipf("no place for a socket: %v", err)
	}
	t.Cleanup(func() {
		c.Close()
		os.Remove(socket)
	})
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

func received(t *testing.T, c *net.UnixConn) string {
	t.Helper()
	b := make([]byte, 1<<16)
	n, err := c.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

func TestJournal(t *testing.T) {
	e := Event{ID: BackupErrorReadFile, Type: Error, Category: 3, Source: "app", Instance: "inst", Params: []string{"-1808", "x.edb"}}
	want := map[string]string{"SYSLOG_IDENTIFIER": "app", "ESENT_EVENT_ID": "218", "ESENT_EVENT": "BACKUP_ERROR_READ_FILE",
		"ESENT_CATEGORY": "logging and recovery", "ESENT_INSTANCE": "inst", "ESENT_PARAM_1": "-1808", "ESENT_PARAM_2": "x.edb"}
	if got := journalFields(e); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	c := daemon(t, "/run/systemd/journal/socket")
	s, err := openJournal()
	if err != nil {
		t.Fatal(err)
	}
	s.Report(e)
	got := received(t, c)
	want["PRIORITY"], want["MESSAGE"] = "3", "inst: "+Text(e)
	for k, v := range want {
		if !strings.Contains(got, k+"="+v+"\n") {
			t.Errorf("%s=%s is not in %q", k, v, got)
		}
	}
}

func TestSyslog(t *testing.T) {
	c := daemon(t, "/dev/log")
	s, err := openSyslog()
	if err != nil {
		t.Fatal(err)
	}
	for typ, priority := range map[Type]string{Information: "<30>", Warning: "<28>", Error: "<27>"} {
		s.Report(Event{ID: 213, Type: typ, Source: "app", Instance: "two\nlines"})
		if got := received(t, c); !strings.HasPrefix(got, priority) || !strings.Contains(got, "app event 213 two lines: The backup has") {
			t.Errorf("%v: %q", typ, got)
		}
	}
}
