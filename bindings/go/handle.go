package tensorfile

import (
	"runtime"
	"sync"
)

// handle owns a reference to an object of the library. The reference is released by close, or when its owner is garbage
// collected. Calls hold the lock, so that another goroutine cannot release the object during a call.
type handle[P ~uintptr] struct {
	mu      sync.RWMutex
	raw     P
	release func(P)
	cleanup runtime.Cleanup
}

// own makes owner, which contains the handle h, the owner of the reference.
func own[T any, P ~uintptr](owner *T, h *handle[P], raw P, release func(P)) *T {
	h.raw, h.release = raw, release
	h.cleanup = runtime.AddCleanup(owner, release, raw)
	return owner
}

// lock returns the reference, which other readers may use until unlock. It fails if the handle is closed.
func (h *handle[P]) lock() (P, error) {
	h.mu.RLock()
	if h.raw == 0 {
		h.mu.RUnlock()
		return 0, ErrClosed
	}
	return h.raw, nil
}

// mustLock is lock for calls that cannot return an error: it panics if the handle is closed.
func (h *handle[P]) mustLock() P {
	raw, err := h.lock()
	if err != nil {
		panic(err)
	}
	return raw
}

func (h *handle[P]) closed() bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.raw == 0
}

func (h *handle[P]) unlock() { h.mu.RUnlock() }

// lockBoth calls use with the references of two handles, which may be one and the same. It fails if either is closed.
func lockBoth[P ~uintptr](a, b *handle[P], use func(a, b P) error) error {
	first, err := a.lock()
	if err != nil {
		return err
	}
	defer a.unlock()
	if a == b {
		return use(first, first)
	}
	second, err := b.lock()
	if err != nil {
		return err
	}
	defer b.unlock()
	return use(first, second)
}

// lockAlone returns the reference, which nothing else can use until unlockAlone.
func (h *handle[P]) lockAlone() (P, error) {
	h.mu.Lock()
	if h.raw == 0 {
		h.mu.Unlock()
		return 0, ErrClosed
	}
	return h.raw, nil
}

func (h *handle[P]) unlockAlone() { h.mu.Unlock() }

// take returns the reference, which the caller releases, and closes the handle.
func (h *handle[P]) take() (P, error) {
	raw, err := h.lockAlone()
	if err != nil {
		return 0, err
	}
	defer h.unlockAlone()
	h.cleanup.Stop()
	h.raw = 0
	return raw, nil
}

func (h *handle[P]) close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop()
	return nil
}

// drop releases the reference. The caller holds the exclusive lock.
func (h *handle[P]) drop() {
	if h.raw != 0 {
		h.cleanup.Stop()
		h.release(h.raw)
		h.raw = 0
	}
}
