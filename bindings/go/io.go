package tensorfile

import (
	"io"
	"math"
	"os"
	"runtime/cgo"
	"strings"
	"unsafe"

	"github.com/tensorfile/tensorfile/bindings/go/internal/capi"
)

// Source is a source of bytes for a file that is not opened by path. Several goroutines may use it at the same time.
type Source struct {
	handle handle[capi.Source]
	slot   *capi.Slot   // of reader, or of the reader of the whole that this source is a part of
	reader *capi.Reader // or nil
	name   string
}

func makeSource(slot *capi.Slot, call func(out *capi.Source) error) (*Source, error) {
	var raw capi.Source
	if err := check(call(&raw)); err != nil {
		return nil, err
	}
	s := &Source{slot: slot}
	return own(s, &s.handle, raw, capi.SourceRelease), nil
}

// NewSource returns a source over the first size bytes of a reader. Several goroutines and threads may call the reader
// at the same time, as io.ReaderAt allows. Its errors become the Err of the *Error of the failed call. Its panics
// propagate to the caller of the library.
func NewSource(reader io.ReaderAt, size int64) (*Source, error) {
	return newSource(&capi.Reader{ReaderAt: reader}, size)
}

func newSource(r *capi.Reader, size int64) (*Source, error) {
	if size < 0 {
		r.Release()
		return nil, newError(ErrInvalidArgument, "the size of a source is negative: %d", size)
	}
	r.Slot = &capi.Slot{}
	source, err := makeSource(r.Slot, func(out *capi.Source) error {
		return capi.SourceNew(out, uint64(size), 1, uintptr(cgo.NewHandle(r)))
	})
	if err == nil {
		source.reader = r
	}
	return source, err
}

// SetName names the source: messages begin with the name, its extension chooses the format as that of a path does, and
// the names of the other files of a set follow from it. Nothing is opened by name. It fails if the source is in use.
func (s *Source) SetName(name string) error {
	return s.prepare(func(raw capi.Source) error {
		err := capi.SourceSetName(raw, name)
		if err == nil {
			s.name = name
		}
		return err
	})
}

// ReadHints says how a source is best read. The zero value has the defaults, which are right for files. Hints change
// how much work a read is, never its result.
type ReadHints struct {
	// Gap is the number of bytes between two wanted parts that are worth reading and discarding to save a read: 0 for
	// the default of 16 KiB, -1 for none. For a network 1 MiB is better.
	Gap int64
	// Piece is the number of bytes of an efficient read. For a network 8 MiB is good.
	Piece int64
	// Requests is the largest number of reads at the same time, up to 1,024: 0 for as many as there are threads. For a
	// network 16 is good.
	Requests int
}

// SetHints sets how the source is best read. It fails if the source is in use.
func (s *Source) SetHints(hints ReadHints) error {
	if hints.Gap < -1 || hints.Piece < 0 || hints.Requests < 0 || hints.Requests > math.MaxInt32 {
		return newError(ErrInvalidArgument, "the hints are out of range: %+v", hints)
	}
	gap := uint64(hints.Gap)
	switch hints.Gap {
	case 0:
		gap = math.MaxUint64
	case -1:
		gap = 0
	}
	return s.prepare(func(raw capi.Source) error {
		return capi.SourceSetHints(raw, gap, uint64(hints.Piece), uint32(hints.Requests))
	})
}

// SetResolver sets the function that opens the other files of the set that the source belongs to: those that the index
// of sharded safetensors lists, and with WithParts those of any part of a set. The source needs a name, to whose folder
// the names that resolve gets are relative; they have slashes and never lead out of it. The library takes the source
// that resolve returns. If there is no such file, resolve returns an error that is fs.ErrNotExist.
//
// A source that was opened by path finds the other files by itself. SetResolver fails if the source is in use.
func (s *Source) SetResolver(resolve func(name string) (*Source, error)) error {
	slot := s.slot
	if slot == nil {
		slot = &capi.Slot{}
		s.slot = slot
	}
	user := &capi.Resolver{Resolve: func(name string) (capi.Source, error) {
		found, err := resolve(name)
		if err != nil {
			return 0, err
		}
		if found.reader != nil {
			found.reader.Slot = slot // so that its failures are those of the call
		}
		return found.handle.take()
	}}
	return s.prepare(func(raw capi.Source) error {
		return capi.SourceSetResolver(raw, uintptr(cgo.NewHandle(user)))
	})
}

// prepare runs a call that changes a source that is not in use.
func (s *Source) prepare(call func(raw capi.Source) error) error {
	raw, err := s.handle.lockAlone()
	if err != nil {
		return err
	}
	defer s.handle.unlockAlone()
	return check(call(raw))
}

// OpenSource returns a source over a file, which stays open as long as the source.
func OpenSource(path string) (s *Source, err error) {
	defer annotate(&err, "open", path)
	if err := checkPath(path); err != nil {
		return nil, err
	}
	return makeSource(nil, func(out *capi.Source) error { return capi.SourceFromPath(out, path) })
}

