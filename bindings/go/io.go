package tensorfile

import (
	"io"
	"os"
	"runtime/cgo"
	"strings"
	"unsafe"

	"github.com/tensorfile/tensorfile/bindings/go/internal/capi"
)

// Source is where a file's bytes are read from, when that is not a path. Several goroutines may use it at once.
type Source struct {
	handle handle[capi.Source]
	slot   *capi.Slot
}

func makeSource(slot *capi.Slot, call func(out *capi.Source) error) (*Source, error) {
	var raw capi.Source
	if err := check(call(&raw)); err != nil {
		return nil, err
	}
	s := &Source{slot: slot}
	return own(s, &s.handle, raw, capi.SourceRelease), nil
}

// NewSource makes a source over the size bytes of a reader, which may be asked by several goroutines and threads at once,
// as io.ReaderAt says. Its errors are the Err of the failing call's *Error; its panics go on in whoever made the call.
func NewSource(reader io.ReaderAt, size int64) (*Source, error) {
	if size < 0 {
		return nil, newError(ErrInvalidArgument, "a source of %d bytes", size)
	}
	r := &capi.Reader{ReaderAt: reader}
	return makeSource(&r.Slot, func(out *capi.Source) error {
		return capi.SourceNew(out, uint64(size), 1, uintptr(cgo.NewHandle(r)))
	})
}

// OpenSource makes a source over a file, which stays open as long as the source.
func OpenSource(path string) (*Source, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	return makeSource(nil, func(out *capi.Source) error { return capi.SourceFromPath(out, path) })
}

// SourceFromFile makes a source over size bytes of an open regular file from offset on; a size of -1: up to its end. It can
// be mapped, and keeps a descriptor of its own, so that file may be closed at once; its position is neither used nor moved.
func SourceFromFile(file *os.File, offset, size int64) (*Source, error) {
	if err := checkPart(offset, size); err != nil {
		return nil, err
	}
	conn, err := file.SyscallConn()
	if err != nil {
		return nil, &Error{Status: ErrIO, Message: err.Error(), Offset: -1, Err: err}
	}
	var source *Source
	closed := conn.Control(func(fd uintptr) {
		source, err = makeSource(nil, func(out *capi.Source) error {
			return capi.SourceFromFd(out, int32(fd), uint64(offset), uint64(size))
		})
	})
	if closed != nil {
		return nil, &Error{Status: ErrIO, Message: closed.Error(), Offset: -1, Err: closed}
	}
	return source, err
}

// Part makes a source over size bytes of this one from offset on; a size of -1: up to its end.
func (s *Source) Part(offset, size int64) (*Source, error) {
	if err := checkPart(offset, size); err != nil {
		return nil, err
	}
	whole, err := s.handle.lock()
	if err != nil {
		return nil, err
	}
	defer s.handle.unlock()
	return makeSource(s.slot, func(out *capi.Source) error {
		return capi.SourceFromPart(out, whole, uint64(offset), uint64(size))
	})
}

// checkPart refuses numbers that the library would take for others; -1 is its UINT64_MAX.
func checkPart(offset, size int64) error {
	if offset < 0 || size < -1 {
		return newError(ErrInvalidArgument, "a part of %d bytes from byte %d on", size, offset)
	}
	return nil
}

// SourceFromBytes makes a source over bytes, which are pinned, not copied, and must not change as long as the source, or
// an array mapped from it, is there.
func SourceFromBytes(bytes []byte) (*Source, error) {
	return makeSource(nil, func(out *capi.Source) error { return capi.SourceFromMemory(out, text(bytes), pin(bytes)) })
}

// Close releases the source; a File on it, and arrays mapped from it, keep what they need. It always gives nil, and may be
// called again.
func (s *Source) Close() error { return s.handle.close() }

// Buffer is bytes in memory that the library made.
type Buffer struct{ handle handle[capi.Buffer] }

// Len is the number of bytes; 0 after Close.
func (b *Buffer) Len() int {
	raw, err := b.handle.lock()
	if err != nil {
		return 0
	}
	defer b.handle.unlock()
	return capi.BufferSize(raw)
}

// Bytes gives the bytes without a copy. They are to be read only, and valid until Close, which alone releases the buffer
// from now on: the collector cannot tell who has them.
func (b *Buffer) Bytes() ([]byte, error) {
	raw, err := b.handle.lockAlone()
	if err != nil {
		return nil, err
	}
	defer b.handle.unlockAlone()
	b.handle.cleanup.Stop()
	return unsafe.Slice(capi.BufferData(raw), capi.BufferSize(raw)), nil
}

