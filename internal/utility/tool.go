// Package utility looks into files for people: it prints headers, logs and checkpoints, and says what is wrong with a
// database. It reads only. Command esentutl and JetDBUtilities call it.
package utility

import (
	"fmt"
	"io"

	"esent/internal/jet"
	"esent/internal/vfs"
)

// Tool is what the looks are made with.
type Tool struct {
	Env *vfs.Env
	// Out gets the text.
	Out io.Writer
	// Progress is called during checks with the number of pages done and that of all; nil for nobody. An error ends the
	// check.
	Progress func(done, total jet.Pgno) error
}

func (t *Tool) printf(format string, args ...any) error {
	_, err := fmt.Fprintf(t.Out, format+"\n", args...)
	return err
}
