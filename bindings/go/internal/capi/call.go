// Package capi is the C ABI in Go. SWIG generates most of it (capi.go, capi_wrap.c); failures and callbacks, which SWIG
// cannot express, are written by hand.
package capi

// #cgo noescape tf_go_describe
// #cgo nocallback tf_go_describe
// #cgo noescape tf_go_dict_get
// #cgo nocallback tf_go_dict_get
// #include "call.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
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

	ReadPlan  uintptr
	PartPlan  uintptr
	QuantPlan uintptr
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
	// System is the number of the system's error that made the call fail, or 0.
	System int64
	// Cause is the error of a callback that made the call fail, or nil.
	Cause *CallbackError
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
		System:  int64(raw.system),
	}
	handle := cgo.Handle(raw.pending)
	C.tf_go_free(raw)
	if handle != 0 {
		callback := handle.Value().(CallbackError)
		handle.Delete()
		f.Cause = callback.orPanic()
	}
	if f.Status == 0 {
		return nil
	}
	return f
}

// CallbackError is what a callback cannot express by its status: an error, or a panic.
type CallbackError struct {
	// What the callback could not do, such as "could not read 16 bytes at byte 0".
	What string
	Err  error
	// Optional is true if the library may go on after the error, so that another failure can follow.
	Optional bool

	panicked bool
	value    any
}

func (c *CallbackError) orPanic() *CallbackError {
	if c.panicked {
		panic(c.value)
	}
	return c
}

// Slot receives the errors of callbacks that run on threads of the library on behalf of one call.
type Slot struct {
	mu       sync.Mutex
	callback *CallbackError
}

