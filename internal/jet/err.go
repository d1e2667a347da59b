package jet

import (
	"errors"
	"fmt"
)

// Err is a result code of the JET API: negative is an error, zero success, positive a warning
// (spec chapter 01, 1.1). As a Go error only the negative ones and WrnNyi are used.
type Err int32

type errInfo struct{ name, class, meaning string }

// Error gives the code's name, number and meaning.
func (e Err) Error() string {
	if i, ok := errTable[e]; ok {
		return fmt.Sprintf("%s (%d): %s", i.name, int32(e), i.meaning)
	}
	return fmt.Sprintf("JET error %d", int32(e))
}

// Name is the constant's name in esent.h, "" for a number that is no code.
func (e Err) Name() string { return errTable[e].name }

// Class is the code's category as errors.tsv has it, "" for a number that is no code.
func (e Err) Class() string { return errTable[e].class }

// Meaning is the code's one-line explanation, "" for a number that is no code.
func (e Err) Meaning() string { return errTable[e].meaning }

// Errorf wraps code e with a text for events and logs; CodeOf finds e again.
func (e Err) Errorf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", e, fmt.Sprintf(format, args...))
}

// CodeOf is the result code that err stands for: ErrSuccess for nil, the wrapped Err where there is one,
// and ErrInternalError for an error that carries no code (a defect: every layer maps what it gets).
func CodeOf(err error) Err {
	if err == nil {
		return ErrSuccess
	}
	var e Err
	if errors.As(err, &e) {
		return e
	}
	return ErrInternalError
}

// Grbit is a set of API flags.
type Grbit uint32

// ParamID is a system parameter's number.
type ParamID uint32

// Param is one row of params.tsv: what is known of a system parameter (spec chapter 01, 3).
type Param struct {
	ID                    ParamID
	Name, Type, Scope     string
	Default, SmallDefault string
	Min, Max, SetWhen     string
	ReadOnly, Advanced    bool
}

// Params are all known system parameters, by rising number.
func Params() []Param { return paramTable }
