package tensorfile

import (
	"math"
	"runtime"
	"runtime/cgo"
	"slices"
	"sync/atomic"
	"unsafe"

	"github.com/tensorfile/tensorfile/bindings/go/internal/capi"
)

// Array is an n-dimensional array: a dtype, a shape, strides, and memory that it may share with views, dicts and
// clones.
//
// Several goroutines may read an array at the same time. The memory belongs to C and does not count for the garbage
// collector, so close large arrays that are no longer needed. An array that is not closed is released when it is
// garbage collected.
type Array struct {
	handle handle[capi.Array]
	dtype  Dtype
	shape  []int
	size   int
	nbytes int

	// owner is the dict whose iterator closes the array, or nil.
	owner *Dict

	// alone is true if no view, dict or clone refers to the memory. exposed is true if Go code may refer to it, so that
	// only Close may release it.
	alone, exposed atomic.Bool

	// Only MakeMutable changes the fields below, and it holds the lock of the handle. inGo is true if the memory is
	// Go's, whose collector knows who refers to it.
	inGo       bool
	strides    []int
	data       *byte
	contiguous bool
	replaced   []capi.Array // memory that Go code may still refer to
}

func newArray(raw capi.Array) *Array { return adoptArray(raw, capi.Describe(raw)) }

func adoptArray(raw capi.Array, info capi.Info) *Array {
	a := &Array{}
	a.init(info)
	return own(a, &a.handle, raw, capi.ArrayRelease)
}

func (a *Array) init(info capi.Info) {
	a.dtype, a.size, a.nbytes = Dtype(info.Dtype), int(info.Size), int(info.Nbytes)
	numbers := make([]int, 2*len(info.Shape)) // one allocation for the shape and the strides
	a.shape = numbers[:len(info.Shape):len(info.Shape)]
	for i, size := range info.Shape {
		a.shape[i] = int(size)
	}
	a.describe(info, numbers[len(info.Shape):])
}

// describe sets what MakeMutable changes.
func (a *Array) describe(info capi.Info, strides []int) {
	a.strides = nil
	if info.Strides != nil {
		a.strides = strides
		for i, stride := range info.Strides {
			a.strides[i] = int(stride)
		}
	}
	a.data, a.contiguous = info.Data, info.Contiguous
}

// makeArray runs a call that returns an array. Errors of its callbacks on threads of the library are in slot.
func makeArray(slot *capi.Slot, call func(out *capi.Array) error) (*Array, error) {
	var raw capi.Array
	if err := checkWith(call(&raw), slot); err != nil {
		return nil, err
	}
	return newArray(raw), nil
}

// makeOwn is makeArray for calls whose result does not share its memory.
func makeOwn(slot *capi.Slot, call func(out *capi.Array) error) (*Array, error) {
	a, err := makeArray(slot, call)
	if err == nil {
		a.alone.Store(true)
	}
	return a, err
}

// Zeros returns an array of zeros. Without a shape it is a scalar.
func Zeros(dtype Dtype, shape ...int) (*Array, error) {
	sizes := numbers(shape)
	return makeOwn(nil, func(out *capi.Array) error {
		return capi.ArrayNew(out, int32(dtype), first(sizes), len(sizes))
	})
}

// Scalar returns a 0-d array.
func Scalar[T Element](value T) (*Array, error) {
	return FromBytes(DtypeOf[T](), bytesOf([]T{value}))
}

// FromSlice returns an array with a copy of elements, which are in C order. Without a shape the array is 1-d.
func FromSlice[T Element](elements []T, shape ...int) (*Array, error) {
	shape, err := shapeFor(len(elements), shape)
	if err != nil {
		return nil, err
	}
	return FromBytes(DtypeOf[T](), bytesOf(elements), shape...)
}