// Take removes and returns the error, or nil. If a callback panicked, it panics again.
func (s *Slot) Take() *CallbackError {
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
func record(slot *Slot, call *C.uintptr_t, callback CallbackError) {
	if call == nil {
		slot.mu.Lock()
		defer slot.mu.Unlock()
		if slot.callback == nil || !slot.callback.panicked {
			slot.callback = &callback
		}
		return
	}
	if first := cgo.Handle(*call); first != 0 {
		if first.Value().(CallbackError).panicked {
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
	statusNotFound  = C.TF_STATUS_NOT_FOUND
)

// Statuser is an error with its own status.
type Statuser interface{ TensorfileStatus() int32 }

// run executes the body of a callback. A panic does not leave the callback: the call that invoked it panics instead.
func run(slot *Slot, call *C.uintptr_t, otherwise int32, describe func() CallbackError, body func() error) (status C.int32_t) {
	done := false
	defer func() {
		if !done {
			record(slot, call, CallbackError{panicked: true, value: recover()})
			status = statusCancelled
		}
	}()
	err := body()
	done = true
	if err == nil {
		return 0
	}
	callback := describe()
	callback.Err = err
	record(slot, call, callback)
	var own Statuser
	switch {
	case errors.As(err, &own) && own.TensorfileStatus() != 0:
		return C.int32_t(own.TensorfileStatus())
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return statusTruncated
	case errors.Is(err, fs.ErrNotExist):
		return statusNotFound
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return statusCancelled
	}
	return C.int32_t(otherwise)
}

// Reader holds the state of a source. A handle of a *Reader is the user argument of SourceNew.
type Reader struct {
	ReaderAt io.ReaderAt
	Closer   io.Closer // closed when the source is freed; may be nil
	Slot     *Slot
}

// Release is called by the library, once.
func (r *Reader) Release() {
	if r.Closer != nil {
		r.Closer.Close()
	}
}

// Output holds the state of a sink. A handle of an *Output is the user argument of SinkNew.
type Output struct {
	Writer io.Writer
	Commit func() error // called after the last Write, if SinkSetCommit is called
	Abort  func()       // called instead if the save fails
	slot   Slot
}

// SinkResolver holds the resolver of a sink. A handle of a *SinkResolver is the user argument of SinkSetResolver.
type SinkResolver struct {
	// Resolve returns a sink whose reference the library takes.
	Resolve func(name string) (Sink, error)
	slot    Slot
}

// Progress holds a progress callback. A handle of a *Progress is the user argument of OptionsSetProgress.
type Progress struct {
	Report func(done, total uint64) error
	slot   Slot
}

// Complete holds the callback of a read plan. A handle of a *Complete is the user argument of ReadPlanSetComplete.
type Complete struct {
	Notify func(entry int) error
	slot   Slot
}

// Resolver holds the resolver of a source. A handle of a *Resolver is the user argument of SourceSetResolver.
type Resolver struct {
	// Resolve returns a source whose reference the library takes.
	Resolve func(name string) (Source, error)
	slot    Slot
}

// Releaser is notified when the library releases its handle.
type Releaser interface{ Release() }

//export tensorfileGoReadAt
func tensorfileGoReadAt(user C.uintptr_t, offset C.uint64_t, dst unsafe.Pointer, nbytes C.size_t, call *C.uintptr_t) C.int32_t {
	reader := cgo.Handle(user).Value().(*Reader)
	describe := func() CallbackError {
		return CallbackError{What: fmt.Sprintf("could not read %d bytes at byte %d", uint64(nbytes), uint64(offset))}
	}
	return run(reader.Slot, call, statusIO, describe, func() error {
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
	describe := func() CallbackError {
		return CallbackError{What: fmt.Sprintf("could not write %d bytes", uint64(nbytes))}
	}
	return run(&output.slot, call, statusIO, describe, func() error {
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
	describe := func() CallbackError { return CallbackError{What: "cancelled"} }
	return run(&progress.slot, call, statusCancelled, describe, func() error {
		return progress.Report(uint64(done), uint64(total))
	})
}

//export tensorfileGoCommit
func tensorfileGoCommit(user C.uintptr_t, call *C.uintptr_t) C.int32_t {
	output := cgo.Handle(user).Value().(*Output)
	describe := func() CallbackError { return CallbackError{What: "could not commit what was written"} }
	return run(&output.slot, call, statusIO, describe, output.Commit)
}

//export tensorfileGoAbort
func tensorfileGoAbort(user C.uintptr_t, call *C.uintptr_t) {
	output := cgo.Handle(user).Value().(*Output)
	_ = run(&output.slot, call, statusIO, func() CallbackError { return CallbackError{} }, func() error {
		output.Abort()
		return nil
	})
}

//export tensorfileGoResolveSink
func tensorfileGoResolveSink(user C.uintptr_t, name *C.char, out *C.uintptr_t, call *C.uintptr_t) C.int32_t {
	resolver := cgo.Handle(user).Value().(*SinkResolver)
	wanted := C.GoString(name)
	describe := func() CallbackError {
		return CallbackError{What: fmt.Sprintf("could not create the file '%s' of the set", wanted)}
	}
	return run(&resolver.slot, call, statusIO, describe, func() error {
		sink, err := resolver.Resolve(wanted)
		*out = C.uintptr_t(sink)
		return err
	})
}

//export tensorfileGoComplete
func tensorfileGoComplete(user C.uintptr_t, entry C.size_t, call *C.uintptr_t) C.int32_t {
	complete := cgo.Handle(user).Value().(*Complete)
	describe := func() CallbackError { return CallbackError{What: "cancelled"} }
	return run(&complete.slot, call, statusCancelled, describe, func() error { return complete.Notify(int(entry)) })
}

//export tensorfileGoResolve
func tensorfileGoResolve(user C.uintptr_t, name *C.char, out *C.uintptr_t, call *C.uintptr_t) C.int32_t {
	resolver := cgo.Handle(user).Value().(*Resolver)
	wanted := C.GoString(name)
	describe := func() CallbackError {
		return CallbackError{What: fmt.Sprintf("could not find the file '%s' of the set", wanted), Optional: true}
	}
	return run(&resolver.slot, call, statusIO, describe, func() error {
		source, err := resolver.Resolve(wanted)
		*out = C.uintptr_t(source)
		return err
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
	return makeInfo(&raw)
}

func makeInfo(raw *C.tf_go_info) Info {
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

// Value is what a name in a dict refers to.
type Value struct {
	Kind int32
	// IsScalar reports whether Scalar has the element of a 0-d array, whose dtype is that of Info.
	IsScalar bool
	Scalar   [16]byte
	Array    Array // a new reference
	Info     Info  // of Array
	Dict     Dict  // a new reference
	Text     string
}

// GetValue returns the value of any kind that a dict has under a name. Its kind is 0 if there is none. 0-d arrays are
// returned as scalars if scalars is true.
func GetValue(dict Dict, key string, scalars bool) Value {
	var raw C.tf_go_value
	wanted := C.int32_t(0)
	if scalars {
		wanted = 1
	}
	bytes := key
	if bytes == "" {
		bytes = "\x00" // the library wants an address even for no bytes
	}
	C.tf_go_dict_get(C.uintptr_t(dict), (*C.char)(unsafe.Pointer(unsafe.StringData(bytes))), C.size_t(len(key)), wanted, &raw)
	value := Value{
		Kind:     int32(raw.kind),
		IsScalar: raw.is_scalar != 0,
		Array:    Array(uintptr(unsafe.Pointer(raw.array))),
		Dict:     Dict(uintptr(unsafe.Pointer(raw.dict))),
	}
	switch {
	case value.IsScalar:
		value.Info.Dtype = int32(raw.info.dtype)
		value.Scalar = *(*[16]byte)(unsafe.Pointer(&raw.scalar))
	case value.Array != 0:
		value.Info = makeInfo(&raw.info)
	case raw.text.data != nil:
		value.Text = string(unsafe.Slice((*byte)(unsafe.Pointer(raw.text.data)), int(raw.text.length)))
	}
	return value
}

// stringsOf returns the strings of a list that the library made, and whether there is a list.
func stringsOf(list *C.tf_go_list) ([]string, bool) {
	if list == nil {
		return nil, false
	}
	defer C.tf_go_free_list(list)
	bytes := string(unsafe.Slice((*byte)(unsafe.Pointer(list.bytes)), int(list.nbytes))) // one allocation for all strings
	out := make([]string, int(list.count))
	start := uint64(0)
	for i, end := range unsafe.Slice((*uint64)(unsafe.Pointer(list.ends)), len(out)) {
		out[i] = bytes[start:end]
		start = end
	}
	return out, true
}

// DictKeys returns all keys of a dict, and whether there is enough memory for them.
func DictKeys(dict Dict) ([]string, bool) { return stringsOf(C.tf_go_list_keys(C.uintptr_t(dict))) }

// DictStrings returns the list of strings at an index of a dict, and whether there is one and enough memory for it.
func DictStrings(dict Dict, index int) ([]string, bool) {
	return stringsOf(C.tf_go_list_strings(C.uintptr_t(dict), C.size_t(index)))
}
