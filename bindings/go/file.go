package tensorfile

import (
	"iter"
	"runtime"
	"slices"
	"unsafe"

	"github.com/tensorfile/tensorfile/bindings/go/internal/capi"
)

// File is a file that was opened and validated, whose arrays are read when asked for. Several goroutines may use it at
// once.
type File struct {
	handle handle[capi.File]
	slot   *capi.Slot
	format Format
	size   int
}

func openFile(slot *capi.Slot, opts []Option, call func(out *capi.File, o capi.Options) error) (*File, error) {
	options, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	defer options.release()
	var raw capi.File
	if err := checkWith(call(&raw, options.raw), slot); err != nil {
		return nil, err
	}
	f := &File{slot: slot, format: Format(capi.FileFormat(raw)), size: capi.FileSize(raw)}
	return own(f, &f.handle, raw, capi.FileRelease), nil
}

// Open opens a file; reading obeys the options given here. An array of an unknown dtype is listed as Unsupported; reading
// it, and only it, fails.
func Open(path string, opts ...Option) (*File, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	return openFile(nil, opts, func(out *capi.File, o capi.Options) error { return capi.FileOpen(out, path, o) })
}

// OpenBytes opens a file in memory, which is copied. Auto finds the format by content.
func OpenBytes(data []byte, format Format, opts ...Option) (*File, error) {
	return openFile(nil, opts, func(out *capi.File, o capi.Options) error {
		return capi.FileOpenMemory(out, text(data), int32(format), o)
	})
}

// OpenFrom opens a file in a source. Auto finds the format by content.
func OpenFrom(source *Source, format Format, opts ...Option) (*File, error) {
	raw, err := source.handle.lock()
	if err != nil {
		return nil, err
	}
	defer source.handle.unlock()
	return openFile(source.slot, opts, func(out *capi.File, o capi.Options) error {
		return capi.FileOpenSource(out, raw, int32(format), o)
	})
}

// Close releases the file; arrays read from it stay. It always gives nil, and may be called again.
func (f *File) Close() error { return f.handle.close() }

// Format is the format found.
func (f *File) Format() Format { return f.format }

// Len is the number of arrays.
func (f *File) Len() int { return f.size }

// Metadata is what the file says besides arrays, to be read only; empty where the format has none.
func (f *File) Metadata() (*Dict, error) {
	raw, err := f.handle.lock()
	if err != nil {
		return nil, err
	}
	defer f.handle.unlock()
	metadata, err := makeDict(f.slot, func(out *capi.Dict) error { return capi.FileMetadata(out, raw) })
	if err == nil {
		metadata.readOnly = true
	}
	return metadata, err
}

// Entry is an array of a File, which may not have been read.
type Entry struct {
	file   *File
	index  int
	name   string
	dtype  Dtype
	shape  []int
	nbytes int64
}

// entry describes an array; the file is locked.
func (f *File) entry(raw capi.File, index int) (Entry, error) {
	var name capi.Text
	if err := check(capi.FileName(&name, raw, index)); err != nil {
		return Entry{}, err
	}
	return Entry{
		file:   f,
		index:  index,
		name:   name.String(),
		dtype:  Dtype(capi.FileDtype(raw, index)),
		shape:  ints(unsafe.Slice(capi.FileShape(raw, index), capi.FileNdim(raw, index))),
		nbytes: int64(capi.FileNbytes(raw, index)),
	}, nil
}

// At is the array at a place, 0 to Len() - 1.
func (f *File) At(index int) (Entry, error) {
	raw, err := f.handle.lock()
	if err != nil {
		return Entry{}, err
	}
	defer f.handle.unlock()
	return f.entry(raw, index)
}

// Entry is the array of a name; that of a .npy has the name "". It fails with ErrNotFound.
func (f *File) Entry(name string) (Entry, error) {
	raw, err := f.handle.lock()
	if err != nil {
		return Entry{}, err
	}
	defer f.handle.unlock()
	index := 0
	if err := check(capi.FileFind(&index, raw, name)); err != nil {
		return Entry{}, err
	}
	return f.entry(raw, index)
}

// Entries gives the arrays and their names, in file order.
func (f *File) Entries() iter.Seq2[string, Entry] {
	return func(yield func(string, Entry) bool) {
		for i := range f.size {
			entry, err := f.At(i)
			if err != nil || !yield(entry.name, entry) {
				return
			}
		}
	}
}

// Read reads the array of a name, or maps it.
func (f *File) Read(name string) (*Array, error) {
	entry, err := f.Entry(name)
	if err != nil {
		return nil, err
	}
	return entry.Read()
}

// Index is the place in the file.
func (e Entry) Index() int { return e.index }

// Name is the name; "" for that of a .npy.
func (e Entry) Name() string { return e.name }

// Dtype is the type of the elements; Unsupported when the library does not know it.
func (e Entry) Dtype() Dtype { return e.dtype }

// Shape is a copy of the sizes, outermost dimension first.
func (e Entry) Shape() []int { return slices.Clone(e.shape) }