// shapeFor returns the shape for a number of elements: the given one if it fits, or one dimension if none is given.
func shapeFor(count int, shape []int) ([]int, error) {
	if len(shape) == 0 {
		return []int{count}, nil
	}
	needed := 1
	for _, size := range shape {
		if size < 0 {
			return nil, newError(ErrInvalidArgument, "shape %v has a negative size", shape)
		}
	}
	if !slices.Contains(shape, 0) {
		for _, size := range shape {
			if size > math.MaxInt/needed {
				return nil, newError(ErrInvalidArgument, "shape %v needs more elements than fit in memory", shape)
			}
			needed *= size
		}
	} else {
		needed = 0
	}
	if needed != count {
		return nil, newError(ErrInvalidArgument, "shape %v needs %d elements, got %d", shape, needed, count)
	}
	return shape, nil
}

// FromBytes returns an array with a copy of elements, given as bytes in C order and in the byte order of this machine
// (blocks: little-endian).
func FromBytes(dtype Dtype, elements []byte, shape ...int) (*Array, error) {
	sizes := numbers(shape)
	return makeOwn(nil, func(out *capi.Array) error {
		return capi.ArrayCopyFrom(out, int32(dtype), first(sizes), len(sizes), text(elements))
	})
}

// Wrap returns an array over the memory of elements, which are in C order, without a copy. Without a shape the array is
// 1-d. The memory is pinned until the last array that uses it is released. Each side sees the changes of the other; the
// caller must synchronize them.
func Wrap[T Element](elements []T, shape ...int) (*Array, error) {
	shape, err := shapeFor(len(elements), shape)
	if err != nil {
		return nil, err
	}
	return WrapBytes(DtypeOf[T](), bytesOf(elements), shape...)
}

// WrapBytes is Wrap for elements of any dtype, given as bytes at an address that is aligned for the dtype.
func WrapBytes(dtype Dtype, elements []byte, shape ...int) (*Array, error) {
	a, err := wrap(dtype, elements, 0, shape, nil, true)
	if err == nil && a.nbytes != len(elements) {
		err = newError(ErrInvalidArgument, "%s needs %d bytes, got %d", a.kind(), a.nbytes, len(elements))
		a.Close()
	}
	if err != nil {
		return nil, err
	}
	return a, nil
}

// WrapStrided returns an array over the memory of elements without a copy. Its element [0, 0, ...] is elements[at].
// Strides are in bytes, and may be 0 or negative. An array that is not writable is copied before it is changed.
func WrapStrided[T Element](elements []T, at int, shape, strides []int, writable bool) (*Array, error) {
	bytes := bytesOf(elements)
	var zero T
	size := int(unsafe.Sizeof(zero))
	if len(strides) != len(shape) {
		return nil, newError(ErrInvalidArgument, "shape %v needs %d strides, got %d", shape, len(shape), len(strides))
	}
	if !within(len(bytes), at, size, shape, strides) {
		return nil, newError(ErrInvalidArgument, "shape %v and strides %v reach outside the %d elements around element %d",
			shape, strides, len(elements), at)
	}
	return wrap(DtypeOf[T](), bytes, at*size, shape, strides, writable)
}

// within reports whether all elements are inside the nbytes bytes of memory.
func within(nbytes, at, size int, shape, strides []int) bool {
	if slices.Contains(shape, 0) {
		return at >= 0 && at <= nbytes/size
	}
	if at < 0 || at >= nbytes/size {
		return false
	}
	before, after := at*size, nbytes-(at+1)*size
	for i, stride := range strides {
		steps := shape[i] - 1
		if steps <= 0 || stride == 0 {
			continue
		}
		remaining, step := &after, stride
		if stride < 0 {
			remaining, step = &before, -stride
		}
		if step < 0 || steps > *remaining/step {
			return false
		}
		*remaining -= steps * step
	}
	return true
}

// pinned is Go memory that C refers to.
type pinned struct{ runtime.Pinner }

// pin prevents bytes from being moved or freed until the library releases the handle that pin returns.
func pin(bytes []byte) uintptr {
	p := &pinned{}
	if len(bytes) > 0 {
		p.Pin(unsafe.SliceData(bytes))
	}
	return uintptr(cgo.NewHandle(p))
}

// Release is called by the library, once.
func (p *pinned) Release() { p.Unpin() }

