package tensorfile

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"regexp"
	"strings"
	"syscall"

	"github.com/tensorfile/tensorfile/bindings/go/internal/capi"
)

// Status is the kind of a failure. Every status is itself an error, so that errors.Is(err, tensorfile.ErrCorrupt)
// reports whether err is of that kind. ErrNotFound also matches fs.ErrNotExist. If the system refused something, its
// reason matches too: errors.Is(err, fs.ErrPermission).
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
	// Op is what failed, such as "load", or "" if that is clear from the message.
	Op string
	// Path is the file that was passed to the call, or "".
	Path string
	// Status is the kind of failure.
	Status Status
	// Message is one line that says where the call failed, what was expected and what was found.
	Message string
	// Offset is the offset in the file at which the failure was found, or -1.
	Offset int64
	// Name is the array or key that the failure concerns, or "".
	Name string
	// Err is the cause, or nil: the error of the caller's reader, writer, function or context; or, if the system
	// refused to access the file, an *fs.PathError with its reason.
	Err error

	system bool // whether Err is the system's reason, which Message contains in words
}

// Error returns the operation, the file, the message and the cause, as in
// "tensorfile: load x.npz: array 'w': could not read 512 bytes at byte 64: connection lost".
func (e *Error) Error() string {
	text := "tensorfile: "
	switch {
	case e.Op == "":
	case e.Path == "":
		text += e.Op + ": "
	case strings.HasPrefix(e.Message, e.Path): // also if the extension of the format follows
		text += e.Op + " "
	default:
		text += e.Op + " " + e.Path + ": "
	}
	text += e.Message
	if e.Err != nil && !e.system {
		text += ": " + e.Err.Error()
	}
	return text
}

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

// annotate adds the operation and its file to an error that lacks them. It is deferred by the functions that
// users call.
func annotate(err *error, op, path string) {
	e, ok := (*err).(*Error)
	if !ok || e.Op != "" {
		return
	}
	e.Op, e.Path = op, path
	if _, isErrno := e.Err.(syscall.Errno); isErrno && e.system && path != "" {
		e.Err = &fs.PathError{Op: op, Path: path, Err: e.Err}
	}
}

// check converts the error of a call to an *Error.
func check(err error) error { return checkWith(err, nil) }

// checkWith is check for calls that may run callbacks on threads of the library, whose errors are in slot.
func checkWith(err error, slot *capi.Slot) error {
	var cause *capi.CallbackError
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
	e := &Error{Status: Status(failure.Status), Message: inGo(failure.Message), Offset: -1, Name: failure.Name}
	if failure.Offset <= math.MaxInt64 {
		e.Offset = int64(failure.Offset)
	}
	if failure.Cause != nil {
		cause = failure.Cause
	}
	if at := callbackFailed.FindStringIndex(e.Message); cause != nil && (at != nil || !cause.Optional) {
		where := ""
		if at != nil {
			where = e.Message[:at[0]]
		}
		e.Message = where + cause.What
		e.Err = cause.Err
	} else if failure.System != 0 {
		e.Err, e.system = syscall.Errno(failure.System), true
	}
	return e
}

// callbackFailed matches the library's message about a callback that failed. The callback's own error replaces it.
var callbackFailed = regexp.MustCompile(`the (source's|sink's|progress callback|callback for|resolver of) .*`)

// inGo returns a message with shapes and options as Go writes them.
func inGo(message string) string { return shapesInGo(optionsInGo(message)) }

// quotedOrShape matches names in quotes, which stay as they are, and shapes of at least one dimension.
var quotedOrShape = regexp.MustCompile(`'[^']*'|\(\d+,\)|\(\d+(, \d+)+\)`)

// shapesInGo replaces (2, 3) by [2 3].
func shapesInGo(message string) string {
	return quotedOrShape.ReplaceAllStringFunc(message, func(found string) string {
		if found[0] == '\'' {
			return found
		}
		return "[" + strings.ReplaceAll(strings.Trim(found, "(,)"), ",", "") + "]"
	})
}

// nameInC matches the names of C in messages: "(max_rank)" of a limit, "alignment takes ...", "TF_OPTION_PARTS" or
// "TF_OPTION_ATOMIC 0", and single constants and functions.
var nameInC = regexp.MustCompile(`\((\w+)\)|^(\w+)( takes )|TF_OPTION_([A-Z_]+)( [01]\b)?|TF_\w+|tf_\w+\(\)`)

var goNames = map[string]string{
	"TF_LOAD_MODE_MAP":         "WithMap",
	"TF_FORMAT_BY_CONTENT":     "WithFormat(ByContent)",
	"tf_source_set_resolver()": "Source.SetResolver",
	"tf_part_plan_finish()":    "PartPlan.Finish",
}

// optionsInGo replaces the names of options in a message by those of the functions that set them.
func optionsInGo(message string) string {
	return nameInC.ReplaceAllStringFunc(message, func(found string) string {
		parts := nameInC.FindStringSubmatch(found)
		isOption := func(name string) bool { return capi.OptionFromName(name) != 0 }
		switch {
		case goNames[found] != "":
			return goNames[found]
		case isOption(parts[1]):
			return "(" + goOption(parts[1]) + ")"
		case isOption(parts[2]):
			return goOption(parts[2]) + parts[3]
		case parts[4] != "":
			value := strings.NewReplacer(" 0", "(false)", " 1", "(true)").Replace(parts[5])
			return goOption(strings.ToLower(parts[4])) + value
		}
		return found
	})
}

// goOption returns the name of the function that sets an option.
func goOption(name string) string {
	switch name {
	case "load_mode":
		return "WithMap"
	case "deflate":
		return "WithZlib"
	}
	goName := "With"
	for part := range strings.SplitSeq(name, "_") {
		if part == "gguf" {
			goName += "GGUF"
		} else if part != "" {
			goName += strings.ToUpper(part[:1]) + part[1:]
		}
	}
	return goName
}