// SourceFromFile returns a source over size bytes of an open regular file that start at offset. A size of -1 means all
// bytes up to the end. The source can be mapped. It duplicates the descriptor, so that file may be closed immediately,
// and does not use or change its position.
func SourceFromFile(file *os.File, offset, size int64) (*Source, error) {
	if err := checkPart(offset, size); err != nil {
		return nil, err
	}
	conn, err := file.SyscallConn()
	if err != nil {
		return nil, fsError(err)
	}
	var source *Source
	closed := conn.Control(func(fd uintptr) {
		source, err = makeSource(nil, func(out *capi.Source) error {
			return capi.SourceFromFd(out, int32(fd), uint64(offset), uint64(size))
		})
	})
	if closed != nil {
		return nil, fsError(closed)
	}
	return source, err
}

// Part returns a source over size bytes of this source that start at offset. A size of -1 means all bytes up to the
// end.
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

// checkPart rejects negative numbers, which the library would take for huge ones. -1 is its UINT64_MAX.
func checkPart(offset, size int64) error {
	if offset < 0 || size < -1 {
		return newError(ErrInvalidArgument, "cannot take %d bytes at offset %d of a source", size, offset)
	}
	return nil
}

// SourceFromBytes returns a source over bytes, which are pinned and not copied. They must not change while the source,
// or an array that is mapped from it, exists.
func SourceFromBytes(bytes []byte) (*Source, error) {
	return makeSource(nil, func(out *capi.Source) error { return capi.SourceFromMemory(out, text(bytes), pin(bytes)) })
}

// Close releases the source. Files and mapped arrays that use it remain valid. It always returns nil; closing twice is
// allowed.
func (s *Source) Close() error { return s.handle.close() }

// Buffer is a block of bytes that the library allocated.
type Buffer struct{ handle handle[capi.Buffer] }

// Len returns the number of bytes. It panics if the buffer is closed.
func (b *Buffer) Len() int {
	raw := b.handle.mustLock()
	defer b.handle.unlock()
	return capi.BufferSize(raw)
}

// Bytes returns the bytes without a copy. They must not be changed, and are valid until Close. From this call on only
// Close releases the buffer, since the garbage collector does not know the bytes.
func (b *Buffer) Bytes() ([]byte, error) {
	raw, err := b.handle.lockAlone()
	if err != nil {
		return nil, err
	}
	defer b.handle.unlockAlone()
	b.handle.cleanup.Stop()
	return unsafe.Slice(capi.BufferData(raw), capi.BufferSize(raw)), nil
}

// WriteTo writes all bytes to w.
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

// Close releases the bytes. It always returns nil; closing twice is allowed.
func (b *Buffer) Close() error { return b.handle.close() }

// contents is what a save writes: one array for .npy, or dicts for the other formats.
type contents struct {
	array    *Array
	arrays   *Dict
	metadata *Dict
}

// lock returns the handles of the contents, which are locked until unlock is called.
func (c contents) lock() (array capi.Array, arrays, metadata capi.Dict, unlock func(), err error) {
	var unlocks []func()
	unlock = func() {
		for _, unlock := range unlocks {
			unlock()
		}
	}
	if c.array != nil {
		if array, err = c.array.handle.lock(); err != nil {
			return 0, 0, 0, unlock, err
		}
		unlocks = append(unlocks, c.array.handle.unlock)
	}
	for _, dict := range []struct {
		dict *Dict
		raw  *capi.Dict
	}{{c.arrays, &arrays}, {c.metadata, &metadata}} {
		// Never lock a dict twice: a second read lock deadlocks if a writer waits in between.
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
		unlocks = append(unlocks, dict.dict.handle.unlock)
	}
	return array, arrays, metadata, unlock, nil
}

// save runs a call that saves contents.
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

func marshal(format Format, c contents, opts []Option) (b *Buffer, err error) {
	defer annotate(&err, "save", "")
	var raw capi.Buffer
	err = save(c, opts, func(array capi.Array, arrays, metadata capi.Dict, o capi.Options) error {
		return capi.SaveMemory(&raw, int32(format), array, arrays, metadata, o)
	})
	if err != nil {
		return nil, err
	}
	b = &Buffer{}
	return own(b, &b.handle, raw, capi.BufferRelease), nil
}

// Marshal saves arrays to memory as NPZ, Safetensors or GGUF. metadata may be nil; see Save.
func Marshal(format Format, arrays, metadata *Dict, opts ...Option) (*Buffer, error) {
	return marshal(format, contents{arrays: arrays, metadata: metadata}, opts)
}

// MarshalArray saves an array to memory as NPY.
func MarshalArray(array *Array, opts ...Option) (*Buffer, error) {
	return marshal(NPY, contents{array: array}, opts)
}