func wrap(dtype Dtype, bytes []byte, at int, shape, strides []int, writable bool) (*Array, error) {
	sizes, steps := numbers(shape), (*int64)(nil)
	if strides != nil {
		steps = first(numbers(strides))
	}
	mayWrite := int32(0)
	if writable {
		mayWrite = 1
	}
	a, err := makeArray(nil, func(out *capi.Array) error {
		return capi.ArrayWrap(out, int32(dtype), first(sizes), len(sizes), steps, text(bytes[at:]), mayWrite, pin(bytes))
	})
	if err == nil {
		a.inGo = true
	}
	return a, err
}

// Dtype returns the type of the elements.
func (a *Array) Dtype() Dtype { return a.dtype }

// NDim returns the number of dimensions, which is 0 for a scalar.
func (a *Array) NDim() int { return len(a.shape) }

// Shape returns a copy of the sizes of the dimensions, outermost first.
func (a *Array) Shape() []int { return slices.Clone(a.shape) }

// Dim returns the size of one dimension.
func (a *Array) Dim(axis int) int { return a.shape[axis] }

// Len returns the number of elements.
func (a *Array) Len() int { return a.size }

// NBytes returns the number of bytes that the elements take in C order, regardless of the strides.
func (a *Array) NBytes() int { return a.nbytes }

// Strides returns a copy of the strides in bytes. It is nil for packed and block types, which are always C-contiguous.
func (a *Array) Strides() []int {
	a.handle.mu.RLock()
	defer a.handle.mu.RUnlock()
	return slices.Clone(a.strides)
}

// IsContiguous reports whether the elements are in C order without gaps.
func (a *Array) IsContiguous() bool {
	a.handle.mu.RLock()
	defer a.handle.mu.RUnlock()
	return a.contiguous
}

// Close releases the memory of the array, unless views, dicts or clones share it. The results of Data and Bytes must
// not be used any more. It always returns nil; closing twice is allowed.
func (a *Array) Close() error {
	a.handle.mu.Lock()
	defer a.handle.mu.Unlock()
	a.handle.drop()
	for _, raw := range a.replaced {
		capi.ArrayRelease(raw)
	}
	a.replaced, a.data = nil, nil
	return nil
}

// memory returns the bytes in C order. The handle is locked.
func (a *Array) memory() ([]byte, error) {
	if !a.contiguous {
		return nil, newError(ErrInvalidArgument, "%s is not C-contiguous: use Contiguous to make a copy that is", a.kind())
	}
	return unsafe.Slice(a.data, a.nbytes), nil
}

// Bytes returns the bytes of the elements in C order without a copy, for any dtype. They must not be changed.
//
// The garbage collector does not know the bytes, unless they are Go's own (see Wrap). From this call on only Close
// releases the array, and makes the bytes invalid. Those of an array from Dict.Arrays or Dict.All are valid until the
// dict is closed or no longer has the array. Where that is inconvenient, use With, which passes the elements to a
// function, or ToSlice, which copies them.
// Bytes fails with ErrInvalidArgument if the elements are not C-contiguous; then use Contiguous first.
func (a *Array) Bytes() ([]byte, error) {
	if _, err := a.handle.lock(); err != nil {
		return nil, err
	}
	defer a.handle.unlock()
	bytes, err := a.memory()
	if err == nil {
		a.expose()
	}
	return bytes, err
}

// expose prevents the collector from releasing memory that Go code refers to from now on.
func (a *Array) expose() {
	if a.inGo || a.exposed.Swap(true) {
		return
	}
	a.handle.cleanup.Stop()
	for owner := a.owner; owner != nil; owner = owner.owner {
		owner.handle.cleanup.Stop()
	}
}

func expectDtype[T Element](a *Array) error {
	return a.expect(DtypeOf[T]())
}

func (a *Array) expect(dtype Dtype) error {
	if a.dtype != dtype {
		return newError(ErrType, "the array is %s, not %v: Cast converts it", a.kind(), dtype)
	}
	return nil
}

