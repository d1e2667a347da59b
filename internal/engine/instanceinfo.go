package engine

import (
	"encoding/binary"

	"esent/internal/jet"
)

// InstanceInfo is what JetGetInstanceInfo tells of an instance.
type InstanceInfo struct {
	Instance *Instance
	Name     string
	// Databases are the paths of the attached databases.
	Databases []string
}

// InstanceInfos tells of all instances that run, in order of creation (JetGetInstanceInfo).
func (p *Process) InstanceInfos() []InstanceInfo {
	var list []InstanceInfo
	for _, i := range p.Instances() {
		if i.gate.Load()&(gateNotInitialised|gateInitialising|gateTerminating) != 0 {
			continue
		}
		info := InstanceInfo{Instance: i, Name: i.name}
		for _, d := range i.attached() {
			info.Databases = append(info.Databases, d.path)
		}
		list = append(list, info)
	}
	return list
}

// Levels of JetGetInstanceMiscInfo.
const (
	miscInfoLogSignature = 0
	miscInfoCheckpoint   = 1
	miscInfoRBS          = 2
)

// MiscInfo fills buf with what JetGetInstanceMiscInfo tells: level 0 is the log stream's signature, level 1 a
// JET_CHECKPOINTINFO. ErrBufferTooSmall for a shorter buffer, ErrInvalidParameter for another level.
func (i *Instance) MiscInfo(level uint32, buf []byte) error {
	if err := i.enter(); err != nil {
		return err
	}
	defer i.leave()
	switch level {
	case miscInfoLogSignature:
		sign := i.logSignature()
		if len(buf) < len(sign) {
			return jet.ErrBufferTooSmall
		}
		copy(buf, sign[:])
		return nil
	case miscInfoCheckpoint:
		return i.checkpointInfo(buf)
	case miscInfoRBS:
		return jet.ErrFeatureNotAvailable
	}
	return jet.ErrInvalidParameter
}

// checkpointInfo tells the generations of the checkpoint and of the log being written, and when the latter began; all 0
// without a log.
func (i *Instance) checkpointInfo(buf []byte) error {
	var info [8 + jet.LogTimeSize]byte
	if len(buf) < len(info) {
		return jet.ErrBufferTooSmall
	}
	if i.log != nil {
		i.gens.mu.Lock()
		current := i.gens.recent[len(i.gens.recent)-1]
		i.gens.mu.Unlock()
		binary.LittleEndian.PutUint32(info[0:], uint32(i.log.Checkpoint().Gen()))
		binary.LittleEndian.PutUint32(info[4:], uint32(current.gen))
		copy(info[8:], current.created[:])
	}
	copy(buf, info[:])
	return nil
}

// ThreadStats counts work as JET_THREADSTATS does. The engine counts for the process, not for each thread:
// differences between two readings are exact where one thread works.
type ThreadStats struct {
	PagesRead, PagesReadAhead uint64
	LogBytes                  uint64
}

// ThreadStats tells what the engine has done so far (JetGetThreadStats).
func (p *Process) ThreadStats() ThreadStats {
	var sum ThreadStats
	for _, i := range p.Instances() {
		if i.gate.Load()&(gateNotInitialised|gateInitialising|gateTerminating) != 0 {
			continue
		}
		c := i.cache.Stats()
		sum.PagesRead += c.Reads
		sum.PagesReadAhead += c.ReadAhead
		if i.log != nil {
			sum.LogBytes += uint64(logBytes(i.initPos, i.log.EndPos(), i.log.Segments()))
		}
	}
	return sum
}
