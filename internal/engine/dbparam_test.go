package engine

import (
	"encoding/binary"
	"testing"

	"esent/internal/jet"
)

func TestDBParams(t *testing.T) {
	number := func(id jet.ParamID, v uint32) DBParam {
		return DBParam{ID: uint32(id), Data: binary.LittleEndian.AppendUint32(nil, v), Size: 4}
	}
	for _, c := range []struct {
		name   string
		list   []DBParam
		attach bool
		want   uint32
		err    error
	}{
		{"none", nil, true, 0, nil},
		{"limit, the last one counts", []DBParam{number(jet.DbparamDbSizeMaxPages, 300), number(jet.DbparamDbSizeMaxPages, 400)}, false, 400, nil},
		{"unknown", []DBParam{number(jet.DbparamMaxValueInvalid, 0)}, true, 0, jet.ErrInvalidDbparamId},
		{"a system parameter", []DBParam{number(jet.ParamMaxSessions, 0)}, true, 0, jet.ErrInvalidDbparamId},
		{"size", []DBParam{{ID: uint32(jet.DbparamDbSizeMaxPages), Data: make([]byte, 8), Size: 8}}, true, 0, jet.ErrInvalidBufferSize},
		{"no pointer", []DBParam{{ID: uint32(jet.DbparamDbSizeMaxPages), Size: 4}}, true, 0, jet.ErrInvalidBufferSize},
		{"priority", []DBParam{number(jet.DbparamCachePriority, 1000)}, true, 0, nil},
		{"priority too high", []DBParam{number(jet.DbparamCachePriority, 1001)}, true, 0, jet.ErrInvalidParameter},
		{"quota -1", []DBParam{number(jet.DbparamShrinkDatabaseTimeQuota, ^uint32(0))}, true, 0, nil},
		{"quota too long", []DBParam{number(jet.DbparamLeakReclaimerTimeQuota, weekOfMillis+1)}, true, 0, jet.ErrInvalidParameter},
		{"shrink flags", []DBParam{number(jet.DbparamShrinkDatabaseOptions, 0x20)}, true, 0, jet.ErrInvalidGrbit},
		{"shrink", []DBParam{number(jet.DbparamShrinkDatabaseOptions, 1)}, true, 0, jet.ErrFeatureNotAvailable},
		{"shrink of a new database", []DBParam{number(jet.DbparamShrinkDatabaseOptions, 1)}, false, 0, nil},
	} {
		got, err := DBParams(c.list, c.attach)
		if got != c.want || err != c.err {
			t.Errorf("%s: %d, %v; want %d, %v", c.name, got, err, c.want, c.err)
		}
	}
}
