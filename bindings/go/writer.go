package tensorfile

import (
	"io"

	"github.com/tensorfile/tensorfile/bindings/go/internal/capi"
)

// Writer writes a file array by array, in pieces of any size, without ever having all in memory: first all arrays are
// declared, then their bytes are written, in that order, then Finish puts the file in its place.
//
// Until Finish the target is as before, and a Writer that is closed without it leaves nothing behind; in an io.Writer,
// what was written stays.
type Writer struct{ handle handle[capi.Writer] }

func makeWriter(opts []Option, call func(out *capi.Writer, o capi.Options) error) (*Writer, error) {
	options, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	defer options.release()
	var raw capi.Writer
	if err := check(call(&raw, options.raw)); err != nil {
		return nil, err
	}
	w := &Writer{}
	return own(w, &w.handle, raw, capi.WriterRelease), nil
}

// Create makes a writer to a path, to which the format's extension is added when it lacks it. Auto: the format of
// WithFormat, else that which the extension names. Nothing is written before the first Write or Finish.
func Create(path string, format Format, opts ...Option) (*Writer, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	return makeWriter(opts, func(out *capi.Writer, o capi.Options) error {
		return capi.WriterOpen(out, path, int32(format), o)
	})
}

// CreateIn makes a writer into an io.Writer; Auto: the format of WithFormat. What the io.Writer says when it fails is the
// Err of the *Error.
func CreateIn(output io.Writer, format Format, opts ...Option) (*Writer, error) {
	sink, err := newSink(output)
	if err != nil {
		return nil, err
	}
	defer capi.SinkRelease(sink)
	return makeWriter(opts, func(out *capi.Writer, o capi.Options) error {
		return capi.WriterOpenSink(out, sink, int32(format), o)
	})
}

// use runs a call that changes the writer.
func (w *Writer) use(call func(raw capi.Writer) error) error {
	raw, err := w.handle.lockAlone()
	if err != nil {
		return err
	}
	defer w.handle.unlockAlone()
	return check(call(raw))
}

// Declare names the next array. A .npy has one, whose name is not kept.
func (w *Writer) Declare(name string, dtype Dtype, shape ...int) error {
	sizes := numbers(shape)
	return w.use(func(raw capi.Writer) error {
		return capi.WriterDeclare(raw, name, int32(dtype), first(sizes), len(sizes))
	})
}

// SetMetadata sets the metadata of a .safetensors or .gguf, in place of any set before; nil: none. They are read when the
// first byte is written.
func (w *Writer) SetMetadata(metadata *Dict) error {
	about, err := capi.Dict(0), error(nil)
	if metadata != nil {
		if about, err = metadata.handle.lock(); err != nil {
			return err
		}
		defer metadata.handle.unlock()
	}
	return w.use(func(raw capi.Writer) error { return capi.WriterSetMetadata(raw, about) })
}

// Write writes the next bytes: those of the arrays in the order in which they are declared, each C-contiguous in the byte
// order of this machine. A piece may end anywhere, and may reach from one array into the next.
func (w *Writer) Write(piece []byte) (int, error) {
	err := w.use(func(raw capi.Writer) error { return capi.WriterWrite(raw, text(piece)) })
	if err != nil {
		return 0, err
	}
	return len(piece), nil
}

// WriteElements writes the next elements, as Write does their bytes.
func WriteElements[T Element](w *Writer, elements []T) error {
	_, err := w.Write(bytesOf(elements))
	return err
}

// Finish writes what comes last, and puts the file in its place; then the writer can only be closed. It fails with
// ErrInvalidArgument when an array, the error's Name, lacks bytes.
func (w *Writer) Finish() error { return w.use(capi.WriterFinish) }

// Close releases the writer; the file of one that is not finished is gone. It always gives nil, and may be called again.
func (w *Writer) Close() error { return w.handle.close() }
