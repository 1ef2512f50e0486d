package tensorfile

import (
	"fmt"
	"runtime"
	"runtime/cgo"
	"slices"
	"sync/atomic"
	"unsafe"

	"github.com/tensorfile/tensorfile/bindings/go/internal/capi"
)

// Array is an n-dimensional array: a dtype, a shape, strides, and memory that it may share with views, dicts and clones.
//
// Several goroutines may read an array at once. The memory is C's, and the collector does not see how large it is: Close
// what is large and no longer needed. What is forgotten is released when the collector finds it.
type Array struct {
	handle handle[capi.Array]
	dtype  Dtype
	shape  []int
	size   int
	nbytes int

	// alone says that no view, dict or clone was given the array; exposed that Go code has the memory, so that Close alone
	// releases it.
	alone, exposed atomic.Bool

	// What MakeMutable changes, under the handle's lock.
	strides    []int
	data       *byte
	contiguous bool
	replaced   []capi.Array // whose memory Go code may still have
}

func newArray(raw capi.Array) *Array {
	info := capi.Describe(raw)
	a := &Array{
		dtype:  Dtype(info.Dtype),
		shape:  ints(info.Shape),
		size:   int(info.Size),
		nbytes: int(info.Nbytes),
	}
	a.describe(info)
	return own(a, &a.handle, raw, capi.ArrayRelease)
}

func (a *Array) describe(info capi.Info) {
	a.strides = nil
	if info.Strides != nil {
		a.strides = ints(info.Strides)
	}
	a.data, a.contiguous = info.Data, info.Contiguous
}

// makeArray makes a call that gives an array; those on slot's threads may carry something.
func makeArray(slot *capi.Slot, call func(out *capi.Array) error) (*Array, error) {
	var raw capi.Array
	if err := checkWith(call(&raw), slot); err != nil {
		return nil, err
	}
	return newArray(raw), nil
}

// makeOwn is makeArray for calls whose array has memory that nothing else has.
func makeOwn(slot *capi.Slot, call func(out *capi.Array) error) (*Array, error) {
	a, err := makeArray(slot, call)
	if err == nil {
		a.alone.Store(true)
	}
	return a, err
}

// Zeros makes an array of zeros. Without sizes it is a scalar.
func Zeros(dtype Dtype, shape ...int) (*Array, error) {
	sizes := numbers(shape)
	return makeOwn(nil, func(out *capi.Array) error {
		return capi.ArrayNew(out, int32(dtype), first(sizes), len(sizes))
	})
}

// FromSlice makes an array with a copy of elements in C order. Without sizes it is a scalar, of one element.
func FromSlice[T Element](elements []T, shape ...int) (*Array, error) {
	return FromBytes(DtypeOf[T](), bytesOf(elements), shape...)
}

// FromBytes makes an array with a copy of elements given as bytes, in C order and the host's byte order (block types:
// little-endian).
func FromBytes(dtype Dtype, elements []byte, shape ...int) (*Array, error) {
	sizes := numbers(shape)
	return makeOwn(nil, func(out *capi.Array) error {
		return capi.ArrayCopyFrom(out, int32(dtype), first(sizes), len(sizes), text(elements))
	})
}

// Wrap makes an array over the memory of elements in C order, without a copy. The memory is pinned until the last array
// on it is released. Changes are seen on both sides, and are the caller's to order.
func Wrap[T Element](elements []T, shape ...int) (*Array, error) {
	return WrapBytes(DtypeOf[T](), bytesOf(elements), shape...)
}

// WrapBytes is Wrap for elements of any dtype, given as bytes aligned to their items.
func WrapBytes(dtype Dtype, elements []byte, shape ...int) (*Array, error) {
	a, err := wrap(dtype, elements, 0, shape, nil, true)
	if err == nil && a.nbytes != len(elements) {
		err = newError(ErrInvalidArgument, "%v needs %d bytes, not %d", a, a.nbytes, len(elements))
		a.Close()
	}
	if err != nil {
		return nil, err
	}
	return a, nil
}

// WrapStrided makes an array over the memory of elements, without a copy. Its first element, [0, 0, ...], is elements[at];
// strides are in bytes, and may be 0 or negative. An array that is not writable is copied before it is changed.
func WrapStrided[T Element](elements []T, at int, shape, strides []int, writable bool) (*Array, error) {
	bytes := bytesOf(elements)
	var zero T
	size := int(unsafe.Sizeof(zero))
	if len(strides) != len(shape) {
		return nil, newError(ErrInvalidArgument, "there are %d strides for %d sizes", len(strides), len(shape))
	}
	if !within(len(bytes), at, size, shape, strides) {
		return nil, newError(ErrInvalidArgument, "shape %v and strides %v reach beyond the %d elements around element %d",
			shape, strides, len(elements), at)
	}
	return wrap(DtypeOf[T](), bytes, at*size, shape, strides, writable)
}

