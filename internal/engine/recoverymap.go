package engine

import (
	"path/filepath"
	"strings"

	"esent/internal/engine/recovery"
	"esent/internal/jet"
)

// DatabaseMap tells recovery where one database is (JET_RSTMAP, JET_RSTMAP2).
type DatabaseMap struct {
	// From is the path that the log has, To where the database is now.
	From, To string
	// Grbit is a set of JET_bitRestoreMap bits.
	Grbit jet.Grbit
}

// recoveryMap is what recovery asks for the place of a database (spec chapter 05, 20.3): the application's map;
// without an entry there its path in the log, if that is allowed; and instead of both the folder of
// JET_paramAlternateDatabaseRecoveryPath.
func (i *Instance) recoveryMap(o *InitOptions) func(logged string, sign jet.Signature) (recovery.Mapping, error) {
	alternate := i.set.alternatePath
	all := !o.HasMap || o.Grbit&jet.BitReplayMissingMapEntryDB != 0
	return func(logged string, _ jet.Signature) (recovery.Mapping, error) {
		m := recovery.Mapping{Path: native(logged), Skip: !all}
		for _, e := range o.Maps {
			if !strings.EqualFold(slashed(e.From), slashed(logged)) {
				continue
			}
			to, err := i.absolute(e.To)
			if err != nil {
				return m, err
			}
			m = recovery.Mapping{Path: to, IgnoreMissing: e.Grbit&jet.BitRestoreMapIgnoreWhenMissing != 0,
				Overwrite: e.Grbit&jet.BitRestoreMapOverwriteOnCreate != 0}
			break
		}
		if alternate != "" {
			m.Path = withSlash(alternate) + baseName(logged)
		}
		return m, nil
	}
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
