package tensorfile

import (
	"io"
	"iter"
	"reflect"
	"unsafe"

	"github.com/tensorfile/tensorfile/bindings/go/internal/capi"
)

// Dict maps names to arrays, numbers, strings, lists of strings, and dicts. It keeps the order of insertion, or that of
// the file.
//
// Numbers are Go's, and keep their width: what was stored as a uint32 is returned and saved as a uint32. Files store
// them as 0-d arrays, so Array returns them as such. In the metadata of a file, which a Load, File.Metadata or
// PartPlan.Metadata returned, lists of numbers are slices, such as []uint32, and also keep their width. In other dicts,
// which may have large arrays, they are an *Array.
//
// Like a map, a Dict may be read by several goroutines at the same time, but a change needs exclusive access to it and
// to the dict that contains it. Methods that do not return an error panic if the dict is closed.
type Dict struct {
	handle     handle[capi.Dict]
	readOnly   bool
	isMetadata bool  // its lists of numbers are slices
	owner      *Dict // the dict whose iterator closes this one, or nil
}

// Kind is the kind of a value in a Dict.
type Kind int32

// The kinds of values: none, *Array, string, []string, *Dict.
const (
	// BEGIN tf_kind: generated from tensorfile.h by bindings/swig/generate.sh
	// There is no such value.
	KindNone Kind = 0
	// An array.
	KindArray Kind = 1
	// Bytes; they are UTF-8 if the writer of the file obeyed its format.
	KindString Kind = 2
	// A string list.
	KindList Kind = 3
	// A dict.
	KindDict Kind = 4
	// END tf_kind
)

// Comparison is the result of Dict.Compare. Each list is sorted.
type Comparison struct {
	Missing    []string // expected, but absent
	Unexpected []string // present, but not expected
	Shape      []string // present with another shape
}

func adoptDict(raw capi.Dict) *Dict {
	d := &Dict{}
	return own(d, &d.handle, raw, capi.DictRelease)
}

func adoptMetadata(raw capi.Dict) *Dict {
	d := adoptDict(raw)
	d.isMetadata = true
	return d
}

func makeDict(slot *capi.Slot, call func(out *capi.Dict) error) (*Dict, error) {
	var raw capi.Dict
	if err := checkWith(call(&raw), slot); err != nil {
		return nil, err
	}
	return adoptDict(raw), nil
}

// NewDict returns an empty dict. It panics if there is not enough memory.
func NewDict() *Dict {
	d, err := makeDict(nil, capi.DictNew)
	if err != nil {
		panic(err)
	}
	return d
}

// Close releases the dict. Values that were obtained from it remain valid. It always returns nil; closing twice is
// allowed.
func (d *Dict) Close() error { return d.handle.close() }

// read runs a call that reads the dict.
func (d *Dict) read(call func(raw capi.Dict) error) error {
	raw, err := d.handle.lock()
	if err != nil {
		return err
	}
	defer d.handle.unlock()
	return check(call(raw))
}

// change runs a call that changes the dict.
func (d *Dict) change(call func(raw capi.Dict) error) error {
	if d.readOnly {
		return newError(ErrInvalidArgument, "the metadata of a File cannot be changed: Clone makes a copy that can")
	}
	raw, err := d.handle.lockAlone()
	if err != nil {
		return err
	}
	defer d.handle.unlockAlone()
	return check(call(raw))
}

// Clone returns a copy of the dict and of the dicts and lists in it, to be closed separately. The arrays of the copy
// are views of the same memory; changing either of them copies it first.
func (d *Dict) Clone() (*Dict, error) { return d.derive(capi.DictCopy) }

// Len returns the number of values.
func (d *Dict) Len() int {
	raw := d.handle.mustLock()
	defer d.handle.unlock()
	return capi.DictSize(raw)
}

// Key returns the name at an index from 0 to Len() - 1.
func (d *Dict) Key(index int) (string, error) {
	key := ""
	err := d.read(func(raw capi.Dict) error {
		var text capi.Text
		err := capi.DictKeyAt(&text, raw, index)
		if err == nil {
			key = text.String()
		}
		return err
	})
	return key, err
}