// Data returns the elements in C order without a copy. They must not be changed. As after a call of Bytes, they remain
// valid until Close, and only Close releases the array.
//
// It fails with ErrType if T is not the type of the elements, or if an element of a bool array is neither 0 nor 1.
func Data[T Element](a *Array) ([]T, error) {
	if err := expectDtype[T](a); err != nil {
		return nil, err
	}
	bytes, err := a.Bytes()
	if err != nil {
		return nil, err
	}
	return elementsOf[T](bytes)
}

// With calls use with the elements, without a copy. They are valid until use returns. With fails like Data. use must
// not close or change the array.
func With[T Element](a *Array, use func(elements []T) error) error {
	if err := expectDtype[T](a); err != nil {
		return err
	}
	if _, err := a.handle.lock(); err != nil {
		return err
	}
	defer a.handle.unlock()
	bytes, err := a.memory()
	if err != nil {
		return err
	}
	elements, err := elementsOf[T](bytes)
	if err != nil {
		return err
	}
	return use(elements)
}

// ToSlice returns a copy of the elements in C order. It fails with ErrType if T is not the type of the elements.
func ToSlice[T Element](a *Array) ([]T, error) {
	if err := expectDtype[T](a); err != nil {
		return nil, err
	}
	return toSlice[T](a)
}

// CastSlice returns a copy of the elements in C order, converted to T as by Cast.
func CastSlice[T Element](a *Array) ([]T, error) { return toSlice[T](a) }

func toSlice[T Element](a *Array) ([]T, error) {
	out := make([]T, a.size)
	if err := a.copyTo(DtypeOf[T](), bytesOf(out)); err != nil {
		return nil, err
	}
	return out, nil
}

// CopyTo copies the elements to dst, which has one for each of the array's, in C order. It fails with ErrType if T is
// not the type of the elements.
func CopyTo[T Element](a *Array, dst []T) error {
	if err := expectDtype[T](a); err != nil {
		return err
	}
	if len(dst) != a.size {
		return newError(ErrInvalidArgument, "%s needs %d elements, got %d", a.kind(), a.size, len(dst))
	}
	return a.copyTo(a.dtype, bytesOf(dst))
}

// copyTo copies the elements to dst in C order, and casts them to dtype.
func (a *Array) copyTo(dtype Dtype, dst []byte) error {
	raw, err := a.handle.lock()
	if err != nil {
		return err
	}
	defer a.handle.unlock()
	if err := check(capi.ArrayCopyTo(raw, int32(dtype), unsafe.SliceData(dst), nil, len(dst))); err != nil {
		return err
	}
	if dtype == Bool {
		return checkBools(dst)
	}
	return nil
}

// MutableData calls MakeMutable and returns the elements in C order, which may be changed. They are valid as long as
// those of Data.
func MutableData[T Element](a *Array) ([]T, error) {
	if err := expectDtype[T](a); err != nil {
		return nil, err
	}
	bytes, err := a.MutableBytes()
	if err != nil {
		return nil, err
	}
	return elementsOf[T](bytes)
}

// MutableBytes calls MakeMutable and returns the bytes of the elements in C order, which may be changed.
func (a *Array) MutableBytes() ([]byte, error) {
	raw, err := a.handle.lockAlone()
	if err != nil {
		return nil, err
	}
	defer a.handle.unlockAlone()
	if raw, err = a.makeMutable(raw); err != nil {
		return nil, err
	}
	var data *byte
	if err := check(capi.ArrayDataMut(&data, raw)); err != nil {
		return nil, err
	}
	a.expose()
	return unsafe.Slice(data, a.nbytes), nil
}

// MakeMutable ensures that the memory of the array is C-contiguous, writable, and not shared with a view, dict or
// clone, by copying it to Go memory if necessary. Slices that Data returned earlier keep the old elements.
func (a *Array) MakeMutable() error {
	raw, err := a.handle.lockAlone()
	if err != nil {
		return err
	}
	defer a.handle.unlockAlone()
	_, err = a.makeMutable(raw)
	return err
}

