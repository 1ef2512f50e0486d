package tensorfile

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/tensorfile/tensorfile/bindings/go/internal/capi"
)

// Status is the kind of a failure. Every status is itself an error, so that errors.Is(err, tensorfile.ErrCorrupt)
// reports whether err is of that kind. ErrNotFound also matches fs.ErrNotExist.
type Status int32

// The kinds of failure. The values never change; later versions may add more.
const (
	// BEGIN tf_status: generated from tensorfile.h by bindings/swig/generate.sh
	// The caller made a mistake: a nil handle, an index or number out of range, a wrong shape. Nothing was done.
	ErrInvalidArgument Status = 1
	// An allocation failed. All handles are as before, and the same call may succeed later.
	ErrOutOfMemory Status = 2
	// The system could not open, read, write or replace a file. The message contains the reason that it gave.
	ErrIO Status = 3
	// There is no such file, name or key.
	ErrNotFound Status = 4
	// A name occurs twice, in a file or among the names passed to a call.
	ErrDuplicate Status = 5
	// The bytes are not of the requested format, or of no known format.
	ErrFormat Status = 6
	// The file breaks a rule of its format.
	ErrCorrupt Status = 7
	// The file ends too early. More bytes at its end could make it valid.
	ErrTruncated Status = 8
	// The input is valid but not supported: a dtype, version, method or option, or something a format cannot hold.
	ErrUnsupported Status = 9
	// A limit set by an option was exceeded. The call could succeed with a larger limit.
	ErrLimit Status = 10
	// A value has another kind or dtype than the call needs.
	ErrType Status = 11
	// The loaded weights do not have the expected names and shapes.
	ErrMismatch Status = 12
	// A progress callback ended the call.
	ErrCancelled Status = 13
	// The library has a bug; please report it.
	ErrInternal Status = 14
	// END tf_status
)

// ErrClosed is returned by calls on a closed value. It matches fs.ErrClosed.
var ErrClosed = fmt.Errorf("tensorfile: use after Close: %w", fs.ErrClosed)

// String returns the name of the status in lower case, such as "corrupt".
func (s Status) String() string { return capi.String(capi.StatusName(int32(s))) }

// Error returns the name of the status as an error message.
func (s Status) Error() string { return "tensorfile: " + strings.ReplaceAll(s.String(), "_", " ") }

// Is reports whether target is fs.ErrNotExist and s is ErrNotFound.
func (s Status) Is(target error) bool { return s == ErrNotFound && target == fs.ErrNotExist }

// Error describes a failed call.
type Error struct {
	// Status is the kind of failure.
	Status Status
	// Message is one line that says what failed and where, what was expected and what was found.
	Message string
	// Offset is the offset in the file at which the failure was found, or -1.
	Offset int64
	// Name is the array or key that the failure concerns, or "".
	Name string
	// Err is the error of the caller's reader, writer or context that caused the failure, or nil.
	Err error
}

// Error returns the message, prefixed with the name of the package.
func (e *Error) Error() string { return "tensorfile: " + e.Message }

// Unwrap returns the status and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Status}
	}
	return []error{e.Status, e.Err}
}

// TensorfileStatus returns the status that the library reports if a callback returns this error.
func (e *Error) TensorfileStatus() int32 { return int32(e.Status) }

// TensorfileStatus returns the status that the library reports if a callback returns this error.
func (s Status) TensorfileStatus() int32 { return int32(s) }

func newError(status Status, format string, args ...any) error {
	return &Error{Status: status, Message: fmt.Sprintf(format, args...), Offset: -1}
}

// check converts the error of a call to an *Error.
func check(err error) error { return checkWith(err, nil) }

// checkWith is check for calls that may run callbacks on threads of the library, whose errors are in slot.
func checkWith(err error, slot *capi.Slot) error {
	var cause error
	if slot != nil {
		cause = slot.Take()
	}
	if err == nil {
		return nil
	}
	var failure *capi.Failure
	if !errors.As(err, &failure) {
		return err
	}
	e := &Error{Status: Status(failure.Status), Message: failure.Message, Offset: -1, Name: failure.Name, Err: failure.Cause}
	if failure.Offset <= 1<<63-1 {
		e.Offset = int64(failure.Offset)
	}
	if e.Err == nil {
		e.Err = cause
	}
	return e
}