// WriteTo writes all bytes.
func (b *Buffer) WriteTo(w io.Writer) (int64, error) {
	raw, err := b.handle.lock()
	if err != nil {
		return 0, err
	}
	defer b.handle.unlock()
	size := capi.BufferSize(raw)
	count, err := w.Write(unsafe.Slice(capi.BufferData(raw), size))
	if err == nil && count < size {
		err = io.ErrShortWrite
	}
	return int64(count), err
}

// Close releases the bytes. It always gives nil, and may be called again.
func (b *Buffer) Close() error { return b.handle.close() }

// contents is what to save: an array as .npy, or dicts in the other formats.
type contents struct {
	array    *Array
	arrays   *Dict
	metadata *Dict
}

// lock gives the handles of what there is, until unlock.
func (c contents) lock() (array capi.Array, arrays, metadata capi.Dict, unlock func(), err error) {
	var held []func()
	unlock = func() {
		for _, release := range held {
			release()
		}
	}
	if c.array != nil {
		if array, err = c.array.handle.lock(); err != nil {
			return 0, 0, 0, unlock, err
		}
		held = append(held, c.array.handle.unlock)
	}
	for _, dict := range []struct {
		dict *Dict
		raw  *capi.Dict
	}{{c.arrays, &arrays}, {c.metadata, &metadata}} {
		// One dict may be both; a second lock could wait for somebody who waits for the first.
		if dict.dict == nil {
			continue
		}
		if dict.dict == c.arrays && dict.raw == &metadata {
			metadata = arrays
			continue
		}
		if *dict.raw, err = dict.dict.handle.lock(); err != nil {
			unlock()
			return 0, 0, 0, func() {}, err
		}
		held = append(held, dict.dict.handle.unlock)
	}
	return array, arrays, metadata, unlock, nil
}

// save makes a call that saves contents.
func save(c contents, opts []Option, call func(array capi.Array, arrays, metadata capi.Dict, o capi.Options) error) error {
	options, err := newOptions(opts)
	if err != nil {
		return err
	}
	defer options.release()
	array, arrays, metadata, unlock, err := c.lock()
	if err != nil {
		return err
	}
	defer unlock()
	return check(call(array, arrays, metadata, options.raw))
}

func marshal(format Format, c contents, opts []Option) (*Buffer, error) {
	var raw capi.Buffer
	err := save(c, opts, func(array capi.Array, arrays, metadata capi.Dict, o capi.Options) error {
		return capi.SaveMemory(&raw, int32(format), array, arrays, metadata, o)
	})
	if err != nil {
		return nil, err
	}
	b := &Buffer{}
	return own(b, &b.handle, raw, capi.BufferRelease), nil
}

// Marshal saves arrays into memory, as NPZ, Safetensors or GGUF. metadata may be nil, and is for NPZ.
func Marshal(format Format, arrays, metadata *Dict, opts ...Option) (*Buffer, error) {
	return marshal(format, contents{arrays: arrays, metadata: metadata}, opts)
}

// MarshalArray saves an array into memory, as NPY.
func MarshalArray(array *Array, opts ...Option) (*Buffer, error) {
	return marshal(NPY, contents{array: array}, opts)
}

// newSink makes a sink that keeps the writer, to be released.
func newSink(w io.Writer) (sink capi.Sink, err error) {
	err = check(capi.SinkNew(&sink, uintptr(cgo.NewHandle(&capi.Output{Writer: w}))))
	return sink, err
}

func saveTo(w io.Writer, format Format, c contents, opts []Option) error {
	sink, err := newSink(w)
	if err != nil {
		return err
	}
	defer capi.SinkRelease(sink)
	return save(c, opts, func(array capi.Array, arrays, metadata capi.Dict, o capi.Options) error {
		return capi.SaveSink(sink, int32(format), array, arrays, metadata, o)
	})
}

// SaveTo saves arrays into a writer, from first byte to last, as NPZ, Safetensors or GGUF; whatever was written before a
// failure stays written. metadata may be nil, and is for NPZ. What the writer says when it fails is the Err of the *Error.
func SaveTo(w io.Writer, format Format, arrays, metadata *Dict, opts ...Option) error {
	return saveTo(w, format, contents{arrays: arrays, metadata: metadata}, opts)
}

// SaveArrayTo saves an array into a writer, as NPY.
func SaveArrayTo(w io.Writer, array *Array, opts ...Option) error {
	return saveTo(w, NPY, contents{array: array}, opts)
}

// checkPath refuses what C would cut.
func checkPath(path string) error {
	if strings.Contains(path, "\x00") {
		return newError(ErrInvalidArgument, "the path %q has a NUL character inside", path)
	}
	return nil
}
