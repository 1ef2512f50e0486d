package tensorfile

import (
	"errors"
	"io"
	"iter"
	"runtime"
	"runtime/cgo"
	"slices"
	"sync"
	"unsafe"

	"github.com/tensorfile/tensorfile/bindings/go/internal/capi"
)

// File is an open file whose header has been read and validated. Its arrays are read on request. Several goroutines may
// use a File at the same time.
type File struct {
	handle handle[capi.File]
	slot   *capi.Slot
	path   string
	format Format
	size   int

	listing sync.Mutex
	entries []Entry // nil before the first call of list
}

func openFile(path string, slot *capi.Slot, opts []Option, call func(out *capi.File, o capi.Options) error) (
	f *File, err error) {
	defer annotate(&err, "open", path)
	options, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	defer options.release()
	var raw capi.File
	if err := checkWith(call(&raw, options.raw), slot); err != nil {
		return nil, err
	}
	f = &File{slot: slot, path: path, format: Format(capi.FileFormat(raw)), size: capi.FileCount(raw)}
	return own(f, &f.handle, raw, capi.FileRelease), nil
}

// Open opens a file. Reading it uses the options given here. An array of an unknown dtype is listed as Unsupported, and
// only reading that array fails.
func Open(path string, opts ...Option) (*File, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	return openFile(path, nil, opts, func(out *capi.File, o capi.Options) error { return capi.FileOpen(out, path, o) })
}

// OpenBytes opens a file in memory, which it copies. Auto detects the format by content.
func OpenBytes(data []byte, format Format, opts ...Option) (*File, error) {
	return openFile("", nil, opts, func(out *capi.File, o capi.Options) error {
		return capi.FileOpenMemory(out, text(data), int32(format), o)
	})
}

// OpenReader opens a file in the first size bytes of a reader; see NewSource. Auto detects the format by content.
func OpenReader(reader io.ReaderAt, size int64, format Format, opts ...Option) (*File, error) {
	source, err := NewSource(reader, size)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	return OpenFrom(source, format, opts...)
}