// Committer is an io.Writer whose contents take effect only as a whole, such as a multipart upload. After the last
// Write of a save either Commit is called, whose error makes the save fail, or Abort if the save has failed. A Writer
// calls Commit in Finish, and Abort if it is closed before.
type Committer interface {
	io.Writer
	Commit() error
	Abort()
}

// newSink returns a sink that writes to w. The caller releases it.
func newSink(w io.Writer) (capi.Sink, error) {
	output := &capi.Output{Writer: w}
	if committer, ok := w.(Committer); ok {
		output.Commit, output.Abort = committer.Commit, committer.Abort
	}
	return makeSink(output)
}

func makeSink(output *capi.Output) (sink capi.Sink, err error) {
	if err := check(capi.SinkNew(&sink, uintptr(cgo.NewHandle(output)))); err != nil {
		return 0, err
	}
	if output.Commit != nil {
		if err := check(capi.SinkSetCommit(sink, 1)); err != nil {
			capi.SinkRelease(sink)
			return 0, err
		}
	}
	return sink, nil
}

// CreateFunc returns the writer for a file of a set. A Committer is committed when all files of the set have been
// written, the index or first part last, or aborted. Any other writer that is an io.Closer is closed instead.
type CreateFunc func(name string) (io.Writer, error)

// created is a file that is created by the first Write.
type created struct {
	create CreateFunc
	name   string
	w      io.Writer
}

func (c *created) Write(piece []byte) (int, error) {
	if err := c.open(); err != nil {
		return 0, err
	}
	return c.w.Write(piece)
}

func (c *created) open() (err error) {
	if c.w == nil {
		c.w, err = c.create(c.name)
	}
	return err
}

func (c *created) Commit() error {
	switch w := c.w.(type) {
	case Committer:
		return w.Commit()
	case io.Closer:
		return w.Close()
	}
	return nil
}

func (c *created) Abort() {
	switch w := c.w.(type) {
	case Committer:
		w.Abort()
	case io.Closer:
		w.Close()
	}
}

// newSetSink returns a sink for a file or a set of files. The caller releases it.
func newSetSink(create CreateFunc, name string) (capi.Sink, error) {
	sink, err := newSink(&created{create: create, name: name})
	if err != nil {
		return 0, err
	}
	resolver := &capi.SinkResolver{Resolve: func(part string) (capi.Sink, error) {
		file := &created{create: create, name: part}
		if err := file.open(); err != nil {
			return 0, err
		}
		return newSink(file)
	}}
	if err := check(capi.SinkSetResolver(sink, name, uintptr(cgo.NewHandle(resolver)))); err != nil {
		capi.SinkRelease(sink)
		return 0, err
	}
	return sink, nil
}

// SaveSetTo saves arrays to the writers that create returns: to one with the given name, or, if the arrays exceed
// WithPartBytes, to a set of files whose names are derived from it, such as w-00001-of-00003.safetensors. metadata may be
// nil; see Save. Auto is the format of WithFormat, or else that of the extension.
func SaveSetTo(create CreateFunc, name string, format Format, arrays, metadata *Dict, opts ...Option) (err error) {
	defer annotate(&err, "save", name)
	sink, err := newSetSink(create, name)
	if err != nil {
		return err
	}
	defer capi.SinkRelease(sink)
	return saveSink(sink, formatOf(format, name), contents{arrays: arrays, metadata: metadata}, opts)
}

// formatOf returns format, or that of the extension of name if it is Auto and the extension names one.
func formatOf(format Format, name string) Format {
	if format == Auto {
		return FormatFromPath(name)
	}
	return format
}

func saveSink(sink capi.Sink, format Format, c contents, opts []Option) error {
	return save(c, opts, func(array capi.Array, arrays, metadata capi.Dict, o capi.Options) error {
		return capi.SaveSink(sink, int32(format), array, arrays, metadata, o)
	})
}

func saveTo(w io.Writer, format Format, c contents, opts []Option) (err error) {
	defer annotate(&err, "save", "")
	sink, err := newSink(w)
	if err != nil {
		return err
	}
	defer capi.SinkRelease(sink)
	return saveSink(sink, format, c, opts)
}

// SaveTo saves arrays to a writer as NPZ, Safetensors or GGUF, from the first byte to the last. metadata may be nil;
// see Save. If the writer fails, its error becomes the Err of the *Error; bytes already written stay written, unless
// the writer is a Committer.
func SaveTo(w io.Writer, format Format, arrays, metadata *Dict, opts ...Option) error {
	return saveTo(w, format, contents{arrays: arrays, metadata: metadata}, opts)
}

// SaveArrayTo saves an array to a writer as NPY.
func SaveArrayTo(w io.Writer, array *Array, opts ...Option) error {
	return saveTo(w, NPY, contents{array: array}, opts)
}

// checkPath rejects paths that C would cut off at a NUL.
func checkPath(path string) error {
	if strings.Contains(path, "\x00") {
		return newError(ErrInvalidArgument, "the path %q contains a NUL character", path)
	}
	return nil
}
