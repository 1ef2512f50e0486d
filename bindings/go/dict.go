package tensorfile

import (
	"iter"

	"github.com/tensorfile/tensorfile/bindings/go/internal/capi"
)

// Dict maps names to arrays, strings, lists of strings, and dicts. It keeps the order of insertion, or that of the
// file. Numbers are 0-d arrays.
//
// Like a map, a Dict may be read by several goroutines at the same time, but a change needs exclusive access to it and
// to the dict that contains it.
type Dict struct {
	handle   handle[capi.Dict]
	readOnly bool
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
		return newError(ErrInvalidArgument, "the metadata of a File cannot be changed: copy its values to a new dict")
	}
	raw, err := d.handle.lockAlone()
	if err != nil {
		return err
	}
	defer d.handle.unlockAlone()
	return check(call(raw))
}

// Len returns the number of values, which is 0 after Close.
func (d *Dict) Len() int {
	size := 0
	_ = d.read(func(raw capi.Dict) error {
		size = capi.DictSize(raw)
		return nil
	})
	return size
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

// Kind returns the kind of the value at an index, or KindNone if the index is out of range.
func (d *Dict) Kind(index int) Kind {
	kind := KindNone
	_ = d.read(func(raw capi.Dict) error {
		kind = Kind(capi.DictKindAt(raw, index))
		return nil
	})
	return kind
}

// Find returns the index of a name, and whether it exists.
func (d *Dict) Find(key string) (int, bool) {
	index := 0
	err := d.read(func(raw capi.Dict) error { return capi.DictFind(&index, raw, key) })
	return index, err == nil
}

// Has reports whether the dict contains a value with the name.
func (d *Dict) Has(key string) bool {
	_, found := d.Find(key)
	return found
}

// Array returns the array with a name. It fails with ErrNotFound, or with ErrType if the value has another kind.
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

// List returns a copy of the list of strings with a name.
func (d *Dict) List(key string) ([]string, error) {
	var list []string
	err := d.read(func(raw capi.Dict) error {
		count := 0
		if err := capi.DictStringListSize(&count, raw, key); err != nil {
			return err
		}
		list = make([]string, count)
		for i := range list {
			var text capi.Text
			if err := capi.DictStringListAt(&text, raw, key, i); err != nil {
				return err
			}
			list[i] = text.String()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return list, nil
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
		inner.readOnly = d.readOnly
	}
	return inner, err
}

// Int returns the value of a 0-d array of bool or an integer dtype.
func (d *Dict) Int(key string) (int64, error) {
	value := int64(0)
	err := d.read(func(raw capi.Dict) error { return capi.DictGetInt64(&value, raw, key) })
	return value, err
}

// Float returns the value of a 0-d array of any real dtype.
func (d *Dict) Float(key string) (float64, error) {
	value := float64(0)
	err := d.read(func(raw capi.Dict) error { return capi.DictGetDouble(&value, raw, key) })
	return value, err
}

// Value returns the value with a name, whatever its kind: an *Array, string, []string or *Dict.
func (d *Dict) Value(key string) (any, error) {
	index, found := d.Find(key)
	if !found {
		_, err := d.Array(key) // fails with the reason
		return nil, err
	}
	switch d.Kind(index) {
	case KindString:
		return d.Text(key)
	case KindList:
		return d.List(key)
	case KindDict:
		return d.Dict(key)
	}
	return d.Array(key)
}

// All returns an iterator over names and values in order; see Value. The dict may change during the iteration.
func (d *Dict) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for i := 0; ; i++ {
			key, err := d.Key(i)
			if err != nil {
				return
			}
			value, err := d.Value(key)
			if err == nil && !yield(key, value) {
				return
			}
		}
	}
}

// Keys returns an iterator over the names in order.
func (d *Dict) Keys() iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := 0; ; i++ {
			if key, err := d.Key(i); err != nil || !yield(key) {
				return
			}
		}
	}
}

// Arrays returns an iterator over the names and arrays in order. It skips values of other kinds.
func (d *Dict) Arrays() iter.Seq2[string, *Array] {
	return func(yield func(string, *Array) bool) {
		for i := 0; ; i++ {
			key, err := d.Key(i)
			if err != nil {
				return
			}
			if d.Kind(i) != KindArray {
				continue
			}
			if array, err := d.Array(key); err == nil && !yield(key, array) {
				return
			}
		}
	}
}

