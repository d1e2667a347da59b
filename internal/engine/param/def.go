package param

import (
	"strconv"
	"strings"

	"esent/internal/jet"
)

// Kind is how a parameter's value is passed and checked.
type Kind uint8

const (
	Integer   Kind = iota // by number
	Bool                  // by number, stored as 0 or 1
	Flags                 // by number, a set of bits
	Pointer               // by number, not checked
	Text                  // by string
	Folder                // by string, made absolute, ends with a separator
	File                  // by string, a bare name or an absolute path
	Structure             // by pointer to a structure of its own; the engine's root knows each
)

// When says until when a parameter may be changed.
type When uint8

const (
	AnyTime      When = iota
	BeforeInit        // until JetInit of the instance
	BeforeEngine      // until the first instance exists
	Never             // read-only
)

// Def describes one parameter.
type Def struct {
	ID       jet.ParamID
	Name     string
	Kind     Kind
	Global   bool
	When     When
	Advanced bool
	// Min and Max are the limits of a number, in the parameter's unit; of a string's length in characters.
	Min, Max   int64
	PowerOfTwo bool

	number, small int64
	hasSmall      bool
	text          string
}

// Last is the highest number of a parameter.
const Last = jet.ParamMaxValueInvalid - 1

// unsupported is a number inside the range that is refused like an unknown one.
const unsupported jet.ParamID = 185

const unlimited = int64(1<<63 - 1)

var defs [Last + 1]*Def

func init() {
	for _, p := range jet.Params() {
		// Two names share 35; the row without limits is the old name.
		if p.ID > Last || p.ID == jet.ParamOnLineCompact && p.Default == "" || p.Scope == "session" || p.Scope == "database" {
			continue
		}
		defs[p.ID] = newDef(p)
	}
}

func newDef(p jet.Param) *Def {
	d := &Def{ID: p.ID, Name: p.Name, Kind: kindOf(p.Type), Global: p.Scope == "global", When: whenOf(p),
		Advanced: p.Advanced, PowerOfTwo: strings.Contains(p.Type, "power of 2"), Max: unlimited}
	if d.isText() {
		d.text = strings.ReplaceAll(strings.Trim(p.Default, `"`), `\`, "/")
		d.Min, d.Max = length(p.Min, 0), length(p.Max, unlimited)
		return d
	}
	d.number = number(p.Default, 0)
	d.Min, d.Max = number(p.Min, -unlimited), number(p.Max, unlimited)
	if d.Kind == Bool {
		d.Min, d.Max = -unlimited, unlimited
	}
	if p.SmallDefault != "" {
		d.small, d.hasSmall = number(p.SmallDefault, 0), true
	}
	return d
}

func kindOf(t string) Kind {
	switch {
	case strings.HasPrefix(t, "bool"):
		return Bool
	case strings.HasPrefix(t, "grbit"):
		return Flags
	case strings.HasPrefix(t, "string (folder"):
		return Folder
	case strings.HasPrefix(t, "string (file"):
		return File
	case strings.HasPrefix(t, "string"):
		return Text
	case strings.HasPrefix(t, "pointer"):
		return Pointer
	case strings.HasPrefix(t, "structure"):
		return Structure
	}
	return Integer
}

func whenOf(p jet.Param) When {
	switch {
	case p.ReadOnly || p.SetWhen == "read-only":
		return Never
	case strings.HasPrefix(p.SetWhen, "before JetInit"):
		return BeforeInit
	case strings.HasPrefix(p.SetWhen, "before the engine"):
		return BeforeEngine
	}
	return AnyTime
}

func number(s string, missing int64) int64 {
	switch s {
	case "max":
		return unlimited
	case "":
		return missing
	}
	if v, err := strconv.ParseInt(s, 0, 64); err == nil {
		return v
	}
	return missing
}

func length(s string, missing int64) int64 {
	if n, ok := strings.CutPrefix(s, "len "); ok {
		return number(n, missing)
	}
	return missing
}

func (d *Def) isText() bool { return d.Kind == Text || d.Kind == Folder || d.Kind == File }

// IsText says that the value is a string.
func (d *Def) IsText() bool { return d.isText() }

// Find gives a parameter's description; ErrInvalidParameter for a number that is none.
func Find(id jet.ParamID) (*Def, error) {
	if id > Last || id == unsupported || defs[id] == nil {
		return nil, jet.ErrInvalidParameter
	}
	return defs[id], nil
}

// CheckNumber judges a number and gives it in the form that is stored.
func (d *Def) CheckNumber(v int64) (int64, error) {
	switch d.Kind {
	case Bool:
		if v != 0 {
			return 1, nil
		}
		return 0, nil
	case Pointer, Structure:
		return v, nil
	case Flags:
		if uint64(v)&^uint64(d.Max) != 0 {
			return 0, jet.ErrInvalidParameter
		}
		return v, nil
	}
	if v < d.Min || v > d.Max || d.PowerOfTwo && v&(v-1) != 0 {
		return 0, jet.ErrInvalidParameter
	}
	return v, nil
}

// CheckText judges a string by its length in characters.
func (d *Def) CheckText(s string) error {
	if n := int64(len([]rune(s))); n < d.Min || n > d.Max {
		return jet.ErrInvalidParameter
	}
	return nil
}