// within tells whether all elements lie within nbytes bytes.
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
		room, step := &after, stride
		if stride < 0 {
			room, step = &before, -stride
		}
		if step < 0 || steps > *room/step {
			return false
		}
		*room -= steps * step
	}
	return true
}

// pinned is memory of Go's that C has.
type pinned struct{ runtime.Pinner }

// pin keeps memory where it is until the library releases the handle that comes back.
func pin(bytes []byte) uintptr {
	p := &pinned{}
	if len(bytes) > 0 {
		p.Pin(unsafe.SliceData(bytes))
	}
	return uintptr(cgo.NewHandle(p))
}

// Release is called once by the library.
func (p *pinned) Release() { p.Unpin() }

func wrap(dtype Dtype, bytes []byte, at int, shape, strides []int, writable bool) (*Array, error) {
	sizes, steps := numbers(shape), (*int64)(nil)
	if strides != nil {
		steps = first(numbers(strides))
	}
	may := int32(0)
	if writable {
		may = 1
	}
	return makeArray(nil, func(out *capi.Array) error {
		return capi.ArrayWrap(out, int32(dtype), first(sizes), len(sizes), steps, text(bytes[at:]), may, pin(bytes))
	})
}

// Dtype is the type of the elements.
func (a *Array) Dtype() Dtype { return a.dtype }

// NDim is the number of dimensions; 0 for a scalar.
func (a *Array) NDim() int { return len(a.shape) }

// Shape is a copy of the sizes, outermost dimension first.
func (a *Array) Shape() []int { return slices.Clone(a.shape) }

// Dim is the size of a dimension.
func (a *Array) Dim(axis int) int { return a.shape[axis] }

// Len is the number of elements.
func (a *Array) Len() int { return a.size }

// NBytes is the number of bytes that the elements take in C order, whatever the strides are.
func (a *Array) NBytes() int { return a.nbytes }

// Strides is a copy of the steps from element to element in bytes; nil for packed and block types, which are C-contiguous.
func (a *Array) Strides() []int {
	a.handle.mu.RLock()
	defer a.handle.mu.RUnlock()
	return slices.Clone(a.strides)
}

// IsContiguous tells whether the elements lie in C order without gaps.
func (a *Array) IsContiguous() bool {
	a.handle.mu.RLock()
	defer a.handle.mu.RUnlock()
	return a.contiguous
}

// String is the dtype and shape: "float32[2 3]".
func (a *Array) String() string { return fmt.Sprintf("%v%v", a.dtype, a.shape) }

// Close releases the array's memory, unless views, dicts or clones have it, too. What Data and Bytes gave is no longer
// valid then. It always gives nil, and may be called again.
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

// memory gives the bytes in C order; the handle is locked.
func (a *Array) memory() ([]byte, error) {
	if !a.contiguous {
		return nil, newError(ErrInvalidArgument, "%v is not C-contiguous: Contiguous makes an array that is", a)
	}
	return unsafe.Slice(a.data, a.nbytes), nil
}

// Bytes gives the bytes of the elements in C order, without a copy; of every dtype. They are to be read only.
//
// The collector cannot tell who has them: from now on Close alone releases the array, and ends their life. Where Close is
// not wanted, With lends the same bytes to a function, and ToSlice copies them. It fails with ErrInvalidArgument when the
// elements are not C-contiguous; Contiguous helps then.
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

func (a *Array) expose() {
	if !a.exposed.Swap(true) {
		a.handle.cleanup.Stop()
	}
}

func expectDtype[T Element](a *Array) error {
	if dtype := DtypeOf[T](); a.dtype != dtype {
		return newError(ErrType, "the dtype is %v, not %v", a.dtype, dtype)
	}
	return nil
}

// Data gives the elements in C order, without a copy, as Bytes does. They are to be read only.
//
// It fails with ErrType when T is not the array's dtype, or when some bytes of a bool array are neither 0 nor 1.
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

// With lends the elements, without a copy, to a function; they are valid until it returns. It fails as Data does. The
// function must not close or change the array itself.
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

// ToSlice copies the elements in C order, whatever the strides are. It fails with ErrType when T is not the array's dtype.
func ToSlice[T Element](a *Array) ([]T, error) {
	if err := expectDtype[T](a); err != nil {
		return nil, err
	}
	a, err := a.Contiguous()
	if err != nil {
		return nil, err
	}
	defer a.Close()
	var out []T
	err = With(a, func(elements []T) error {
		out = append(make([]T, 0, len(elements)), elements...)
		return nil
	})
	return out, err
}

// MutableData gives the elements in C order to be changed, after MakeMutable. They live as long as those of Data.
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

