//go:build !race && !asan

package tensorfile

const slowed = false
