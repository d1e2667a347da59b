package param

import (
	"testing"

	"esent/internal/jet"
)

func TestDefaults(t *testing.T) {
	v := Defaults()
	for id, want := range map[jet.ParamID]int64{jet.ParamMaxSessions: 16, jet.ParamLogFileSize: 5120, jet.ParamDbExtensionSize: 256,
		jet.ParamCheckpointDepthMax: 20971520, jet.ParamEnableOnlineDefrag: 65535, jet.ParamEnableAdvanced: 1} {
		if got := v.Number(id); got != want {
			d, _ := Find(id)
			t.Errorf("%s = %d, want %d", d.Name, got, want)
		}
	}
	for id, want := range map[jet.ParamID]string{jet.ParamSystemPath: "./", jet.ParamBaseName: "edb", jet.ParamRecovery: "on"} {
		if got := v.Text(id); got != want {
			t.Errorf("parameter %d = %q, want %q", id, got, want)
		}
	}
	v.Configure(0)
	if got := v.Number(jet.ParamDbExtensionSize); got != 16 {
		t.Errorf("extension size of the small configuration: %d", got)
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		id   jet.ParamID
		in   int64
		want int64
		ok   bool
	}{
		{jet.ParamLogFileSize, 32, 0, false}, {jet.ParamLogFileSize, 32768, 32768, true}, {jet.ParamLogFileSize, 40000, 0, false},
		{jet.ParamCircularLog, 2, 1, true}, {jet.ParamMaxVerPages, 0, 0, false}, {jet.ParamIndexTuplesLengthMax, 256, 0, false},
		{jet.ParamVerPageSize, 3000, 0, false}, {jet.ParamVerPageSize, 4096, 4096, true},
	} {
		d, err := Find(c.id)
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.CheckNumber(c.in)
		if (err == nil) != c.ok || c.ok && got != c.want {
			t.Errorf("%s %d: %d, %v", d.Name, c.in, got, err)
		}
	}
	base, err := Find(jet.ParamBaseName)
	if err != nil {
		t.Fatal(err)
	}
	for s, ok := range map[string]bool{"": false, "ab": false, "abc": true, "abcd": false} {
		if err := base.CheckText(s); (err == nil) != ok {
			t.Errorf("base name %q: %v", s, err)
		}
	}
	for _, id := range []jet.ParamID{unsupported, Last + 1, 9999} {
		if _, err := Find(id); err != jet.ErrInvalidParameter {
			t.Errorf("parameter %d: %v", id, err)
		}
	}
}