// MutableBytes gives the bytes of the elements in C order to be changed, after MakeMutable.
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

// MakeMutable makes this an array whose memory is C-contiguous, may be written, and is no view's, dict's or clone's: by a
// copy, where it is not so already. What Data gave before shows the elements as they were then.
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
	case !a.contiguous:
		if err := check(capi.ArrayContiguous(&next, raw)); err != nil {
			return 0, err
		}
	case a.exposed.Load():
		// A second reference is reason enough for a copy: memory that Go code has must outlive the change.
		capi.ArrayRetain(raw)
	}
	if err := check(capi.ArrayMakeMut(&next)); err != nil {
		if !a.contiguous || a.exposed.Load() {
			capi.ArrayRelease(next)
		}
		return 0, err
	}
	switch {
	case a.exposed.Load():
		a.replaced = append(a.replaced, raw)
	case !a.contiguous:
		capi.ArrayRelease(raw)
	}
	a.describe(capi.Describe(next))
	a.alone.Store(true)
	if next != raw {
		a.handle.raw = next
		a.handle.cleanup.Stop()
		if !a.exposed.Load() {
			a.handle.cleanup = runtime.AddCleanup(a, capi.ArrayRelease, next)
		}
	}
	return next, nil
}

// lend locks the array for a call that makes something with the same memory.
func (a *Array) lend() (capi.Array, error) {
	raw, err := a.handle.lock()
	if err == nil {
		a.alone.Store(false)
	}
	return raw, err
}

// derive makes an array of this one by a call.
func (a *Array) derive(call func(out *capi.Array, raw capi.Array) error) (*Array, error) {
	raw, err := a.lend()
	if err != nil {
		return nil, err
	}
	defer a.handle.unlock()
	return makeArray(nil, func(out *capi.Array) error { return call(out, raw) })
}

// Clone gives the same array again, to be closed on its own. Who changes either gets a copy first.
func (a *Array) Clone() (*Array, error) {
	return a.derive(func(out *capi.Array, raw capi.Array) error {
		*out = capi.ArrayRetain(raw)
		return nil
	})
}

// Contiguous gives the array itself, as Clone does, where it is C-contiguous, else a C-contiguous copy.
func (a *Array) Contiguous() (*Array, error) { return a.derive(capi.ArrayContiguous) }

// Transpose gives a view with its axes in another order, each named once; without axes they are reversed.
func (a *Array) Transpose(axes ...int) (*Array, error) {
	axes = slices.Clone(axes)
	return a.derive(func(out *capi.Array, raw capi.Array) error {
		return capi.ArrayTranspose(out, raw, first(axes), len(axes))
	})
}

// Slice gives Python's a[...]: a view (of a packed or block type a copy where no view can be), with a Slice for each
// dimension; those that are not named stay whole.
func (a *Array) Slice(parts ...Slice) (*Array, error) {
	c := makeCuts(parts, len(a.shape))
	return a.derive(func(out *capi.Array, raw capi.Array) error {
		return capi.ArraySlice(out, raw, first(c.start), first(c.stop), first(c.step), len(c.start))
	})
}

// Cast gives a C-contiguous copy with another dtype; the array itself, as Clone does, where it has that dtype and is
// C-contiguous.
//
// It rounds to nearest even and overflows as NumPy and ml_dtypes do; float to integer truncates and saturates, NaN gives 0;
// integers narrow by wrapping; anything to bool is "not equal to zero". Block types are encoded and decoded.
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

// Int is one element of bool or an integer dtype. Negative indices count from the end; a scalar needs none.
func (a *Array) Int(index ...int) (int64, error) {
	raw, err := a.handle.lock()
	if err != nil {
		return 0, err
	}
	defer a.handle.unlock()
	places, value := numbers(index), int64(0)
	err = check(capi.ArrayItemInt64(&value, raw, first(places), len(places)))
	return value, err
}

// Float is one element of a real dtype, rounded to nearest even where it must be.
func (a *Array) Float(index ...int) (float64, error) {
	raw, err := a.handle.lock()
	if err != nil {
		return 0, err
	}
	defer a.handle.unlock()
	places, value := numbers(index), float64(0)
	err = check(capi.ArrayItemDouble(&value, raw, first(places), len(places)))
	return value, err
}

// Equal tells whether dtype, shape and every byte of the elements agree (so NaN equals the same NaN, -0.0 is not 0.0).
func (a *Array) Equal(b *Array) (bool, error) {
	raw, err := a.handle.lock()
	if err != nil {
		return false, err
	}
	defer a.handle.unlock()
	other := raw
	if a != b {
		if other, err = b.handle.lock(); err != nil {
			return false, err
		}
		defer b.handle.unlock()
	}
	equal := int32(0)
	err = check(capi.ArrayEqual(&equal, raw, other))
	return equal != 0, err
}
