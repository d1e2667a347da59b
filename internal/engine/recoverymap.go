package engine

import (
	"path/filepath"
	"strings"

	"esent/internal/engine/dbfile"
	"esent/internal/engine/recovery"
	"esent/internal/eventlog"
	"esent/internal/jet"
)

// DatabaseMap tells recovery where one database is (JET_RSTMAP, JET_RSTMAP2).
type DatabaseMap struct {
	// From is the path that the log has, To where the database is now. Without From, or when it is not the log's, the
	// database is known by its signature; one that is still to be created also by the end of its path.
	From, To string
	// Grbit is a set of JET_bitRestoreMap bits.
	Grbit jet.Grbit
}

// mapsMost is the largest number of databases in a map.
const mapsMost = 14

// mappedDatabase is an entry of the application's map, with what the file says.
type mappedDatabase struct {
	from     string // slashed
	absolute string // from, made absolute
	to       string
	grbit    jet.Grbit
	// header is the file's; missing says that there is none, or nothing that counts.
	header  dbfile.Header
	missing bool
}

// databaseMap is the application's map, and how recovery uses it.
type databaseMap struct {
	inst    *Instance
	entries []mappedDatabase
	// all says that databases that the map does not name are where the log says.
	all bool
}

// readMap judges the application's map, and looks at its databases. ErrInvalidParameter: too many;
// ErrDatabaseInvalidName: an entry without its new name; ErrInvalidGrbit; and why a file that must not be missing
// cannot be read.
func (i *Instance) readMap(o *InitOptions) (*databaseMap, error) {
	m := &databaseMap{inst: i, all: len(o.Maps) == 0 || o.Grbit&jet.BitReplayMissingMapEntryDB != 0}
	if len(o.Maps) > mapsMost {
		return nil, jet.ErrInvalidParameter.Errorf("%d databases in the restore map", len(o.Maps))
	}
	for _, given := range o.Maps {
		const known = jet.BitRestoreMapIgnoreWhenMissing | jet.BitRestoreMapFailWhenMissing | jet.BitRestoreMapOverwriteOnCreate
		const both = jet.BitRestoreMapIgnoreWhenMissing | jet.BitRestoreMapFailWhenMissing
		if given.Grbit&^known != 0 || given.Grbit&both == both {
			return nil, jet.ErrInvalidGrbit.Errorf("restore map: flags %#x", given.Grbit)
		}
		if given.To == "" {
			return nil, jet.ErrDatabaseInvalidName.Errorf("the restore map does not say where %q is", given.From)
		}
		e := mappedDatabase{from: slashed(given.From), grbit: given.Grbit}
		var err error
		if e.to, err = i.absolute(given.To); err != nil {
			return nil, err
		}
		if e.from == "" {
			e.from = slashed(e.to)
		}
		if e.absolute, err = i.absolute(e.from); err != nil {
			return nil, err
		}
		if err := i.lookAt(&e); err != nil {
			i.report(eventlog.RestoreMapFail, e.to, err)
			return nil, err
		}
		m.entries = append(m.entries, e)
	}
	return m, nil
}

// lookAt reads the header of a database of the map.
func (i *Instance) lookAt(e *mappedDatabase) error {
	h, err := dbfile.ReadFileHeader(i.env.FS, e.to)
	if err == nil {
		err = h.CheckType()
	}
	const lenient = jet.BitRestoreMapIgnoreWhenMissing | jet.BitRestoreMapOverwriteOnCreate
	switch code := jet.CodeOf(err); {
	case err == nil:
		e.header = h
		return nil
	case code == jet.ErrFileNotFound, code == jet.ErrInvalidPath, e.grbit&lenient != 0:
		e.missing = true
		return nil
	case code == jet.ErrReadVerifyFailure:
		return jet.ErrDatabaseCorrupted.Errorf("%v", err)
	}
	return err
}

// find gives the entry of a database that the log names, nil if there is none.
func (m *databaseMap) find(logged string, sign jet.Signature) *mappedDatabase {
	for k := range m.entries {
		if e := &m.entries[k]; !e.missing && e.header.SignDB == sign {
			return e
		}
	}
	name := slashed(logged)
	var best *mappedDatabase
	for k := range m.entries {
		e := &m.entries[k]
		switch {
		case strings.EqualFold(e.from, name), strings.EqualFold(e.absolute, name):
			return e
		case e.missing && endsWith(name, e.from) && (best == nil || len(e.from) > len(best.from)):
			best = e
		}
	}
	return best
}

// endsWith says that a path ends with the names of another.
func endsWith(path, end string) bool {
	at := len(path) - len(end)
	return at > 0 && strings.EqualFold(path[at:], end) && (end[0] == '/' || path[at-1] == '/')
}

// place is what recovery asks for the place of a database (spec chapter 05, 20.3): the application's map; without an
// entry there its path in the log, if that is allowed; and instead of both the folder of
// JET_paramAlternateDatabaseRecoveryPath.
func (m *databaseMap) place(logged string, sign jet.Signature) (recovery.Mapping, error) {
	to := recovery.Mapping{Path: native(logged), Skip: !m.all}
	if e := m.find(logged, sign); e != nil {
		to = recovery.Mapping{Path: e.to, IgnoreMissing: e.grbit&jet.BitRestoreMapIgnoreWhenMissing != 0,
			FailMissing: e.grbit&jet.BitRestoreMapFailWhenMissing != 0,
			Overwrite:   e.grbit&jet.BitRestoreMapOverwriteOnCreate != 0}
		if !strings.EqualFold(slashed(logged), slashed(e.to)) {
			m.inst.report(eventlog.DatabaseLocationChange, logged, e.to)
		}
	}
	if alternate := m.inst.set.alternatePath; alternate != "" {
		to.Path = withSlash(alternate) + baseName(logged)
	}
	return to, nil
}

// firstGen is the lowest generation that the databases of the map need, 0 when that cannot be told because one that has
// to be there is missing: the log may create it (JET_bitReplayInferCheckpointFromRstmapDbs).
func (m *databaseMap) firstGen() (gen int32) {
	for k := range m.entries {
		e := &m.entries[k]
		needs := e.header.GenMinRequired
		switch {
		case e.missing && e.grbit&jet.BitRestoreMapIgnoreWhenMissing != 0:
			continue
		case e.missing:
			return 0
		case e.header.State == dbfile.StateClean:
			needs = e.header.Consistent.Gen()
		}
		if gen == 0 || needs < gen {
			gen = needs
		}
	}
	return gen
}

// native is a path of the log as this system can open it. A path of Windows names nothing elsewhere: it is turned into
// one in a directory that does not exist, so that the database counts as moved and no file of that name is made in the
// working directory.
func native(logged string) string {
	p := slashed(logged)
	if filepath.Separator == '/' && len(p) > 2 && p[1] == ':' && p[2] == '/' {
		return "/" + p
	}
	return p
}

func slashed(p string) string { return strings.ReplaceAll(p, `\`, "/") }

// baseName is the last part of a path of either system.
func baseName(p string) string { return p[strings.LastIndexAny(p, `/\`)+1:] }
