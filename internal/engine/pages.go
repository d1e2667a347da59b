package engine

import (
	"esent/internal/jet"
)

// DatabasePages reads pages of an open database as they are in its file, into buf (JetGetDatabasePages). It gives how
// many bytes it read: fewer than asked for where the file ends. usable says that buf is memory for pages. Errors: ErrInvalidDatabaseId, ErrInvalidParameter,
// ErrBufferTooSmall, ErrInvalidGrbit, those of reading.
func (s *Session) DatabasePages(t Thread, number uint32, first jet.Pgno, pages uint32, buf []byte, usable bool, grbit jet.Grbit) (int, error) {
	if err := s.enterOwned(t); err != nil {
		return 0, err
	}
	defer s.leave()
	d, err := s.database(number)
	size := uint64(s.inst.set.pageSize)
	switch {
	case err != nil:
		return 0, err
	case !usable, first < 1, pages > uint32(jet.PgnoSysMax), uint64(first)+uint64(pages) > uint64(jet.PgnoSysMax):
		return 0, jet.ErrInvalidParameter
	case uint64(len(buf)) < uint64(pages)*size:
		return 0, jet.ErrBufferTooSmall
	case grbit != 0:
		return 0, jet.ErrInvalidGrbit
	}
	last, err := d.file.Pages()
	if err != nil || first > last {
		return 0, err
	}
	n := int(min(uint64(pages), uint64(last-first)+1) * size)
	return n, d.file.ReadRaw(first, buf[:n])
}

// PageSize is JET_paramDatabasePageSize.
func (p *Process) PageSize() (int, error) {
	n, _, _, err := p.GetParam(ParamTarget{}, jet.ParamDatabasePageSize)
	return int(n), err
}