// Kind returns the kind of the value with a name, or KindNone if there is none. A number is an array.
func (d *Dict) Kind(key string) Kind {
	raw := d.handle.mustLock()
	defer d.handle.unlock()
	return Kind(capi.DictKind(raw, key))
}

// Index returns the index of a name, and whether it exists.
func (d *Dict) Index(key string) (int, bool) {
	raw := d.handle.mustLock()
	defer d.handle.unlock()
	if capi.DictContains(raw, key) == 0 {
		return 0, false
	}
	index := 0
	err := capi.DictFind(&index, raw, key)
	return index, err == nil
}

// Has reports whether the dict contains a value with the name.
func (d *Dict) Has(key string) bool {
	raw := d.handle.mustLock()
	defer d.handle.unlock()
	return capi.DictContains(raw, key) != 0
}

// Array returns the array with a name, which the caller closes. It fails with ErrNotFound, or with ErrType if the value
// has another kind.
func (d *Dict) Array(key string) (*Array, error) {
	raw, err := d.handle.lock()
	if err != nil {
		return nil, err
	}
	defer d.handle.unlock()
	return makeArray(nil, func(out *capi.Array) error { return capi.DictGetArray(out, raw, key) })
}

// Text returns the string with a name. It is UTF-8 if the writer of the file followed its format.
func (d *Dict) Text(key string) (string, error) {
	value := ""
	err := d.read(func(raw capi.Dict) error {
		var text capi.Text
		err := capi.DictGetString(&text, raw, key)
		if err == nil {
			value = text.String()
		}
		return err
	})
	return value, err
}

// Strings returns a copy of the list of strings with a name.
func (d *Dict) Strings(key string) (list []string, err error) {
	err = d.read(func(raw capi.Dict) error {
		index, count := 0, 0
		if err := capi.DictStringListSize(&count, raw, key); err != nil {
			return err
		}
		if err := capi.DictFind(&index, raw, key); err != nil {
			return err
		}
		var ok bool
		if list, ok = capi.DictStrings(raw, index); !ok {
			return newError(ErrOutOfMemory, "key '%s': out of memory for %d strings", key, count)
		}
		return nil
	})
	return list, err
}

// Dict returns the dict with a name. It is not a copy: changing it changes the value in d.
func (d *Dict) Dict(key string) (*Dict, error) {
	raw, err := d.handle.lock()
	if err != nil {
		return nil, err
	}
	defer d.handle.unlock()
	inner, err := makeDict(nil, func(out *capi.Dict) error { return capi.DictGetDict(out, raw, key) })
	if err == nil {
		inner.readOnly, inner.isMetadata = d.readOnly, d.isMetadata
	}
	return inner, err
}

// Int returns a bool or an integer of any width as an int64. It fails with ErrType if the value is anything else, or a
// uint64 that is too large.
func (d *Dict) Int(key string) (int64, error) {
	value := int64(0)
	err := d.read(func(raw capi.Dict) error { return capi.DictGetInt64(&value, raw, key) })
	return value, err
}

