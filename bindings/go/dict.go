package tensorfile

import (
	"iter"

	"github.com/tensorfile/tensorfile/bindings/go/internal/capi"
)

// Dict holds values by name, in insertion or file order: arrays, strings, lists of strings, and dicts. Numbers are 0-d
// arrays.
//
// As with a map, several goroutines may read a dict at once, and whoever changes it must be alone with it, and with the
// dict that it is in.
type Dict struct {
	handle   handle[capi.Dict]
	readOnly bool
}

// Kind is the kind of a value in a Dict.
type Kind int32

// The kinds of values.
const (
	KindNone   Kind = 0 // no such value
	KindArray  Kind = 1 // *Array
	KindString Kind = 2 // string
	KindList   Kind = 3 // []string
	KindDict   Kind = 4 // *Dict
)

// Comparison is what Dict.Compare finds; each list is sorted.
type Comparison struct {
	Missing    []string // expected, but not there
	Unexpected []string // there, but not expected
	Shape      []string // in both, of another shape
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

// NewDict makes an empty dict. It panics when there is no memory for one.
func NewDict() *Dict {
	d, err := makeDict(nil, capi.DictNew)
	if err != nil {
		panic(err)
	}
	return d
}

// Close releases the dict; what was got from it stays. It always gives nil, and may be called again.
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
		return newError(ErrInvalidArgument, "the metadata of a File are to be read only")
	}
	raw, err := d.handle.lockAlone()
	if err != nil {
		return err
	}
	defer d.handle.unlockAlone()
	return check(call(raw))
}

// Len is the number of values; 0 after Close.
func (d *Dict) Len() int {
	size := 0
	_ = d.read(func(raw capi.Dict) error {
		size = capi.DictSize(raw)
		return nil
	})
	return size
}

// Key is the name at a place, 0 to Len() - 1.
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

// Kind is the kind of the value at a place; KindNone beyond the last.
func (d *Dict) Kind(index int) Kind {
	kind := KindNone
	_ = d.read(func(raw capi.Dict) error {
		kind = Kind(capi.DictKindAt(raw, index))
		return nil
	})
	return kind
}

// Find is the place of a name, and whether there is one.
func (d *Dict) Find(key string) (int, bool) {
	index := 0
	err := d.read(func(raw capi.Dict) error { return capi.DictFind(&index, raw, key) })
	return index, err == nil
}

// Has tells whether there is a value of that name.
func (d *Dict) Has(key string) bool {
	_, found := d.Find(key)
	return found
}

// Array is the array of a name. It fails with ErrNotFound, and with ErrType for a value of another kind.
func (d *Dict) Array(key string) (*Array, error) {
	raw, err := d.handle.lock()
	if err != nil {
		return nil, err
	}
	defer d.handle.unlock()
	return makeArray(nil, func(out *capi.Array) error { return capi.DictGet(out, raw, key) })
}

// Text is the string of a name; it is UTF-8 wherever a writer kept to its format.
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

// List is a copy of the list of strings of a name.
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

// Dict is the dict of a name: itself, so that changes of it are changes of this one.
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

// Int is the value of a 0-d array of bool or an integer dtype.
func (d *Dict) Int(key string) (int64, error) {
	value := int64(0)
	err := d.read(func(raw capi.Dict) error { return capi.DictGetInt64(&value, raw, key) })
	return value, err
}

// Float is the value of a 0-d array of any real dtype.
func (d *Dict) Float(key string) (float64, error) {
	value := float64(0)
	err := d.read(func(raw capi.Dict) error { return capi.DictGetDouble(&value, raw, key) })
	return value, err
}

// Value is the value of a name, of whatever kind: an *Array, string, []string or *Dict.
func (d *Dict) Value(key string) (any, error) {
	index, found := d.Find(key)
	if !found {
		_, err := d.Array(key) // tells why
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

// All gives names and values, in order; see Value. Names may be removed and added meanwhile.
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

// Keys gives the names, in order.
func (d *Dict) Keys() iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := 0; ; i++ {
			if key, err := d.Key(i); err != nil || !yield(key) {
				return
			}
		}
	}
}

