package cache

import (
	"errors"
	"unsafe"

	"esent/internal/jet"
)

// memory is what a manager keeps outside the Go heap, for count frames: their descriptors, their begin
// positions, their pages, and the part that all share.
type memory struct {
	count, pageSize int
	committed       int // frames whose memory can be used
	desc, pos       *region
	pages, common   *region
}

// commitStep is how many frames are made usable at once.
const commitStep = 64

// headroom is how much address space the rest of the process shall still be able to get, for its threads and its
// heap: when these cannot, the process ends.
const headroom = 256 << 20

// reserve gets address space for count frames, or for fewer, down to least, where the system does not give so
// much.
func (r *memory) reserve(count, least, pageSize int) error {
	for {
		err := r.reserveExactly(count, pageSize)
		if err == nil && count > least && !spare(headroom) {
			err = errors.Join(jet.ErrOutOfMemory, r.free())
		}
		if err == nil || count <= least {
			return err
		}
		count = max(count/2, least)
	}
}

// spare says whether the system would give so much more address space.
func spare(size int) bool {
	x, err := reserve(size)
	return err == nil && x.free() == nil
}

func (r *memory) reserveExactly(count, pageSize int) (err error) {
	r.count, r.pageSize = (count+commitStep-1)/commitStep*commitStep, pageSize
	for _, x := range []struct {
		at   **region
		size int
	}{
		{&r.common, int(unsafe.Sizeof(shared{}))},
		{&r.desc, r.count * frameSize},
		{&r.pos, r.count * 8},
		{&r.pages, r.count * pageSize},
	} {
		if *x.at, err = reserve(x.size); err != nil {
			return errors.Join(err, r.free())
		}
	}
	r.pages.large()
	return r.common.commit(0, len(r.common.mem))
}

// grow makes frames up to but without n usable.
func (r *memory) grow(n int) error {
	for r.committed < n {
		if r.committed+commitStep > r.count {
			return jet.ErrOutOfBuffers
		}
		c := r.committed
		if err := r.desc.commit(c*frameSize, commitStep*frameSize); err != nil {
			return err
		}
		if err := r.pos.commit(c*8, commitStep*8); err != nil {
			return err
		}
		if err := r.pages.commit(c*r.pageSize, commitStep*r.pageSize); err != nil {
			return err
		}
		r.committed += commitStep
	}
	return nil
}

func (r *memory) frames() unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(r.desc.mem)) }

func (r *memory) begin() unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(r.pos.mem)) }

func (r *memory) shared() *shared { return (*shared)(unsafe.Pointer(unsafe.SliceData(r.common.mem))) }

// page is where the page of frame i lies.
func (r *memory) page(i uint32) unsafe.Pointer {
	return unsafe.Pointer(unsafe.SliceData(r.pages.mem[int(i)*r.pageSize:]))
}

// release gives the memory behind the page of frame i back.
func (r *memory) release(i uint32) { r.pages.release(int(i)*r.pageSize, r.pageSize) }

func (r *memory) free() error {
	for _, x := range []**region{&r.desc, &r.pos, &r.pages, &r.common} {
		if *x == nil {
			continue
		}
		if err := (*x).free(); err != nil {
			return err
		}
		*x = nil
	}
	return nil
}
