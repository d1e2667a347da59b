package engine

import (
	"encoding/binary"

	"esent/internal/jet"
)

// The parameters of a session (spec chapter 01, 3.3 and api/params.tsv).
const (
	sesCommitDefault          = 4097
	sesCommitGenericContext   = 4098
	sesTransactionLevel       = 4099
	sesOperationContext       = 4100
	sesCorrelationID          = 4101
	sesCachePriority          = 4102
	sesClientComponentDesc    = 4103
	sesClientActionDesc       = 4104
	sesClientActionContext    = 4105
	sesClientActivityID       = 4106
	sesIOSessTraceFlags       = 4107
	sesIOPriority             = 4108
	sesContextCustomerData    = 4109
	sesContextPreCommitNotify = 4110
)

// sessionParam says how long a session parameter is.
type sessionParam struct {
	size  int  // bytes; of strings and blobs the most
	exact bool // a buffer to read into must be just as long
	blob  bool // any length up to size
}

var sessionParams = map[jet.ParamID]sessionParam{
	sesCommitDefault:          {size: 4, exact: true},
	sesCommitGenericContext:   {size: 512, blob: true},
	sesTransactionLevel:       {size: 4, exact: true},
	sesOperationContext:       {size: 8},
	sesCorrelationID:          {size: 4},
	sesCachePriority:          {size: 4},
	sesClientComponentDesc:    {size: 256, blob: true},
	sesClientActionDesc:       {size: 256, blob: true},
	sesClientActionContext:    {size: 256, blob: true},
	sesClientActivityID:       {size: 16},
	sesIOSessTraceFlags:       {size: 4},
	sesIOPriority:             {size: 4, exact: true},
	sesContextCustomerData:    {size: 4},
	sesContextPreCommitNotify: {size: 4},
}

// initialOperationContext is what JET_sesparamOperationContext reads before it is set.
var initialOperationContext = []byte{0, 0, 0, 0x80, 0, 0, 0, 0}

// SetSessionParam changes a parameter of the session (JetSetSessionParameter).
func (s *Session) SetSessionParam(id jet.ParamID, value []byte) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	p, ok := sessionParams[id]
	switch {
	case !ok:
		return jet.ErrInvalidSesparamId
	case id == sesTransactionLevel:
		return jet.ErrFeatureNotAvailable
	case !p.blob && len(value) != p.size, p.blob && len(value) > p.size:
		return jet.ErrInvalidBufferSize
	case id == sesCommitDefault:
		return s.setCommitDefault(jet.Grbit(binary.LittleEndian.Uint32(value)))
	}
	if s.settings == nil {
		s.settings = map[jet.ParamID][]byte{}
	}
	s.settings[id] = append([]byte(nil), value...)
	return nil
}

// SessionParam reads a parameter of the session into buf and gives its length; a nil buf asks for the length
// alone (JetGetSessionParameter).
func (s *Session) SessionParam(id jet.ParamID, buf []byte) (actual int, err error) {
	if err := s.enter(); err != nil {
		return 0, err
	}
	defer s.leave()
	p, ok := sessionParams[id]
	if !ok {
		return 0, jet.ErrInvalidSesparamId
	}
	value := s.sessionValue(id, p)
	switch {
	case buf == nil:
		return len(value), nil
	case p.blob && len(buf) < len(value):
		return len(value), jet.ErrBufferTooSmall
	case p.exact && len(buf) != p.size, !p.blob && len(buf) < p.size:
		return len(value), jet.ErrInvalidBufferSize
	}
	return copy(buf, value), nil
}

func (s *Session) sessionValue(id jet.ParamID, p sessionParam) []byte {
	switch id {
	case sesCommitDefault:
		return binary.LittleEndian.AppendUint32(nil, uint32(s.commitDefault))
	case sesTransactionLevel:
		return binary.LittleEndian.AppendUint32(nil, uint32(s.trx.Level()))
	}
	if v, ok := s.settings[id]; ok {
		return v
	}
	switch {
	case id == sesOperationContext:
		return initialOperationContext
	case p.blob:
		return nil
	}
	return make([]byte, p.size)
}

// SessionInfo is what JetGetSessionInfo tells.
type SessionInfo struct {
	TrxBegin0 jet.Trx
	Level     uint32
	Proc      jet.ProcID
	// Context owns the session: what JetSetSessionContext set, or the thread that began the transaction.
	Context uint64
}

// Info tells of the session's transaction (JetGetSessionInfo); it stays allowed after JetStopService.
func (s *Session) Info() (SessionInfo, error) {
	if err := s.enterAlways(); err != nil {
		return SessionInfo{}, err
	}
	defer s.leave()
	info := SessionInfo{TrxBegin0: s.trx.Begin0(), Level: uint32(s.trx.Level()), Proc: s.trx.Proc, Context: s.owner.context}
	if info.Context == 0 && info.Level > 0 {
		info.Context = uint64(s.owner.trxThread)
	}
	return info, nil
}

// Version is the engine's version (JetGetVersion): a number that is never 0.
func (s *Session) Version() (uint32, error) {
	if err := s.enter(); err != nil {
		return 0, err
	}
	defer s.leave()
	return engineMajor<<28 | engineMinor<<20 | engineBuild, nil
}
