//go:build !amd64

package cache

import "sync/atomic"

// readFence keeps earlier loads before later ones: an atomic read-modify-write of anything orders both sides.
func readFence() {
	var word uint32
	atomic.AddUint32(&word, 1)
}
