//go:build race || asan

package tensorfile

// slowed is true if a tool uses additional memory for each allocation.
const slowed = true