func (a *Array) makeMutable(raw capi.Array) (capi.Array, error) {
	var data *byte
	if a.contiguous && a.alone.Load() && capi.ArrayDataMut(&data, raw) == nil {
		return raw, nil
	}
	next := raw
	switch {
	case a.contiguous && !a.exposed.Load() && a.owner == nil:
		if err := check(capi.ArrayMakeMut(&next)); err != nil { // releases raw if it makes a copy
			return 0, err
		}
		a.inGo = a.inGo && next == raw
	default:
		// Go code may hold slices of the old memory, and the dict of an iterator holds the old array.
		var err error
		if next, err = a.copyToGo(raw); err != nil {
			return 0, err
		}
		if a.exposed.Load() {
			a.replaced = append(a.replaced, raw)
		} else {
			capi.ArrayRelease(raw)
		}
		a.inGo = true
	}
	a.alone.Store(true)
	if next == raw {
		return raw, nil
	}
	a.describe(capi.Describe(next), make([]int, len(a.shape)))
	a.handle.raw = next
	a.handle.cleanup.Stop()
	if !a.exposed.Load() {
		a.handle.cleanup = runtime.AddCleanup(a, capi.ArrayRelease, next)
	}
	return next, nil
}

// copyToGo returns a writable copy in Go memory.
func (a *Array) copyToGo(raw capi.Array) (next capi.Array, err error) {
	words := make([]uint64, (a.nbytes+7)/8) // aligned for every dtype
	bytes := bytesOf(words)[:a.nbytes]
	if err := check(capi.ArrayCopyTo(raw, int32(a.dtype), unsafe.SliceData(bytes), nil, len(bytes))); err != nil {
		return 0, err
	}
	sizes := numbers(a.shape)
	err = check(capi.ArrayWrap(&next, int32(a.dtype), first(sizes), len(sizes), nil, text(bytes), 1, pin(bytes)))
	return next, err
}

// share locks the array for a call that creates something with the same memory.
func (a *Array) share() (capi.Array, error) {
	raw, err := a.handle.lock()
	if err == nil {
		a.alone.Store(false)
	}
	return raw, err
}

// derive makes a new array from this one.
func (a *Array) derive(call func(out *capi.Array, raw capi.Array) error) (*Array, error) {
	raw, err := a.share()
	if err != nil {
		return nil, err
	}
	defer a.handle.unlock()
	return makeArray(nil, func(out *capi.Array) error { return call(out, raw) })
}

// Clone returns another reference to the same memory, to be closed separately. Changing either of them copies it first.
func (a *Array) Clone() (*Array, error) {
	return a.derive(func(out *capi.Array, raw capi.Array) error {
		*out = capi.ArrayRetain(raw)
		return nil
	})
}

// Contiguous returns a clone if the array is C-contiguous, and a C-contiguous copy otherwise.
func (a *Array) Contiguous() (*Array, error) { return a.derive(capi.ArrayContiguous) }

// Transpose returns a view with the axes in the given order, or in reverse order if none are given.
func (a *Array) Transpose(axes ...int) (*Array, error) {
	axes = slices.Clone(axes)
	return a.derive(func(out *capi.Array, raw capi.Array) error {
		return capi.ArrayTranspose(out, raw, first(axes), len(axes))
	})
}

// Slice returns a[...] as in Python: a view, or a copy if the array has a packed or block type that allows no view.
// Each Slice selects from one dimension. Dimensions without a Slice are complete.
func (a *Array) Slice(parts ...Slice) (*Array, error) {
	c := makeCuts(parts, len(a.shape))
	return a.derive(func(out *capi.Array, raw capi.Array) error {
		return capi.ArraySlice(out, raw, first(c.start), first(c.stop), first(c.step), len(c.start))
	})
}

// Reshape returns the elements in C order with another shape: a view if strides can describe it, as they always can for
// a C-contiguous array, and otherwise a copy. One size may be -1, which follows from the others.
func (a *Array) Reshape(shape ...int) (*Array, error) {
	sizes := numbers(shape)
	return a.derive(func(out *capi.Array, raw capi.Array) error {
		return capi.ArrayReshape(out, raw, first(sizes), len(sizes))
	})
}