// Float returns a floating-point number of any width as a float64, which is exact. It fails with ErrType if the value
// is anything else, such as an integer.
func (d *Dict) Float(key string) (float64, error) {
	value := float64(0)
	err := d.read(func(raw capi.Dict) error {
		if err := capi.DictGetDouble(&value, raw, key); err != nil {
			return err
		}
		if found := capi.GetValue(raw, key, true); Dtype(found.Info.Dtype).Kind() != FloatKind {
			return newError(ErrType, "key '%s': expected a floating-point number, found %v", key, Dtype(found.Info.Dtype))
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return value, nil
}

// Value returns the value with a name, whatever its kind: a bool, a number such as a uint32, F16 or float64, a string,
// a []string, an *Array, or a *Dict; in the metadata of a file, a list of numbers is a slice, such as a []uint32. The
// caller closes arrays and dicts. Get returns a value of a known type.
func (d *Dict) Value(key string) (any, error) {
	value, err := d.find(key, false)
	if err == nil && value == nil {
		_, err = d.Array(key) // fails with the reason
	}
	if err != nil {
		return nil, err
	}
	return d.plain(value)
}

// plain returns the list of an array of metadata as a slice, and closes the array. It returns other values unchanged.
func (d *Dict) plain(value any) (any, error) {
	array, ok := value.(*Array)
	if !ok || !d.isMetadata || array.NDim() != 1 {
		return value, nil
	}
	element, ok := elementTypes[array.dtype]
	if !ok {
		return value, nil
	}
	defer array.Close()
	list, err := array.list(element)
	if err != nil {
		return nil, err
	}
	return list.Interface(), nil
}

// find returns the value with a name, or nil if there is none. An array or dict that is lent belongs to d: its memory
// is valid until d is closed, and closeBorrowed releases it.
func (d *Dict) find(key string, lent bool) (any, error) {
	raw, err := d.handle.lock()
	if err != nil {
		return nil, err
	}
	defer d.handle.unlock()
	found := capi.GetValue(raw, key, true)
	switch Kind(found.Kind) {
	case KindArray:
		if found.IsScalar {
			if number := Dtype(found.Info.Dtype).element(unsafe.Pointer(&found.Scalar)); number != nil {
				return number, nil
			}
			found = capi.GetValue(raw, key, false) // of a dtype that Go has no type for
		}
		return d.makeArray(found, lent), nil
	case KindString:
		return found.Text, nil
	case KindList:
		return d.Strings(key)
	case KindDict:
		var inner *Dict
		if lent {
			inner = &Dict{owner: d}
			inner.handle.raw, inner.handle.release = found.Dict, capi.DictRelease
		} else {
			inner = adoptDict(found.Dict)
		}
		inner.readOnly, inner.isMetadata = d.readOnly, d.isMetadata
		return inner, nil
	}
	return nil, nil
}

func (d *Dict) makeArray(found capi.Value, lent bool) *Array {
	if !lent {
		return adoptArray(found.Array, found.Info)
	}
	a := &Array{owner: d}
	a.init(found.Info)
	a.handle.raw, a.handle.release = found.Array, capi.ArrayRelease
	return a
}

// borrow is Value for iterators, which close what they return.
func (d *Dict) borrow(key string) (any, error) { return d.find(key, true) }

func closeBorrowed(value any) {
	if closer, ok := value.(io.Closer); ok {
		closer.Close()
	}
}

// keys returns all names.
func (d *Dict) keys() (keys []string, err error) {
	err = d.read(func(raw capi.Dict) error {
		var ok bool
		if keys, ok = capi.DictKeys(raw); !ok {
			return newError(ErrOutOfMemory, "out of memory for the names of a dict")
		}
		return nil
	})
	return keys, err
}

// mustKeys is keys for iterators, which cannot return an error.
func (d *Dict) mustKeys() []string {
	keys, err := d.keys()
	if err != nil {
		panic(err)
	}
	return keys
}

// All returns an iterator over names and values in order; see Value. Arrays and dicts are closed when the body of the
// loop ends; Array.Clone and Dict.Clone return what remains.
//
// The body may change the dict. Names that it adds are not visited, and neither are names that it removes.
func (d *Dict) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		d.visit(d.mustKeys(), yield)
	}
}

// visit calls yield with each name and its value.
func (d *Dict) visit(keys []string, yield func(string, any) bool) {
	for _, key := range keys {
		if !d.visitOne(key, yield) {
			return
		}
	}
}

func (d *Dict) visitOne(key string, yield func(string, any) bool) bool {
	value, err := d.borrow(key)
	if err == nil {
		value, err = d.plain(value)
	}
	if err != nil {
		panic(err) // the body has closed the dict
	}
	if value == nil {
		return true
	}
	defer closeBorrowed(value)
	return yield(key, value)
}

// Keys returns an iterator over the names in order. The body of the loop may change the dict, as for All.
func (d *Dict) Keys() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, key := range d.mustKeys() {
			if !yield(key) {
				return
			}
		}
	}
}