// NBytes is the number of bytes that the array takes in memory, C-contiguous; those that it takes in the file when its
// dtype is not known.
func (e Entry) NBytes() int64 { return e.nbytes }

// Location is where the bytes of an array lie, for readers with I/O of their own. They are as stored: perhaps big-endian
// or in Fortran order.
type Location struct {
	Path        string // of the file; "" when it was not opened by path
	Offset      int64  // of the first byte; when deflated, of the member's first compressed byte
	StoredBytes int64  // how many there are in the file
	Deflated    bool   // they are a raw deflate stream of a whole .npy
}

// Location is where the bytes of the array lie.
func (e Entry) Location() (Location, error) {
	raw, err := e.file.handle.lock()
	if err != nil {
		return Location{}, err
	}
	defer e.file.handle.unlock()
	var path *byte
	var offset, stored uint64
	var deflated int32
	if err := check(capi.FileLocation(&path, &offset, &stored, &deflated, raw, e.index)); err != nil {
		return Location{}, err
	}
	return Location{capi.String(path), int64(offset), int64(stored), deflated != 0}, nil
}

// Read reads the array, or maps it.
func (e Entry) Read() (*Array, error) {
	raw, err := e.file.handle.lock()
	if err != nil {
		return nil, err
	}
	defer e.file.handle.unlock()
	return makeOwn(e.file.slot, func(out *capi.Array) error { return capi.FileRead(out, raw, e.index) })
}

// ReadSlice reads a part, as Array.Slice has it; only what it touches is read. The result is C-contiguous.
func (e Entry) ReadSlice(parts ...Slice) (*Array, error) {
	raw, err := e.file.handle.lock()
	if err != nil {
		return nil, err
	}
	defer e.file.handle.unlock()
	c := makeCuts(parts, len(e.shape))
	return makeOwn(e.file.slot, func(out *capi.Array) error {
		return capi.FileReadSlice(out, raw, e.index, first(c.start), first(c.stop), first(c.step), len(c.start))
	})
}

// fill makes a call that fills memory of the caller's.
func (e Entry) fill(call func(raw capi.File) error) error {
	raw, err := e.file.handle.lock()
	if err != nil {
		return err
	}
	defer e.file.handle.unlock()
	return checkWith(call(raw), e.file.slot)
}

// ReadBytes reads the array in C order into bytes, in its own dtype. There must be NBytes of them. After a failure their
// content is undefined.
func (e Entry) ReadBytes(dst []byte) error {
	return e.fill(func(raw capi.File) error {
		return capi.FileReadInto(raw, e.index, int32(Unsupported), text(dst))
	})
}

// ReadInto reads an array in C order into dst, cast to its type on the way. There must be as many elements as the array
// has. After a failure their content is undefined.
func ReadInto[T Element](e Entry, dst []T) error {
	return e.fill(func(raw capi.File) error {
		return capi.FileReadInto(raw, e.index, int32(DtypeOf[T]()), text(bytesOf(dst)))
	})
}

// ReadMany reads several arrays of one file in C order into bytes, each in its own dtype: those that lie close together
// by one read, large ones in pieces on several threads. There must be NBytes for each. After a failure their content is
// undefined.
func ReadMany(entries []Entry, dst [][]byte) error { return readMany(entries, dst, Unsupported) }

// ReadManyInto reads several arrays of one file in C order, cast to the type of the elements on the way, as ReadMany does.
func ReadManyInto[T Element](entries []Entry, dst [][]T) error {
	bytes := make([][]byte, len(dst))
	for i := range dst {
		bytes[i] = bytesOf(dst[i])
	}
	return readMany(entries, bytes, DtypeOf[T]())
}

func readMany(entries []Entry, dst [][]byte, dtype Dtype) error {
	if len(entries) != len(dst) {
		return newError(ErrInvalidArgument, "there are %d arrays to read into %d places", len(entries), len(dst))
	}
	if len(entries) == 0 {
		return nil
	}
	var pinner runtime.Pinner
	defer pinner.Unpin()
	indices, places, sizes := make([]int, len(dst)), make([]uintptr, len(dst)), make([]int, len(dst))
	for i, entry := range entries {
		if entry.file != entries[0].file {
			return newError(ErrInvalidArgument, "the arrays to read are not of one file")
		}
		indices[i], sizes[i] = entry.index, len(dst[i])
		if len(dst[i]) > 0 {
			start := unsafe.SliceData(dst[i])
			pinner.Pin(start)
			places[i] = uintptr(unsafe.Pointer(start))
		}
	}
	return entries[0].fill(func(raw capi.File) error {
		return capi.FileReadMany(raw, first(indices), len(indices), int32(dtype), first(places), first(sizes))
	})
}

// ReadSliceInto reads a part into dst, as ReadInto does.
func ReadSliceInto[T Element](e Entry, dst []T, parts ...Slice) error {
	c := makeCuts(parts, len(e.shape))
	return e.fill(func(raw capi.File) error {
		return capi.FileReadSliceInto(raw, e.index, first(c.start), first(c.stop), first(c.step), len(c.start),
			int32(DtypeOf[T]()), text(bytesOf(dst)))
	})
}