// Cast returns a C-contiguous copy with another dtype, or a clone if nothing has to change.
//
// Floats are rounded to nearest even and overflow like in NumPy and ml_dtypes. Floats become integers by truncation and
// saturation, with 0 for NaN. Integers wrap. A bool is true if the value is not 0. Block types are encoded and decoded.
func (a *Array) Cast(dtype Dtype, opts ...Option) (*Array, error) {
	options, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	defer options.release()
	return a.derive(func(out *capi.Array, raw capi.Array) error {
		return capi.ArrayCast(out, raw, int32(dtype), options.raw)
	})
}

// CastWeighted returns a copy in a block type that is encoded with an importance matrix: errors of elements with larger
// weights become smaller. The weights are float32, with a shape that broadcasts to that of the array but for the last
// size, which must be equal. Dtypes whose encoders use no weights are cast as by Cast.
func (a *Array) CastWeighted(dtype Dtype, weights *Array, opts ...Option) (*Array, error) {
	options, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	defer options.release()
	other, err := weights.handle.lock()
	if err != nil {
		return nil, err
	}
	defer weights.handle.unlock()
	return a.derive(func(out *capi.Array, raw capi.Array) error {
		return capi.ArrayCastWeighted(out, raw, int32(dtype), other, options.raw)
	})
}

// Int returns one element of an array of bool or an integer dtype. Negative indices count from the end. It fails with
// ErrType if the array has another dtype, or if a uint64 is too large.
func (a *Array) Int(index ...int) (int64, error) {
	raw, err := a.handle.lock()
	if err != nil {
		return 0, err
	}
	defer a.handle.unlock()
	indices, value := numbers(index), int64(0)
	err = check(capi.ArrayItemInt64(&value, raw, first(indices), len(indices)))
	return value, err
}

// Float returns one element of an array of a floating-point dtype, which is exact. It fails with ErrType if the array
// has another dtype.
func (a *Array) Float(index ...int) (float64, error) {
	if a.dtype.Kind() != FloatKind {
		return 0, newError(ErrType, "the array is %s, whose elements are not floating-point numbers: Cast converts it", a.kind())
	}
	raw, err := a.handle.lock()
	if err != nil {
		return 0, err
	}
	defer a.handle.unlock()
	indices, value := numbers(index), float64(0)
	err = check(capi.ArrayItemDouble(&value, raw, first(indices), len(indices)))
	return value, err
}

// SetInt calls MakeMutable and sets one element of an array of bool or an integer dtype. It fails with
// ErrInvalidArgument if the dtype cannot hold the value.
func (a *Array) SetInt(value int64, index ...int) error {
	indices := numbers(index)
	return a.mutate(func(raw capi.Array) error {
		return capi.ArraySetItemInt64(raw, first(indices), len(indices), value)
	})
}

// SetFloat calls MakeMutable and sets one element of an array of a floating-point dtype, rounded to nearest even.
func (a *Array) SetFloat(value float64, index ...int) error {
	if a.dtype.Kind() != FloatKind {
		return newError(ErrType, "the array is %s, whose elements are not floating-point numbers: use SetInt", a.kind())
	}
	indices := numbers(index)
	return a.mutate(func(raw capi.Array) error {
		return capi.ArraySetItemDouble(raw, first(indices), len(indices), value)
	})
}

// mutate runs a call that changes the array.
func (a *Array) mutate(call func(raw capi.Array) error) error {
	raw, err := a.handle.lockAlone()
	if err != nil {
		return err
	}
	defer a.handle.unlockAlone()
	if raw, err = a.makeMutable(raw); err != nil {
		return err
	}
	return check(call(raw))
}

// Equal reports whether dtype, shape and the bytes of all elements are the same. So NaN equals itself, and -0 is not 0.
func (a *Array) Equal(b *Array) (bool, error) {
	equal := int32(0)
	err := lockBoth(&a.handle, &b.handle, func(a, b capi.Array) error { return check(capi.ArrayEqual(&equal, a, b)) })
	return equal != 0, err
}
