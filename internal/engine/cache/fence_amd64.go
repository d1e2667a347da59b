package cache

// readFence keeps earlier loads before later ones: amd64 does so by itself, and the compiler does not move
// loads over an atomic one.
func readFence() {}
