// Package capi is the C ABI in Go. SWIG generates most of it (capi.go, capi_wrap.c); failures and callbacks, which SWIG
// cannot express, are written by hand.
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

// Handles of the library's objects. They are C addresses, declared as integers so that Go never treats them as
// pointers.
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

// Text is text that the library owns. It has the layout of tf_go_text.
type Text struct {
	data   *byte
	length uint
}

// String returns a copy.
func (t *Text) String() string { return string(unsafe.Slice(t.data, t.length)) }

// String returns a copy of a NUL-terminated text.
func String(text *byte) string { return C.GoString((*C.char)(unsafe.Pointer(text))) }

// Failure describes a failed call.
type Failure struct {
	Status  int32
	Message string
	Name    string
	Offset  uint64
	// Cause is the error of a callback that made the call fail, or nil.
	Cause error
}

func (f *Failure) Error() string { return f.Message }

// failure converts the result of a call to an error, which is nil on success. If a callback panicked, it panics again.
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
	handle := cgo.Handle(raw.pending)
	C.tf_go_free(raw)
	if handle != 0 {
		callback := handle.Value().(callbackError)
		handle.Delete()
		f.Cause = callback.orPanic()
	}
	if f.Status == 0 {
		return nil
	}
	return f
}

// callbackError is what a callback cannot express by its status: an error, or a panic.
type callbackError struct {
	err      error
	panicked bool
	value    any
}

func (c callbackError) orPanic() error {
	if c.panicked {
		panic(c.value)
	}
	return c.err
}

// Slot receives the errors of callbacks that run on threads of the library on behalf of one call.
type Slot struct {
	mu       sync.Mutex
	callback *callbackError
}

// Take removes and returns the error, or nil. If a callback panicked, it panics again.
func (s *Slot) Take() error {
	s.mu.Lock()
	callback := s.callback
	s.callback = nil
	s.mu.Unlock()
	if callback == nil {
		return nil
	}
	return callback.orPanic()
}

// record stores an error for the current call if there is one on this thread, or else in the slot. A panic replaces an
// error, but not an earlier panic, which is the reason for the later one.
func record(slot *Slot, call *C.uintptr_t, callback callbackError) {
	if call == nil {
		slot.mu.Lock()
		defer slot.mu.Unlock()
		if slot.callback == nil || !slot.callback.panicked {
			slot.callback = &callback
		}
		return
	}
	if first := cgo.Handle(*call); first != 0 {
		if first.Value().(callbackError).panicked {
			return
		}
		first.Delete()
	}
	*call = C.uintptr_t(cgo.NewHandle(callback))
}

// Statuses that callbacks return.
const (
	statusIO        = C.TF_STATUS_IO
	statusTruncated = C.TF_STATUS_TRUNCATED
	statusCancelled = C.TF_STATUS_CANCELLED
)

// Statuser is an error with its own status.
type Statuser interface{ TensorfileStatus() int32 }

// run executes the body of a callback. A panic does not leave the callback: the call that invoked it panics instead.
func run(slot *Slot, call *C.uintptr_t, otherwise int32, body func() error) (status C.int32_t) {
	done := false
	defer func() {
		if !done {
			record(slot, call, callbackError{panicked: true, value: recover()})
			status = statusCancelled
		}
	}()
	err := body()
	done = true
	if err == nil {
		return 0
	}
	record(slot, call, callbackError{err: err})
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

// Reader holds the state of a source. A handle of a *Reader is the user argument of SourceNew.
type Reader struct {
	ReaderAt io.ReaderAt
	Slot     Slot
}

// Output holds the state of a sink. A handle of an *Output is the user argument of SinkNew.
type Output struct {
	Writer io.Writer
	slot   Slot
}

// Progress holds a progress callback. A handle of a *Progress is the user argument of OptionsSetProgress.
type Progress struct {
	Report func(done, total uint64) error
	slot   Slot
}

// Releaser is notified when the library releases its handle.
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
		return progress.Report(uint64(done), uint64(total))
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

// Info describes an array. Its pointers refer to memory of the array.
type Info struct {
	Dtype      int32
	Contiguous bool
	Shape      []int64
	Strides    []int64 // nil for packed and block types
	Size       int64
	Nbytes     uint64
	Data       *byte
}

// Describe returns all properties of an array in one call.
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
