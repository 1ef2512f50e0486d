package tensorfile

import (
	"reflect"
	"unsafe"
)

// Value is the set of Go types of the values in a Dict, which Get returns: numbers, which are 0-d arrays; slices of
// numbers, which are 1-d arrays; strings, lists of strings, arrays and dicts.
type Value interface {
	Element | int | uint | string |
		[]bool | []int8 | []int16 | []int32 | []int64 | []uint8 | []uint16 | []uint32 | []uint64 |
		[]F16 | []BF16 | []float32 | []float64 | []complex64 | []complex128 |
		[]string | *Array | *Dict
}

// Get returns the value with a name. Nothing is converted: it fails with ErrType if the value is of another type than
// T. A number has the width with which it was stored, so that Get[int32] does not return an int64; int and uint are
// int64 and uint64. It fails with ErrNotFound if there is no such name. The caller closes an *Array or *Dict.
//
// Dict.Int and Dict.Float return numbers of any width.
func Get[T Value](d *Dict, key string) (T, error) {
	var out T
	err := d.get(key, any(&out))
	return out, err
}

// get stores the value of a name in the T that out points to.
func (d *Dict) get(key string, out any) (err error) {
	target := reflect.ValueOf(out).Elem()
	switch out := out.(type) {
	case *string:
		*out, err = d.Text(key)
		return err
	case *[]string:
		*out, err = d.Strings(key)
		return err
	case **Array:
		*out, err = d.Array(key)
		return err
	case **Dict:
		*out, err = d.Dict(key)
		return err
	case *int, *uint:
	default:
		if target.Kind() == reflect.Slice {
			return d.getSlice(key, target)
		}
	}
	value, err := d.Value(key)
	if err != nil {
		return err
	}
	found := reflect.ValueOf(value)
	wanted := target.Type()
	switch wanted.Kind() {
	case reflect.Int:
		wanted = elementTypes[Int64]
	case reflect.Uint:
		wanted = elementTypes[Uint64]
	}
	if found.Type() != wanted {
		closeBorrowed(value)
		return typeError(key, value, target.Type())
	}
	target.Set(found.Convert(target.Type()))
	return nil
}

func (d *Dict) getSlice(key string, target reflect.Value) error {
	array, err := d.Array(key)
	if err != nil {
		return err
	}
	defer array.Close()
	if array.dtype != dtypes[target.Type().Elem()] || array.NDim() != 1 {
		return typeError(key, array, target.Type())
	}
	list, err := array.list(target.Type().Elem())
	if err == nil {
		target.Set(list)
	}
	return err
}

// list returns the elements as a slice of the Go type that they have.
func (a *Array) list(element reflect.Type) (reflect.Value, error) {
	list := reflect.MakeSlice(reflect.SliceOf(element), a.Len(), a.Len())
	bytes := unsafe.Slice((*byte)(list.UnsafePointer()), a.NBytes())
	return list, a.copyTo(a.dtype, bytes)
}

func typeError(key string, value any, wanted reflect.Type) error {
	found := reflect.TypeOf(value).String()
	if array, ok := value.(*Array); ok {
		found = array.kind()
	}
	err := newError(ErrType, "key '%s': expected a value of type %v, found %s", key, wanted, found).(*Error)
	err.Name = key
	return err
}

// arrayOf converts a slice or array of numbers to an array. Slices and arrays may be nested, as long as
// they are rectangular.
func arrayOf(key string, v reflect.Value) (*Array, error) {
	var shape []int
	kind := v.Type()
	for inner := v; kind.Kind() == reflect.Slice || kind.Kind() == reflect.Array; kind = kind.Elem() {
		size := 0
		if inner.IsValid() {
			size = inner.Len()
		} else if kind.Kind() == reflect.Array {
			size = kind.Len()
		}
		shape = append(shape, size)
		if size > 0 && inner.IsValid() {
			inner = inner.Index(0)
		} else {
			inner = reflect.Value{}
		}
	}
	dtype, element := numberType(kind)
	if dtype == Unsupported {
		return nil, newError(ErrType, "key '%s': a dict cannot hold a value of type %v", key, v.Type())
	}
	count := 1
	for _, size := range shape {
		count *= size
	}
	size := int(element.Size())
	bytes := make([]byte, 0, count*size)
	bytes, err := appendNumbers(key, bytes, v, shape, element)
	if err != nil {
		return nil, err
	}
	return FromBytes(dtype, bytes, shape...)
}

// numberType returns the dtype of a type of numbers, and the Go type of its elements. int is int64, and a type such as
// time.Duration has the dtype of the type that it is defined as.
func numberType(kind reflect.Type) (Dtype, reflect.Type) {
	if dtype, ok := dtypes[kind]; ok {
		return dtype, kind
	}
	switch kind.Kind() {
	case reflect.Int:
		return Int64, elementTypes[Int64]
	case reflect.Uint, reflect.Uintptr:
		return Uint64, elementTypes[Uint64]
	}
	for dtype, element := range elementTypes {
		if dtype != Float16 && dtype != BFloat16 && element.Kind() == kind.Kind() {
			return dtype, element
		}
	}
	return Unsupported, nil
}

// appendNumbers appends the numbers in v, whose slices must have the given shape.
func appendNumbers(key string, bytes []byte, v reflect.Value, shape []int, element reflect.Type) ([]byte, error) {
	if len(shape) == 0 {
		number := reflect.New(element)
		number.Elem().Set(v.Convert(element))
		return append(bytes, unsafe.Slice((*byte)(number.UnsafePointer()), element.Size())...), nil
	}
	if v.Len() != shape[0] {
		return nil, newError(ErrInvalidArgument, "key '%s': the slices have different lengths: %d and %d", key, shape[0], v.Len())
	}
	if v.Kind() == reflect.Slice && len(shape) == 1 && v.Type().Elem().Size() == element.Size() && v.Len() > 0 {
		return append(bytes, unsafe.Slice((*byte)(v.UnsafePointer()), v.Len()*int(element.Size()))...), nil
	}
	var err error
	for i := range v.Len() {
		if bytes, err = appendNumbers(key, bytes, v.Index(i), shape[1:], element); err != nil {
			return nil, err
		}
	}
	return bytes, nil
}