// OpenFrom opens a file in a source. Auto is the format that the extension of the source's name shows, or else the
// content.
func OpenFrom(source *Source, format Format, opts ...Option) (*File, error) {
	raw, err := source.handle.lock()
	if err != nil {
		return nil, err
	}
	defer source.handle.unlock()
	return openFile(source.name, source.slot, opts, func(out *capi.File, o capi.Options) error {
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
	metadata := adoptMetadata(capi.DictRetain(capi.FileMetadata(raw)))
	metadata.readOnly = true
	return metadata, nil
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
func (f *File) Notes() ([]string, error) {
	notes, err := f.texts(capi.FileNoteCount, capi.FileNote)
	for i, note := range notes {
		notes[i] = inGo(note)
	}
	return notes, err
}

// Entry describes an array in a File.
type Entry struct {
	file   *File
	index  int
	name   string
	dtype  Dtype
	shape  []int
	nbytes int64
}

// list returns all arrays. It gets them from the library in one call.
func (f *File) list() ([]Entry, error) {
	raw, err := f.handle.lock()
	if err != nil {
		return nil, err
	}
	defer f.handle.unlock()
	f.listing.Lock()
	defer f.listing.Unlock()
	if f.entries != nil {
		return f.entries, nil
	}
	var listing capi.Buffer
	err = check(capi.FileListing(&listing, raw))
	switch {
	case errors.Is(err, ErrLimit): // the block would exceed WithMaxBytes, which is meant for arrays
		f.entries, err = f.describeAll(raw)
	case err == nil:
		f.entries = f.makeEntries(unsafe.Slice(capi.BufferData(listing), capi.BufferSize(listing)))
		capi.BufferRelease(listing)
	}
	return f.entries, err
}

func (f *File) describeAll(raw capi.File) ([]Entry, error) {
	entries := make([]Entry, f.size)
	for i := range entries {
		var err error
		if entries[i], err = f.describe(raw, i); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// describe describes one array. The file is locked.
func (f *File) describe(raw capi.File, index int) (Entry, error) {
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

// The indices in the head of a listing: see tf_file_listing().
const (
	// BEGIN tf_listing: generated from tensorfile.h by bindings/swig/generate.sh
	listingCount       = 0
	listingDtypes      = 1
	listingNbytes      = 2
	listingShapeStarts = 3
	listingShapes      = 4
	listingNameStarts  = 5
	listingNames       = 6
	// END tf_listing
)

// column returns count numbers of a listing, which begin at an offset.
func column[T int32 | int64](listing []byte, offset, count int64) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(&listing[offset])), count)
}

func (f *File) makeEntries(listing []byte) []Entry {
	head := column[int64](listing, 0, listingNames+1)
	count := head[listingCount]
	entries := make([]Entry, count)
	if count == 0 {
		return entries
	}
	dtypes := column[int32](listing, head[listingDtypes], count)
	nbytes := column[int64](listing, head[listingNbytes], count)
	shapeStarts := column[int64](listing, head[listingShapeStarts], count+1)
	nameStarts := column[int64](listing, head[listingNameStarts], count+1)
	names := string(listing[head[listingNames]:][:nameStarts[count]])
	sizes := make([]int, shapeStarts[count])
	if len(sizes) > 0 {
		for i, size := range column[int64](listing, head[listingShapes], shapeStarts[count]) {
			sizes[i] = int(size)
		}
	}
	for i := range entries {
		entries[i] = Entry{
			file:   f,
			index:  i,
			name:   names[nameStarts[i]:nameStarts[i+1]],
			dtype:  Dtype(dtypes[i]),
			shape:  sizes[shapeStarts[i]:shapeStarts[i+1]:shapeStarts[i+1]],
			nbytes: nbytes[i],
		}
	}
	return entries
}

// At returns the array at an index from 0 to Len() - 1.
func (f *File) At(index int) (Entry, error) {
	raw, err := f.handle.lock()
	if err != nil {
		return Entry{}, err
	}
	defer f.handle.unlock()
	if index < 0 || index >= f.size {
		return Entry{}, newError(ErrInvalidArgument, "there is no array %d in a file of %d", index, f.size)
	}
	return f.describe(raw, index)
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
	return f.describe(raw, index)
}

// Entries returns an iterator over the names and arrays in the order of the file. It panics if the file is closed.
func (f *File) Entries() iter.Seq2[string, Entry] {
	return func(yield func(string, Entry) bool) {
		entries, err := f.list()
		if err != nil {
			panic(err)
		}
		for _, entry := range entries {
			if !yield(entry.name, entry) {
				return
			}
		}
	}
}

// Read reads or maps the array with a name, or a part of it; see Entry.Read.
func (f *File) Read(name string, parts ...Slice) (array *Array, err error) {
	defer annotate(&err, "read", f.path)
	entry, err := f.Entry(name)
	if err != nil {
		return nil, err
	}
	return entry.Read(parts...)
}

// Read reads the elements of the array with a name, or a part of them, into Go memory, and returns them in C order with
// their shape. It fails with ErrType if T is not the type of the elements: ReadCast converts them.
func Read[T Element](f *File, name string, parts ...Slice) (elements []T, shape []int, err error) {
	return read(f, name, parts, Into[T])
}

// ReadCast is Read with a conversion of the elements to T, as by Array.Cast.
func ReadCast[T Element](f *File, name string, parts ...Slice) (elements []T, shape []int, err error) {
	return read(f, name, parts, CastInto[T])
}

func read[T Element](f *File, name string, parts []Slice, into func(Entry, []T, ...Slice) Destination) (
	elements []T, shape []int, err error) {
	defer annotate(&err, "read", f.path)
	entry, err := f.Entry(name)
	if err != nil {
		return nil, nil, err
	}
	if shape, err = slicedShape(entry.shape, parts); err != nil {
		return nil, nil, err
	}
	count := 1
	for _, size := range shape {
		count *= size
	}
	elements = make([]T, count)
	if err := ReadInto(into(entry, elements, parts...)); err != nil {
		return nil, nil, err
	}
	return elements, shape, nil
}

// Destination is memory for an array of a file, or for a part of it. See ReadInto.
type Destination struct {
	entry Entry
	dtype Dtype // Unsupported if the bytes are those of the array's own dtype
	bytes []byte
	parts []Slice
	// strides is nil for C order.
	strides []int
	err     error
}

// Into returns dst as the destination of an array, which must have the type T, or of a part of it. dst has an element
// for each one of the array, in C order.
func Into[T Element](e Entry, dst []T, parts ...Slice) Destination {
	d := CastInto(e, dst, parts...)
	if dtype := DtypeOf[T](); e.dtype != dtype {
		err := newError(ErrType, "array '%s' is %s, not %v: ReadCast and CastInto convert it", e.name,
			kindOf(e.dtype, e.shape), dtype).(*Error)
		err.Name = e.name
		d.err = err
	}
	return d
}

// CastInto is Into with a conversion of the elements to T, as by Array.Cast.
func CastInto[T Element](e Entry, dst []T, parts ...Slice) Destination {
	return Destination{entry: e, dtype: DtypeOf[T](), bytes: bytesOf(dst), parts: parts}
}

// BytesInto returns dst as the destination of the bytes of an array of any dtype, or of a part of it, in C order and in
// the byte order of this machine. A whole array needs Entry.NBytes bytes.
func BytesInto(e Entry, dst []byte, parts ...Slice) Destination {
	return Destination{entry: e, bytes: dst, parts: parts}
}

// Strided returns the same destination with strides in bytes, one for each dimension of the array, instead of C order.
// The first element is at the start of dst, so that no stride may be negative. An array can be read into the columns of
// a larger one, for example.
func (d Destination) Strided(strides ...int) Destination {
	d.strides = slices.Clone(strides)
	return d
}

// ReadInto reads arrays and parts of one file into memory of the caller. What is close together in the file is read at
// once, large arrays are read in pieces on several threads, and a compressed array is decompressed once, even if
// several parts of it are read. If it fails, the contents of all destinations are undefined.
func ReadInto(to ...Destination) error { return ReadEach(nil, to...) }

// ReadEach is ReadInto with a function that is called with the index of each destination as soon as that is complete,
// on the calling goroutine, while others are still being read. The order may be any. If done returns an error, ReadEach
// returns an *Error with the error as Err, and destinations for which done was called are valid.
func ReadEach(done func(index int) error, to ...Destination) (err error) {
	if len(to) == 0 {
		return nil
	}
	file := to[0].entry.file
	defer annotate(&err, "read", file.path)
	for _, d := range to {
		if err := d.check(file); err != nil {
			return err
		}
	}
	if d := to[0]; len(to) == 1 && done == nil && d.strides == nil {
		return d.read()
	}
	return file.runPlan(done, to)
}

// check checks what the library cannot.
func (d Destination) check(file *File) error {
	switch {
	case d.err != nil:
		return d.err
	case d.entry.file != file:
		return newError(ErrInvalidArgument, "the arrays to read are not from the same file")
	case d.strides == nil:
		return nil
	}
	shape, err := slicedShape(d.entry.shape, d.parts)
	if err != nil {
		return err
	}
	dtype := d.dtype
	if dtype == Unsupported {
		dtype = d.entry.dtype
	}
	if len(d.strides) != len(shape) {
		return newError(ErrInvalidArgument, "shape %v needs %d strides, got %d", shape, len(shape), len(d.strides))
	}
	if size := dtype.BlockBytes(); size == 0 || !within(len(d.bytes), 0, size, shape, d.strides) {
		return newError(ErrInvalidArgument, "shape %v and strides %v reach outside the %d bytes of the destination", shape,
			d.strides, len(d.bytes))
	}
	return nil
}

// read reads one destination.
func (d Destination) read() error {
	return d.entry.fill(func(raw capi.File) error {
		if len(d.parts) == 0 {
			return capi.FileReadInto(raw, d.entry.index, int32(d.dtype), text(d.bytes))
		}
		c := makeCuts(d.parts, len(d.entry.shape))
		return capi.FileReadSliceInto(raw, d.entry.index, first(c.start), first(c.stop), first(c.step), len(c.start),
			int32(d.dtype), text(d.bytes))
	})
}

// addTo adds the destination to a plan. Its memory is pinned.
func (d Destination) addTo(plan capi.ReadPlan) error {
	c := makeCuts(d.parts, len(d.entry.shape))
	var strides *int64
	if d.strides != nil {
		strides = first(numbers(d.strides))
	}
	return capi.ReadPlanAdd(plan, d.entry.index, first(c.start), first(c.stop), first(c.step), len(c.start), int32(d.dtype),
		unsafe.SliceData(d.bytes), strides, len(d.bytes))
}

func (f *File) runPlan(done func(index int) error, to []Destination) error {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	return to[0].entry.fill(func(raw capi.File) error {
		var plan capi.ReadPlan
		if err := capi.ReadPlanNew(&plan, raw); err != nil {
			return err
		}
		defer capi.ReadPlanRelease(plan)
		if done != nil {
			user := uintptr(cgo.NewHandle(&capi.Complete{Notify: done}))
			if err := capi.ReadPlanSetComplete(plan, user); err != nil {
				return err
			}
		}
		for _, d := range to {
			if len(d.bytes) > 0 {
				pinner.Pin(unsafe.SliceData(d.bytes))
			}
			if err := d.addTo(plan); err != nil {
				return err
			}
		}
		return capi.ReadPlanRun(plan)
	})
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

// NDim returns the number of dimensions.
func (e Entry) NDim() int { return len(e.shape) }

// Dim returns the size of one dimension.
func (e Entry) Dim(axis int) int { return e.shape[axis] }

// Len returns the number of elements.
func (e Entry) Len() int {
	count := 1
	for _, size := range e.shape {
		count *= size
	}
	return count
}

// NBytes returns the number of bytes that the array takes in memory in C order, or in the file if its dtype is unknown.
func (e Entry) NBytes() int64 { return e.nbytes }

// Location says where the bytes of an array are stored, for programs that read files on their own.
type Location struct {
	Path         string // path of the file, or the name of its source
	Offset       int64  // offset of the first byte, which is compressed if Deflated is true
	StoredBytes  int64  // number of bytes in the file
	Deflated     bool   // the bytes are a raw deflate stream of a whole .npy file
	BigEndian    bool   // numbers of more than one byte have the most significant byte first
	FortranOrder bool   // the first index changes fastest
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
	bigEndian, fortranOrder := capi.FileIsBigEndian(raw, e.index), capi.FileIsFortranOrder(raw, e.index)
	return Location{capi.String(path), int64(offset), int64(stored), deflated != 0, bigEndian != 0, fortranOrder != 0}, nil
}

// Read reads or maps the array. With parts, it reads only the part that they select, as Array.Slice does, and returns a
// C-contiguous array. The function Read returns a Go slice instead.
func (e Entry) Read(parts ...Slice) (array *Array, err error) {
	defer annotate(&err, "read", e.file.path)
	raw, err := e.file.handle.lock()
	if err != nil {
		return nil, err
	}
	defer e.file.handle.unlock()
	if len(parts) == 0 {
		return makeOwn(e.file.slot, func(out *capi.Array) error { return capi.FileRead(out, raw, e.index) })
	}
	c := makeCuts(parts, len(e.shape))
	return makeOwn(e.file.slot, func(out *capi.Array) error {
		return capi.FileReadSlice(out, raw, e.index, first(c.start), first(c.stop), first(c.step), len(c.start))
	})
}

// ReadRaw reads the bytes of the array as they are stored, whatever its type, as a 1-d array of Uint8. A compressed
// member is decompressed. The bytes may be big-endian or in Fortran order.
func (e Entry) ReadRaw() (array *Array, err error) {
	defer annotate(&err, "read", e.file.path)
	raw, err := e.file.handle.lock()
	if err != nil {
		return nil, err
	}
	defer e.file.handle.unlock()
	return makeOwn(e.file.slot, func(out *capi.Array) error { return capi.FileReadRaw(out, raw, e.index) })
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