// Set stores a value under a name. If the name exists, the new value replaces the old one at the same index.
//
// The value is an *Array or *Dict (which is shared with d), a string, a []string, a bool or number (which becomes a 0-d
// array, of int64 for an int), or a slice of an Element type (which becomes a 1-d array).
func (d *Dict) Set(key string, value any) error {
	switch value := value.(type) {
	case *Array:
		return d.SetArray(key, value)
	case string:
		return d.SetText(key, value)
	case []string:
		return d.SetList(key, value)
	case *Dict:
		return d.SetDict(key, value)
	case int:
		return d.SetInt(key, int64(value))
	case int64:
		return d.SetInt(key, value)
	case float64:
		return d.SetFloat(key, value)
	}
	array, err := arrayOf(value)
	if err != nil {
		return err
	}
	defer array.Close()
	return d.SetArray(key, array)
}

// arrayOf converts a number or a slice of numbers to an array.
func arrayOf(value any) (*Array, error) {
	switch value := value.(type) {
	case bool:
		return FromSlice([]bool{value})
	case int8:
		return FromSlice([]int8{value})
	case int16:
		return FromSlice([]int16{value})
	case int32:
		return FromSlice([]int32{value})
	case uint8:
		return FromSlice([]uint8{value})
	case uint16:
		return FromSlice([]uint16{value})
	case uint32:
		return FromSlice([]uint32{value})
	case uint64:
		return FromSlice([]uint64{value})
	case F16:
		return FromSlice([]F16{value})
	case BF16:
		return FromSlice([]BF16{value})
	case float32:
		return FromSlice([]float32{value})
	case complex64:
		return FromSlice([]complex64{value})
	case complex128:
		return FromSlice([]complex128{value})
	case []bool:
		return FromSlice(value, len(value))
	case []int8:
		return FromSlice(value, len(value))
	case []int16:
		return FromSlice(value, len(value))
	case []int32:
		return FromSlice(value, len(value))
	case []int64:
		return FromSlice(value, len(value))
	case []uint8:
		return FromSlice(value, len(value))
	case []uint16:
		return FromSlice(value, len(value))
	case []uint32:
		return FromSlice(value, len(value))
	case []uint64:
		return FromSlice(value, len(value))
	case []F16:
		return FromSlice(value, len(value))
	case []BF16:
		return FromSlice(value, len(value))
	case []float32:
		return FromSlice(value, len(value))
	case []float64:
		return FromSlice(value, len(value))
	case []complex64:
		return FromSlice(value, len(value))
	case []complex128:
		return FromSlice(value, len(value))
	case []int:
		return FromSlice(numbers(value), len(value))
	}
	return nil, newError(ErrType, "a dict cannot hold a value of type %T", value)
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

// SetList stores a list of strings under a name.
func (d *Dict) SetList(key string, list []string) error {
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

// Append appends a string to the list with a name.
func (d *Dict) Append(key, text string) error {
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
	return makeDict(nil, func(out *capi.Dict) error { return call(out, raw) })
}

// Flatten returns a flat dict of the same values, with the names of nested dicts joined by '.'. Empty dicts are
// dropped. It fails with ErrDuplicate if two paths result in the same name.
func (d *Dict) Flatten() (*Dict, error) { return d.derive(capi.DictFlatten) }

// Unflatten is the inverse of Flatten. It fails with ErrDuplicate if a name is also the prefix of another name.
func (d *Dict) Unflatten() (*Dict, error) { return d.derive(capi.DictUnflatten) }

// Compare compares names and shapes of the arrays in this tree or flat dict with those expected. It ignores dtypes.
func (d *Dict) Compare(expected *Dict) (Comparison, error) {
	report, err := d.derive(func(out *capi.Dict, raw capi.Dict) error {
		other := raw
		if expected != d {
			var err error
			if other, err = expected.handle.lock(); err != nil {
				return err
			}
			defer expected.handle.unlock()
		}
		return capi.DictCompare(out, other, raw)
	})
	if err != nil {
		return Comparison{}, err
	}
	defer report.Close()
	var found Comparison
	for name, list := range map[string]*[]string{
		"missing": &found.Missing, "unexpected": &found.Unexpected, "shape": &found.Shape,
	} {
		if *list, err = report.List(name); err != nil {
			return Comparison{}, err
		}
	}
	return found, nil
}
