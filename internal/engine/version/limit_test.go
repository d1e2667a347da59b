package version

import (
	"testing"

	"esent/internal/jet"
)

// As many sessions as the limit says, whatever sessions the engine itself opens and ends, under the lowest free numbers.
func TestSessionLimit(t *testing.T) {
	const most = 5
	st := New(Config{Log: &memLog{}, MaxSessions: most, MaxUnits: 1 << 10})
	var list []*Session
	fill := func() {
		t.Helper()
		for len(list) < most {
			s, err := st.NewSession()
			if err != nil {
				t.Fatalf("session %d: %v", len(list)+1, err)
			}
			list = append(list, s)
		}
		if _, err := st.NewSession(); jet.CodeOf(err) != jet.ErrOutOfSessions {
			t.Fatalf("session %d: %v", most+1, err)
		}
	}
	fill()
	for range 10 {
		own := []*Session{st.NewSystemSession(), st.NewSystemSession()}
		st.EndSession(list[2])
		st.EndSession(list[2])
		list = append(list[:2], list[3:]...)
		st.EndSession(own[0])
		fill()
		st.EndSession(own[1])
		fill()
	}
	for _, s := range append(list, st.NewSystemSession()) {
		if s.Proc > most+2 {
			t.Errorf("session number %d", s.Proc)
		}
	}
}
