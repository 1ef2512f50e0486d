package tensorfile

import (
	"iter"
	"runtime"
	"slices"
	"unsafe"

	"github.com/tensorfile/tensorfile/bindings/go/internal/capi"
)

// File is an open file whose header has been read and validated. Its arrays are read on request. Several goroutines may
// use a File at the same time.
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
	f := &File{slot: slot, format: Format(capi.FileFormat(raw)), size: capi.FileCount(raw)}
	return own(f, &f.handle, raw, capi.FileRelease), nil
}

// Open opens a file. Reading it uses the options given here. An array of an unknown dtype is listed as Unsupported, and
// only reading that array fails.
func Open(path string, opts ...Option) (*File, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	return openFile(nil, opts, func(out *capi.File, o capi.Options) error { return capi.FileOpen(out, path, o) })
}

// OpenBytes opens a file in memory, which it copies. Auto detects the format by content.
func OpenBytes(data []byte, format Format, opts ...Option) (*File, error) {
	return openFile(nil, opts, func(out *capi.File, o capi.Options) error {
		return capi.FileOpenMemory(out, text(data), int32(format), o)
	})
}

// OpenFrom opens a file in a source. Auto detects the format by content.
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

// Close releases the file. Arrays read from it remain valid. It always returns nil; closing twice is allowed.
func (f *File) Close() error { return f.handle.close() }

// Format returns the format of the file.
func (f *File) Format() Format { return f.format }

// Len returns the number of arrays.
func (f *File) Len() int { return f.size }

// Metadata returns the metadata of the file, which cannot be changed. It is empty if the format has none.
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

// texts calls get for each index and returns the texts, which are copied.
func (f *File) texts(count func(raw capi.File) int, get func(*capi.Text, capi.File, int) error) ([]string, error) {
	raw, err := f.handle.lock()
	if err != nil {
		return nil, err
	}
	defer f.handle.unlock()
	texts := make([]string, count(raw))
	for i := range texts {
		var text capi.Text
		if err := check(get(&text, raw, i)); err != nil {
			return nil, err
		}
		texts[i] = text.String()
	}
	return texts, nil
}

// Others returns the names of the members of a .npz that are not arrays, such as a readme.
func (f *File) Others() ([]string, error) { return f.texts(capi.FileOtherCount, capi.FileOtherName) }

// Notes returns remarks about the file that are not errors, each one line, such as that the file is one part of a set.
func (f *File) Notes() ([]string, error) { return f.texts(capi.FileNoteCount, capi.FileNote) }

// Entry describes an array in a File.
type Entry struct {
	file   *File
	index  int
	name   string
	dtype  Dtype
	shape  []int
	nbytes int64
}

// entry describes an array. The file is locked.
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

// At returns the array at an index from 0 to Len() - 1.
func (f *File) At(index int) (Entry, error) {
	raw, err := f.handle.lock()
	if err != nil {
		return Entry{}, err
	}
	defer f.handle.unlock()
	return f.entry(raw, index)
}

// Entry returns the array with a name, which is "" for that of a .npy file. It fails with ErrNotFound.
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

// Entries returns an iterator over the names and arrays in the order of the file.
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

// Read reads or maps the array with a name.
func (f *File) Read(name string) (*Array, error) {
	entry, err := f.Entry(name)
	if err != nil {
		return nil, err
	}
	return entry.Read()
}

// Index returns the index of the array in the file.
func (e Entry) Index() int { return e.index }

// Name returns the name of the array, which is "" for that of a .npy file.
func (e Entry) Name() string { return e.name }

// Dtype returns the type of the elements, or Unsupported if the library does not know it.
func (e Entry) Dtype() Dtype { return e.dtype }

// TypeName returns the name of the dtype, or if the library does not know it, what the file calls it, such as "<U7".
func (e Entry) TypeName() (string, error) {
	raw, err := e.file.handle.lock()
	if err != nil {
		return "", err
	}
	defer e.file.handle.unlock()
	var name capi.Text
	if err := check(capi.FileType(&name, raw, e.index)); err != nil {
		return "", err
	}
	return name.String(), nil
}

// Shape returns a copy of the sizes of the dimensions, outermost first.
func (e Entry) Shape() []int { return slices.Clone(e.shape) }

// NBytes returns the number of bytes that the array takes in memory in C order, or in the file if its dtype is unknown.
func (e Entry) NBytes() int64 { return e.nbytes }

