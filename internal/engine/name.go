package engine

import (
	"strings"

	"esent/internal/jet"
)

// objectName checks the name of a table, column or index, and gives it as it is stored: without blanks at the end
// (spec chapter 01, 7.1). JET_errInvalidName.
func objectName(name string) (string, error) {
	name = strings.TrimRight(name, " ")
	if name == "" || len(name) > jet.CbNameMost || name[0] == ' ' {
		return "", jet.ErrInvalidName
	}
	for i := range len(name) {
		if b := name[i]; b < 0x20 || b == '!' || b == '.' || b == '[' || b == ']' {
			return "", jet.ErrInvalidName
		}
	}
	return name, nil
}
