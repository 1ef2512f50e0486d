package tensorfile

import (
	"io"

	"github.com/tensorfile/tensorfile/bindings/go/internal/capi"
)

// Writer writes a file array by array, in pieces of any size, so that the contents never have to be in memory as a
// whole. First declare all arrays, then write their bytes in the same order, then call Finish.
//
// The target path does not change before Finish, and closing a Writer without calling Finish removes all temporary
// files. Bytes that were written to an io.Writer that is not a Committer remain written.
type Writer struct {
	handle handle[capi.Writer]
	// declared are the arrays that are not complete, and written the bytes of the first one that have been written.
	declared []declaration
	written  int
}

type declaration struct {
	name   string
	dtype  Dtype
	nbytes int
}

// declare returns the declaration of an array that the library has accepted.
func declare(name string, dtype Dtype, shape []int) declaration {
	count := 1
	for _, size := range shape {
		count *= size
	}
	return declaration{name, dtype, count / dtype.BlockSize() * dtype.BlockBytes()}
}

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

// Create returns a Writer to a path, and appends the extension of the format if the path does not have it. If format is
// Auto, it is that of WithFormat or else that of the extension. Nothing is written before the first Write or Finish.
func Create(path string, format Format, opts ...Option) (*Writer, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	return makeWriter(opts, func(out *capi.Writer, o capi.Options) error {
		return capi.WriterOpen(out, path, int32(format), o)
	})
}

// NewWriter returns a Writer to an io.Writer. If format is Auto, it is that of WithFormat. If the io.Writer fails, its
// error is the Err of the *Error.
func NewWriter(output io.Writer, format Format, opts ...Option) (*Writer, error) {
	sink, err := newSink(output)
	if err != nil {
		return nil, err
	}
	defer capi.SinkRelease(sink)
	return makeWriter(opts, func(out *capi.Writer, o capi.Options) error {
		return capi.WriterOpenSink(out, sink, int32(format), o)
	})
}

// NewSetWriter returns a Writer that writes a set of files to the writers that create returns, as SaveSetTo does.
func NewSetWriter(create CreateFunc, name string, format Format, opts ...Option) (*Writer, error) {
	sink, err := newSetSink(create, name)
	if err != nil {
		return nil, err
	}
	defer capi.SinkRelease(sink)
	return makeWriter(opts, func(out *capi.Writer, o capi.Options) error {
		return capi.WriterOpenSink(out, sink, int32(formatOf(format, name)), o)
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

// Declare declares the next array. A .npy file has one array, whose name is not stored.
func (w *Writer) Declare(name string, dtype Dtype, shape ...int) error {
	sizes := numbers(shape)
	return w.use(func(raw capi.Writer) error {
		err := capi.WriterDeclare(raw, name, int32(dtype), first(sizes), len(sizes))
		if err == nil {
			w.declared = append(w.declared, declare(name, dtype, shape))
		}
		return err
	})
}

// SetMetadata sets the metadata of a .npz, .safetensors or .gguf file, replacing what was set before; nil is none. Later
// changes to the dict do not change the file.
func (w *Writer) SetMetadata(metadata *Dict) error {
	raw, err := capi.Dict(0), error(nil)
	if metadata != nil {
		if raw, err = metadata.handle.lock(); err != nil {
			return err
		}
		defer metadata.handle.unlock()
	}
	return w.use(func(writer capi.Writer) error { return capi.WriterSetMetadata(writer, raw) })
}

// Write writes the next bytes of the data. The data are the arrays in the order of declaration, each C-contiguous and
// in the byte order of this machine. A piece may end anywhere, and may contain the end of one array and the start of
// the next.
func (w *Writer) Write(piece []byte) (int, error) {
	if err := w.write(piece, Unsupported); err != nil {
		return 0, err
	}
	return len(piece), nil
}

// write writes bytes of arrays that must have a dtype, unless it is Unsupported.
func (w *Writer) write(piece []byte, dtype Dtype) error {
	return w.use(func(raw capi.Writer) error {
		declared, written := w.declared, w.written
		for left := len(piece); left > 0 && len(declared) > 0; {
			next := declared[0]
			if dtype != Unsupported && dtype != next.dtype && next.nbytes > 0 {
				err := newError(ErrType, "array '%s' is declared as %v, not %v", next.name, next.dtype, dtype).(*Error)
				err.Name = next.name
				return err
			}
			count := min(left, next.nbytes-written)
			left -= count
			if written += count; written == next.nbytes {
				declared, written = declared[1:], 0
			}
		}
		if err := capi.WriterWrite(raw, text(piece)); err != nil {
			return err
		}
		w.declared, w.written = declared, written
		return nil
	})
}

// WriteElements writes the next elements of the data. It fails with ErrType if an array that they belong to is declared
// with another dtype, and writes nothing then.
func WriteElements[T Element](w *Writer, elements []T) error {
	return w.write(bytesOf(elements), DtypeOf[T]())
}

// Finish completes the file and moves it to its path. Afterwards the writer can only be closed. It fails with
// ErrInvalidArgument if an array, which is the Name of the error, is incomplete.
func (w *Writer) Finish() error { return w.use(capi.WriterFinish) }

// Close releases the writer, and deletes the file unless it was finished. It always returns nil; closing twice is
// allowed.
func (w *Writer) Close() error { return w.handle.close() }