// Location says where the bytes of an array are stored, for programs that read files on their own. The bytes may be
// big-endian or in Fortran order.
type Location struct {
	Path        string // path of the file, or "" if it was not opened by path
	Offset      int64  // offset of the first byte, which is compressed if Deflated is true
	StoredBytes int64  // number of bytes in the file
	Deflated    bool   // the bytes are a raw deflate stream of a whole .npy file
}

// Location returns where the bytes of the array are stored.
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

// Read reads or maps the array.
func (e Entry) Read() (*Array, error) {
	raw, err := e.file.handle.lock()
	if err != nil {
		return nil, err
	}
	defer e.file.handle.unlock()
	return makeOwn(e.file.slot, func(out *capi.Array) error { return capi.FileRead(out, raw, e.index) })
}

// ReadRaw reads the bytes of the array as they are stored, whatever its type, as a 1-d array of Uint8. A compressed member is
// decompressed. The bytes may be big-endian or in Fortran order.
func (e Entry) ReadRaw() (*Array, error) {
	raw, err := e.file.handle.lock()
	if err != nil {
		return nil, err
	}
	defer e.file.handle.unlock()
	return makeOwn(e.file.slot, func(out *capi.Array) error { return capi.FileReadRaw(out, raw, e.index) })
}

// ReadSlice reads a part of the array, selected as in Array.Slice. It reads only the bytes that it needs, and returns a
// C-contiguous array.
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

// fill runs a call that writes to the caller's memory.
func (e Entry) fill(call func(raw capi.File) error) error {
	raw, err := e.file.handle.lock()
	if err != nil {
		return err
	}
	defer e.file.handle.unlock()
	return checkWith(call(raw), e.file.slot)
}

// ReadBytes reads the array into dst, which has NBytes bytes, in C order and with its own dtype. If it fails, the
// contents of dst are undefined.
func (e Entry) ReadBytes(dst []byte) error {
	return e.fill(func(raw capi.File) error {
		return capi.FileReadInto(raw, e.index, int32(Unsupported), text(dst))
	})
}

// ReadInto reads the array into dst, which has one element for each of the array's, in C order, and casts them to T. If
// it fails, the contents of dst are undefined.
func ReadInto[T Element](e Entry, dst []T) error {
	return e.fill(func(raw capi.File) error {
		return capi.FileReadInto(raw, e.index, int32(DtypeOf[T]()), text(bytesOf(dst)))
	})
}

// ReadMany reads several arrays of one file, each into a slice of NBytes bytes, in C order and with its own dtype.
// Arrays that are close together are read at once, and large arrays in pieces on several threads. If it fails, the
// contents of dst are undefined.
func ReadMany(entries []Entry, dst [][]byte) error { return readMany(entries, dst, Unsupported) }

// ReadManyInto is ReadMany with a cast of all elements to T.
func ReadManyInto[T Element](entries []Entry, dst [][]T) error {
	bytes := make([][]byte, len(dst))
	for i := range dst {
		bytes[i] = bytesOf(dst[i])
	}
	return readMany(entries, bytes, DtypeOf[T]())
}

func readMany(entries []Entry, dst [][]byte, dtype Dtype) error {
	if len(entries) != len(dst) {
		return newError(ErrInvalidArgument, "expected a destination for each of %d arrays, found %d", len(entries), len(dst))
	}
	if len(entries) == 0 {
		return nil
	}
	var pinner runtime.Pinner
	defer pinner.Unpin()
	indices, addresses, sizes := make([]int, len(dst)), make([]uintptr, len(dst)), make([]int, len(dst))
	for i, entry := range entries {
		if entry.file != entries[0].file {
			return newError(ErrInvalidArgument, "the arrays to read are not from the same file")
		}
		indices[i], sizes[i] = entry.index, len(dst[i])
		if len(dst[i]) > 0 {
			start := unsafe.SliceData(dst[i])
			pinner.Pin(start)
			addresses[i] = uintptr(unsafe.Pointer(start))
		}
	}
	return entries[0].fill(func(raw capi.File) error {
		return capi.FileReadMany(raw, first(indices), len(indices), int32(dtype), first(addresses), first(sizes))
	})
}

// ReadSliceInto reads a part of the array into dst, like ReadInto.
func ReadSliceInto[T Element](e Entry, dst []T, parts ...Slice) error {
	c := makeCuts(parts, len(e.shape))
	return e.fill(func(raw capi.File) error {
		return capi.FileReadSliceInto(raw, e.index, first(c.start), first(c.stop), first(c.step), len(c.start),
			int32(DtypeOf[T]()), text(bytesOf(dst)))
	})
}