// Arrays returns an iterator over the names and arrays in order. It skips values of other kinds. An array is closed
// when the body of the loop ends, and the elements that Data returned remain valid as long as the dict is open and has
// the array; from then on only Close releases the dict. Array.Clone returns an array that remains.
//
// The body may change the dict. Names that it adds are not visited, and neither are names that it removes.
func (d *Dict) Arrays() iter.Seq2[string, *Array] {
	return func(yield func(string, *Array) bool) {
		for _, key := range d.mustKeys() {
			if !d.visitArray(key, yield) {
				return
			}
		}
	}
}

func (d *Dict) visitArray(key string, yield func(string, *Array) bool) bool {
	raw, err := d.handle.lock()
	if err != nil {
		panic(err) // the body has closed the dict
	}
	found := capi.GetValue(raw, key, false)
	d.handle.unlock()
	switch Kind(found.Kind) {
	case KindArray:
		array := d.makeArray(found, true)
		defer array.Close()
		return yield(key, array)
	case KindDict:
		capi.DictRelease(found.Dict)
	}
	return true
}

// Set stores a value under a name. If the name exists, the new value replaces the old one at the same index.
//
// The value is an *Array or *Dict (which is shared with d), a string, a []string, a bool or a number of any type, or a
// slice or array of these, which becomes an array of the same shape: a [][]float32 one of two dimensions. Numbers keep
// their width; int and uint are stored as int64 and uint64.
func (d *Dict) Set(key string, value any) error {
	switch value := value.(type) {
	case nil:
		return newError(ErrType, "key '%s': a dict cannot hold nil", key)
	case *Array:
		return d.SetArray(key, value)
	case string:
		return d.SetText(key, value)
	case []string:
		return d.SetStrings(key, value)
	case *Dict:
		return d.SetDict(key, value)
	case int:
		return d.SetInt(key, int64(value))
	case int64:
		return d.SetInt(key, value)
	case float64:
		return d.SetFloat(key, value)
	}
	number := reflect.ValueOf(value)
	if dtype, element := numberType(number.Type()); dtype != Unsupported {
		return d.setNumber(key, dtype, number.Convert(element))
	}
	array, err := arrayOf(key, number)
	if err != nil {
		return err
	}
	defer array.Close()
	return d.SetArray(key, array)
}

// setNumber stores a number of an element type under a name.
func (d *Dict) setNumber(key string, dtype Dtype, number reflect.Value) error {
	element := reflect.New(number.Type())
	element.Elem().Set(number)
	return d.change(func(raw capi.Dict) error {
		return capi.DictSetScalar(raw, key, int32(dtype), (*byte)(element.UnsafePointer()))
	})
}

// SetArray stores an array under a name. The memory is shared, and copied when one of the sides makes it mutable.
func (d *Dict) SetArray(key string, array *Array) error {
	value, err := array.share()
	if err != nil {
		return err
	}
	defer array.handle.unlock()
	return d.change(func(raw capi.Dict) error { return capi.DictSetArray(raw, key, value) })
}

// SetText stores a string under a name.
func (d *Dict) SetText(key, text string) error {
	return d.change(func(raw capi.Dict) error { return capi.DictSetString(raw, key, text) })
}

// SetStrings stores a list of strings under a name.
func (d *Dict) SetStrings(key string, list []string) error {
	return d.change(func(raw capi.Dict) error {
		if err := capi.DictSetStringList(raw, key); err != nil {
			return err
		}
		for _, text := range list {
			if err := capi.DictStringListAppend(raw, key, text); err != nil {
				return err
			}
		}
		return nil
	})
}

// AppendString appends a string to the list with a name.
func (d *Dict) AppendString(key, text string) error {
	return d.change(func(raw capi.Dict) error { return capi.DictStringListAppend(raw, key, text) })
}