// Arrays gives the arrays and their names, in order, without the values of other kinds.
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

// Set puts a value under a name; one that is there gives way, and the new one takes its place.
//
// Values are *Array and *Dict (shared with the dict), string, []string, bool, the numbers of Go (0-d arrays: of int an
// int64, else of their own dtype) and slices of the types that are elements (1-d arrays).
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

// arrayOf makes an array of a number or a slice of numbers.
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
	return nil, newError(ErrType, "a dict does not hold values of type %T", value)
}

// SetArray puts an array under a name; it is shared, and copied when either side makes it mutable.
func (d *Dict) SetArray(key string, array *Array) error {
	value, err := array.lend()
	if err != nil {
		return err
	}
	defer array.handle.unlock()
	return d.change(func(raw capi.Dict) error { return capi.DictSet(raw, key, value) })
}

// SetText puts a string under a name.
func (d *Dict) SetText(key, text string) error {
	return d.change(func(raw capi.Dict) error { return capi.DictSetString(raw, key, text) })
}

// SetList puts a list of strings under a name.
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

// Append adds a string to the list of a name.
func (d *Dict) Append(key, text string) error {
	return d.change(func(raw capi.Dict) error { return capi.DictStringListAppend(raw, key, text) })
}

// SetDict puts a dict under a name; it is shared, so that changes of it are seen through both. It fails with
// ErrInvalidArgument when value is, or holds, this dict.
func (d *Dict) SetDict(key string, value *Dict) error {
	if d == value {
		return newError(ErrInvalidArgument, "a dict cannot hold itself")
	}
	inner, err := value.handle.lock()
	if err != nil {
		return err
	}
	defer value.handle.unlock()
	return d.change(func(raw capi.Dict) error { return capi.DictSetDict(raw, key, inner) })
}

// SetInt puts a number under a name, as a 0-d array of int64.
func (d *Dict) SetInt(key string, value int64) error {
	return d.change(func(raw capi.Dict) error { return capi.DictSetInt64(raw, key, value) })
}

// SetFloat puts a number under a name, as a 0-d array of float64.
func (d *Dict) SetFloat(key string, value float64) error {
	return d.change(func(raw capi.Dict) error { return capi.DictSetDouble(raw, key, value) })
}

// Delete removes a value; those behind it move up one place. It fails with ErrNotFound.
func (d *Dict) Delete(key string) error {
	return d.change(func(raw capi.Dict) error { return capi.DictRemove(raw, key) })
}

// Update changes the array of a name where it is: during change the dict has another value, so that MutableData need not
// copy what the dict alone has. Afterwards, whether change failed or not, the array is back.
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

// derive makes a dict of this one by a call.
func (d *Dict) derive(call func(out *capi.Dict, raw capi.Dict) error) (*Dict, error) {
	raw, err := d.handle.lock()
	if err != nil {
		return nil, err
	}
	defer d.handle.unlock()
	return makeDict(nil, func(out *capi.Dict) error { return call(out, raw) })
}

// Flatten gives a flat dict of the same values, names joined with '.'. Empty dicts vanish. It fails with ErrDuplicate when
// two paths join to one name.
func (d *Dict) Flatten() (*Dict, error) { return d.derive(capi.DictFlatten) }

// Unflatten is the other way round. It fails with ErrDuplicate when a name is also the prefix of another.
func (d *Dict) Unflatten() (*Dict, error) { return d.derive(capi.DictUnflatten) }

// Compare compares names and shapes of the arrays in this tree (or flat dict) with those expected; dtypes are not compared.
func (d *Dict) Compare(expected *Dict) (Comparison, error) {
	report, err := d.derive(func(out *capi.Dict, raw capi.Dict) error {
		wanted := raw
		if expected != d {
			var err error
			if wanted, err = expected.handle.lock(); err != nil {
				return err
			}
			defer expected.handle.unlock()
		}
		return capi.DictCompare(out, wanted, raw)
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
