// Package capi is the C ABI as SWIG gives it to Go (capi.go, capi_wrap.c), and by hand what SWIG has no words for:
// failures, and callbacks.
package capi

// #include "call.h"
import "C"

import (
	"context"
	"errors"
	"io"
	"runtime/cgo"
	"sync"
	"unsafe"
)

// Handles of the library's objects. They are C addresses, which Go neither follows nor moves.
type (
	Array   uintptr
	Dict    uintptr
	File    uintptr
	Options uintptr
	Source  uintptr
	Sink    uintptr
	Buffer  uintptr
	Writer  uintptr
)

// Text is text that the library lends; it has the layout of tf_go_text.
type Text struct {
	data   *byte
	length uint
}

// String is a copy.
func (t *Text) String() string { return string(unsafe.Slice(t.data, t.length)) }

// String is a copy of a text that ends with a NUL.
func String(text *byte) string { return C.GoString((*C.char)(unsafe.Pointer(text))) }

// Failure is what is known of a failed call.
type Failure struct {
	Status  int32
	Message string
	Name    string
	Offset  uint64
	// Cause is the error of a callback that made the call fail, or nil.
	Cause error
}

func (f *Failure) Error() string { return f.Message }

// failure takes what a call gave: nil when it succeeded. It goes on with the panic of a callback.
func failure(result *byte) error {
	if result == nil {
		return nil
	}
	raw := (*C.tf_go_failure)(unsafe.Pointer(result))
	f := &Failure{
		Status:  int32(raw.status),
		Message: C.GoString(raw.message),
		Name:    C.GoString(raw.name),
		Offset:  uint64(raw.offset),
	}
	handle := cgo.Handle(raw.carried)
	C.tf_go_forget(raw)
	if handle != 0 {
		what := handle.Value().(carried)
		handle.Delete()
		f.Cause = what.orPanic()
	}
	if f.Status == 0 {
		return nil
	}
	return f
}

// carried is what a callback could not say by its status: why it failed, or that it panicked.
type carried struct {
	err      error
	panicked bool
	value    any
}

func (c carried) orPanic() error {
	if c.panicked {
		panic(c.value)
	}
	return c.err
}

// Slot is where callbacks on threads that the library made leave what they carry, for the call that they work for.
type Slot struct {
	mu   sync.Mutex
	what *carried
}

// Take gives and forgets the error that was left, or nil. It goes on with a panic.
func (s *Slot) Take() error {
	s.mu.Lock()
	what := s.what
	s.what = nil
	s.mu.Unlock()
	if what == nil {
		return nil
	}
	return what.orPanic()
}

// carry leaves it with the call that this thread is in, else in the slot. A panic is worth more than an error, the first
// panic more than what it brought about.
func carry(slot *Slot, call *C.uintptr_t, what carried) {
	if call == nil {
		slot.mu.Lock()
		defer slot.mu.Unlock()
		if slot.what == nil || !slot.what.panicked {
			slot.what = &what
		}
		return
	}
	if first := cgo.Handle(*call); first != 0 {
		if first.Value().(carried).panicked {
			return
		}
		first.Delete()
	}
	*call = C.uintptr_t(cgo.NewHandle(what))
}

// Statuses that callbacks give.
const (
	statusIO        = C.TF_STATUS_IO
	statusTruncated = C.TF_STATUS_TRUNCATED
	statusCancelled = C.TF_STATUS_CANCELLED
)

// Statuser is an error that has a status of its own.
type Statuser interface{ TensorfileStatus() int32 }

// run is the body of a callback: no panic leaves it, the caller of the library gets it instead.
func run(slot *Slot, call *C.uintptr_t, otherwise int32, body func() error) (status C.int32_t) {
	done := false
	defer func() {
		if !done {
			carry(slot, call, carried{panicked: true, value: recover()})
			status = statusCancelled
		}
	}()
	err := body()
	done = true
	if err == nil {
		return 0
	}
	carry(slot, call, carried{err: err})
	var own Statuser
	switch {
	case errors.As(err, &own) && own.TensorfileStatus() != 0:
		return C.int32_t(own.TensorfileStatus())
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return statusTruncated
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return statusCancelled
	}
	return C.int32_t(otherwise)
}

// Reader is what a source calls; a handle of a *Reader is the user of SourceNew.
type Reader struct {
	ReaderAt io.ReaderAt
	Slot     Slot
}

// Output is what a sink calls; a handle of an *Output is the user of SinkNew.
type Output struct {
	Writer io.Writer
	slot   Slot
}

// Progress is what a load or save tells; a handle of a *Progress is the user of OptionsSetProgress.
type Progress struct {
	Tell func(done, total uint64) error
	slot Slot
}

// Releaser is what a handle may stand for that wants to know of its release.
type Releaser interface{ Release() }

//export tensorfileGoReadAt
func tensorfileGoReadAt(user C.uintptr_t, offset C.uint64_t, dst unsafe.Pointer, nbytes C.size_t, call *C.uintptr_t) C.int32_t {
	reader := cgo.Handle(user).Value().(*Reader)
	return run(&reader.Slot, call, statusIO, func() error {
		bytes := unsafe.Slice((*byte)(dst), int(nbytes))
		count, err := reader.ReaderAt.ReadAt(bytes, int64(offset))
		if count == len(bytes) {
			return nil
		}
		if err == nil {
			return io.ErrUnexpectedEOF
		}
		return err
	})
}

//export tensorfileGoWrite
func tensorfileGoWrite(user C.uintptr_t, src unsafe.Pointer, nbytes C.size_t, call *C.uintptr_t) C.int32_t {
	output := cgo.Handle(user).Value().(*Output)
	return run(&output.slot, call, statusIO, func() error {
		bytes := unsafe.Slice((*byte)(src), int(nbytes))
		count, err := output.Writer.Write(bytes)
		if err == nil && count < len(bytes) {
			return io.ErrShortWrite
		}
		return err
	})
}

//export tensorfileGoProgress
func tensorfileGoProgress(user C.uintptr_t, done, total C.uint64_t, call *C.uintptr_t) C.int32_t {
	progress := cgo.Handle(user).Value().(*Progress)
	return run(&progress.slot, call, statusCancelled, func() error {
		return progress.Tell(uint64(done), uint64(total))
	})
}

//export tensorfileGoRelease
func tensorfileGoRelease(user C.uintptr_t) {
	handle := cgo.Handle(user)
	value := handle.Value()
	handle.Delete()
	if releaser, ok := value.(Releaser); ok {
		releaser.Release()
	}
}

// Info is what there is to know of an array; the memory that it points to is the array's.
type Info struct {
	Dtype      int32
	Contiguous bool
	Shape      []int64
	Strides    []int64 // nil for packed and block types
	Size       int64
	Nbytes     uint64
	Data       *byte
}

// Describe tells all of an array in one call.
func Describe(array Array) Info {
	var raw C.tf_go_info
	C.tf_go_describe(C.uintptr_t(array), &raw)
	info := Info{
		Dtype:      int32(raw.dtype),
		Contiguous: raw.contiguous != 0,
		Shape:      unsafe.Slice((*int64)(raw.shape), int(raw.ndim)),
		Size:       int64(raw.size),
		Nbytes:     uint64(raw.nbytes),
		Data:       (*byte)(raw.data),
	}
	if raw.strides != nil {
		info.Strides = unsafe.Slice((*int64)(raw.strides), int(raw.ndim))
	}
	return info
}
