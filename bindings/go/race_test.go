//go:build race || asan

package tensorfile

// slowed says that a tool keeps memory of its own for ours.
const slowed = true
