package tensorfile

import (
	"runtime"
	"sync"
)

// handle owns a reference to one of the library's objects. The collector releases it when its owner is gone, Close at
// once. Calls hold the lock, so that nothing is closed under them.
type handle[P ~uintptr] struct {
	mu      sync.RWMutex
	raw     P
	release func(P)
	cleanup runtime.Cleanup
}

// own gives the reference to owner, which has the handle h.
func own[T any, P ~uintptr](owner *T, h *handle[P], raw P, release func(P)) *T {
	h.raw, h.release = raw, release
	h.cleanup = runtime.AddCleanup(owner, release, raw)
	return owner
}

// lock gives the reference for reading until unlock. A handle that is nil has none.
func (h *handle[P]) lock() (P, error) {
	h.mu.RLock()
	if h.raw == 0 {
		h.mu.RUnlock()
		return 0, ErrClosed
	}
	return h.raw, nil
}

func (h *handle[P]) unlock() { h.mu.RUnlock() }

// lockAlone gives the reference to nobody else until unlockAlone.
func (h *handle[P]) lockAlone() (P, error) {
	h.mu.Lock()
	if h.raw == 0 {
		h.mu.Unlock()
		return 0, ErrClosed
	}
	return h.raw, nil
}

func (h *handle[P]) unlockAlone() { h.mu.Unlock() }

func (h *handle[P]) close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop()
	return nil
}

// drop releases the reference; the lock is held alone.
func (h *handle[P]) drop() {
	if h.raw != 0 {
		h.cleanup.Stop()
		h.release(h.raw)
		h.raw = 0
	}
}
