package tensorfile

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/tensorfile/tensorfile/bindings/go/internal/capi"
)

// Status is the kind of a failure. Each is itself an error to compare with: errors.Is(err, tensorfile.ErrCorrupt).
type Status int32

// The kinds of failure. Values are frozen; later versions append more.
const (
	// ErrInvalidArgument is the caller's mistake: an index or number out of range, a wrong shape. Nothing was done.
	ErrInvalidArgument Status = 1
	// ErrOutOfMemory: an allocation failed. Everything is as before; the same call may succeed later.
	ErrOutOfMemory Status = 2
	// ErrIO: the system, or a reader or writer of the caller's, could not open, read, write or replace a file.
	ErrIO Status = 3
	// ErrNotFound: no such file, name or key. It is fs.ErrNotExist, too.
	ErrNotFound Status = 4
	// ErrDuplicate: a name stands twice, in a file or among the names given.
	ErrDuplicate Status = 5
	// ErrFormat: the bytes are not of the format asked for, or of none that is known.
	ErrFormat Status = 6
	// ErrCorrupt: the file breaks a rule of its format. No reader should trust it.
	ErrCorrupt Status = 7
	// ErrTruncated: the file ends too early; more bytes at its end could make it valid.
	ErrTruncated Status = 8
	// ErrUnsupported: valid, but not handled here: a dtype, version or method; what a target format cannot hold.
	ErrUnsupported Status = 9
	// ErrLimit: a limit of the options was hit; a larger limit would change the verdict.
	ErrLimit Status = 10
	// ErrType: a value is of another kind or dtype than the call needs.
	ErrType Status = 11
	// ErrMismatch: what was loaded is not what was expected.
	ErrMismatch Status = 12
	// ErrCancelled: a context was done, or a progress callback asked to stop.
	ErrCancelled Status = 13
	// ErrInternal: the library contradicts itself; please report it.
	ErrInternal Status = 14
)

// ErrClosed is what calls on something closed give. It is fs.ErrClosed, too.
var ErrClosed = fmt.Errorf("tensorfile: use after Close: %w", fs.ErrClosed)

// String is the status as a lower-case word: "corrupt".
func (s Status) String() string { return capi.String(capi.StatusName(int32(s))) }

// Error is the status as a message.
func (s Status) Error() string { return "tensorfile: " + strings.ReplaceAll(s.String(), "_", " ") }

// Is makes ErrNotFound be fs.ErrNotExist.
func (s Status) Is(target error) bool { return s == ErrNotFound && target == fs.ErrNotExist }

// Error is a failed call.
type Error struct {
	// Status is the kind of failure; errors.Is finds it.
	Status Status
	// Message is one line that says what and where, what was expected and what was found.
	Message string
	// Offset is the byte in the file that the failure is about, or -1.
	Offset int64
	// Name is the array or key that the failure is about, or "".
	Name string
	// Err is what a reader, writer, progress function or context of the caller's said, or nil.
	Err error
}

// Error is the message, after the package's name.
func (e *Error) Error() string { return "tensorfile: " + e.Message }

// Unwrap gives the status and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Status}
	}
	return []error{e.Status, e.Err}
}

// TensorfileStatus hands the status on where the error is one of a callback.
func (e *Error) TensorfileStatus() int32 { return int32(e.Status) }

// TensorfileStatus hands the status on where the error is one of a callback.
func (s Status) TensorfileStatus() int32 { return int32(s) }

func newError(status Status, format string, args ...any) error {
	return &Error{Status: status, Message: fmt.Sprintf(format, args...), Offset: -1}
}

// check makes the error of a call one of this package's.
func check(err error) error { return checkWith(err, nil) }

// checkWith takes, too, what callbacks on threads of the library's left.
func checkWith(err error, slot *capi.Slot) error {
	var left error
	if slot != nil {
		left = slot.Take()
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
		e.Err = left
	}
	return e
}
