package utility

import (
	"fmt"

	"esent/internal/engine/check"
)

// CheckPages looks at every page by itself.
func (t *Tool) CheckPages(path string) error {
	r, err := check.File(t.Env, path, check.Options{PagesOnly: true, Progress: t.Progress})
	if err != nil {
		return err
	}
	if err := t.violations(r); err != nil {
		return err
	}
	if err := t.printf("%d pages seen\n%d with a wrong checksum\n%d with one wrong bit, which can be corrected\n%d never written",
		r.Pages, r.Kinds[check.KindChecksum], r.Corrected, r.Blank); err != nil {
		return err
	}
	return verdict(r)
}

// CheckIntegrity looks at everything.
func (t *Tool) CheckIntegrity(path string) error {
	if err := t.printf("Checking database integrity.\n"); err != nil {
		return err
	}
	r, err := check.File(t.Env, path, check.Options{Progress: t.Progress})
	if err != nil {
		return err
	}
	if err := t.violations(r); err != nil {
		return err
	}
	if err := t.printf("%d pages, %d of them lost; %d trees, %d records, %d long values, %d index entries",
		r.Pages, r.Leaked, len(r.Trees), r.Records, r.LongValues, r.Entries); err != nil {
		return err
	}
	if r.Uncompared > 0 {
		if err := t.printf("The keys of %d index entries cannot be made here; they were compared as far as possible without.", r.Uncompared); err != nil {
			return err
		}
	}
	if r.Corrected > 0 {
		if err := t.printf("%d pages have one wrong bit, which can be corrected.", r.Corrected); err != nil {
			return err
		}
	}
	if r.Kinds[check.KindNotClean] > 0 {
		if err := t.printf("The database was not closed cleanly: recovery may put right what was found."); err != nil {
			return err
		}
	}
	if err := verdict(r); err != nil {
		return err
	}
	return t.printf("\nIntegrity check successful.")
}

// violations prints what was found.
func (t *Tool) violations(r *check.Report) error {
	for _, v := range r.Violations {
		if err := t.printf("%v", v); err != nil {
			return err
		}
	}
	if more := r.Total - len(r.Violations); more > 0 {
		return t.printf("... and %d more", more)
	}
	return nil
}

// verdict is an error when something was found.
func verdict(r *check.Report) error {
	if err := r.Err(); err != nil {
		return fmt.Errorf("the database is CORRUPTED: %w", err)
	}
	return nil
}