// SetDict stores a dict under a name. It is shared: changing value changes the dict in d. It fails with
// ErrInvalidArgument if value is d or contains it.
func (d *Dict) SetDict(key string, value *Dict) error {
	if d == value {
		return newError(ErrInvalidArgument, "a dict cannot contain itself")
	}
	inner, err := value.handle.lock()
	if err != nil {
		return err
	}
	defer value.handle.unlock()
	return d.change(func(raw capi.Dict) error { return capi.DictSetDict(raw, key, inner) })
}

// SetInt stores a number under a name, as a 0-d array of int64.
func (d *Dict) SetInt(key string, value int64) error {
	return d.change(func(raw capi.Dict) error { return capi.DictSetInt64(raw, key, value) })
}

// SetFloat stores a number under a name, as a 0-d array of float64.
func (d *Dict) SetFloat(key string, value float64) error {
	return d.change(func(raw capi.Dict) error { return capi.DictSetDouble(raw, key, value) })
}

// Delete removes a value. The indices of the values after it decrease by one. It fails with ErrNotFound.
func (d *Dict) Delete(key string) error {
	return d.change(func(raw capi.Dict) error { return capi.DictRemove(raw, key) })
}

// Update changes an array in place. While change runs, the dict holds another value under the name, so that MutableData
// does not have to copy memory that only the dict refers to. Afterwards the array is put back, even if change failed.
func (d *Dict) Update(key string, change func(array *Array) error) (err error) {
	array, err := d.Array(key)
	if err != nil {
		return err
	}
	defer array.Close()
	if err := d.SetInt(key, 0); err != nil {
		return err
	}
	defer func() {
		if back := d.SetArray(key, array); err == nil {
			err = back
		}
	}()
	return change(array)
}

// derive makes a new dict from this one.
func (d *Dict) derive(call func(out *capi.Dict, raw capi.Dict) error) (*Dict, error) {
	raw, err := d.handle.lock()
	if err != nil {
		return nil, err
	}
	defer d.handle.unlock()
	derived, err := makeDict(nil, func(out *capi.Dict) error { return call(out, raw) })
	if err == nil {
		derived.isMetadata = d.isMetadata
	}
	return derived, err
}

// Flatten returns a flat dict of the same values, with the names of nested dicts joined by '.'. Empty dicts are
// dropped. It fails with ErrDuplicate if two paths result in the same name.
func (d *Dict) Flatten() (*Dict, error) { return d.derive(capi.DictFlatten) }

// Unflatten is the inverse of Flatten. It fails with ErrDuplicate if a name is also the prefix of another name.
func (d *Dict) Unflatten() (*Dict, error) { return d.derive(capi.DictUnflatten) }

// Equal reports whether the dicts have the same keys with equal values, in any order. Arrays and numbers are equal as in
// [Array.Equal].
func (d *Dict) Equal(other *Dict) (bool, error) {
	equal := int32(0)
	err := lockBoth(&d.handle, &other.handle, func(a, b capi.Dict) error { return check(capi.DictEqual(&equal, a, b)) })
	return equal != 0, err
}

// Compare compares names and shapes of the arrays in this tree or flat dict with those expected. It ignores dtypes.
func (d *Dict) Compare(expected *Dict) (Comparison, error) {
	var report *Dict
	err := lockBoth(&d.handle, &expected.handle, func(actual, expected capi.Dict) (err error) {
		report, err = makeDict(nil, func(out *capi.Dict) error { return capi.DictCompare(out, expected, actual) })
		return err
	})
	if err != nil {
		return Comparison{}, err
	}
	defer report.Close()
	var found Comparison
	for name, list := range map[string]*[]string{
		"missing": &found.Missing, "unexpected": &found.Unexpected, "shape": &found.Shape,
	} {
		if *list, err = report.Strings(name); err != nil {
			return Comparison{}, err
		}
	}
	return found, nil
}
