package backup

import (
	"errors"
	"io"
	"path"

	"esent/internal/jet"
	"esent/internal/logstore"
)

// attachments are the databases that the log has attached, as far as it was read.
type attachments struct {
	now map[jet.DBID]string
	all []string // the paths of all that were attached
}

func (a *attachments) attach(id jet.DBID, logged string) {
	if a.now == nil {
		a.now = map[jet.DBID]string{}
	}
	a.now[id] = logged
	a.all = append(a.all, logged)
}

// record takes up a record.
func (a *attachments) record(rec logstore.Record) {
	switch rec := rec.(type) {
	case *logstore.CreateDB:
		a.attach(rec.DB, rec.Path)
	case *logstore.AttachDB:
		a.attach(rec.DB, rec.Path)
	case *logstore.DetachDB:
		delete(a.now, rec.DB)
	case *logstore.Term:
		if rec.Kind != logstore.RecRecoveryQuitKeepAttachments {
			clear(a.now)
		}
	}
}

// judge finds where the databases of the set go that have no place yet, and which databases the set lacks.
func (a *attachments) judge(x *extended, r *restore) error {
	for _, logged := range a.all {
		from := r.set.CopyOf(baseName(logged))
		for i := range x.report.Databases {
			d := &x.report.Databases[i]
			if from == "" || d.From != from || d.To != "" && r.dest == "" {
				continue
			}
			d.To = logged
			if r.dest != "" {
				d.To = path.Join(r.dest, baseName(logged))
			}
		}
	}
	for _, logged := range a.now {
		if r.set.CopyOf(baseName(logged)) == "" {
			x.report.Missing = append(x.report.Missing, path.Join(r.set.Dir, baseName(logged)))
			return jet.ErrAttachedDatabaseMismatch.Errorf("%s is attached at the end of the log, and the set does not have it", logged)
		}
	}
	return nil
}

// ignoreEnd takes the end of a log for no error.
func ignoreEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
