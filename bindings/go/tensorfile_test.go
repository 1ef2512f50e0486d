package tensorfile

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unsafe"
)

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fails checks that err has the given status.
func fails(t *testing.T, err error, status Status) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Status != status || !errors.Is(err, status) {
		t.Fatalf("%v is not %v", err, status)
	}
	return e
}

func same[T any](t *testing.T, found, expected T) {
	t.Helper()
	if !reflect.DeepEqual(found, expected) {
		t.Fatalf("%v is not %v", found, expected)
	}
}

func array[T Element](t *testing.T, elements []T, shape ...int) *Array {
	t.Helper()
	a, err := FromSlice(elements, shape...)
	ok(t, err)
	return a
}

func elements[T Element](t *testing.T, a *Array) []T {
	t.Helper()
	list, err := ToSlice[T](a)
	ok(t, err)
	return list
}

// constants returns the constants of a type in this package, by name.
func constants(t *testing.T, kind string) map[string]int64 {
	t.Helper()
	found := map[string]int64{}
	files := must[[]string](t)(filepath.Glob("*.go"))
	for _, name := range files {
		file := must[*ast.File](t)(parser.ParseFile(token.NewFileSet(), name, nil, 0))
		ast.Inspect(file, func(node ast.Node) bool {
			spec, isValue := node.(*ast.ValueSpec)
			if !isValue || len(spec.Values) != 1 {
				return true
			}
			named, isNamed := spec.Type.(*ast.Ident)
			number, isNumber := spec.Values[0].(*ast.BasicLit)
			prefix := strings.HasPrefix(spec.Names[0].Name, "option")
			if isNumber && ((isNamed && named.Name == kind) || (kind == "option" && prefix)) {
				found[spec.Names[0].Name] = must[int64](t)(strconv.ParseInt(number.Value, 10, 64))
			}
			return true
		})
	}
	return found
}

func TestConstantsAreThoseOfTheHeader(t *testing.T) {
	header := string(must[[]byte](t)(os.ReadFile("internal/core/tensorfile.h")))
	names := map[string]string{"Err": "", "Kind": "", "option": "", "LIST": "STRINGLIST"}
	plain := func(name string) string {
		for prefix, instead := range names {
			if len(name) > len(prefix) && strings.HasPrefix(name, prefix) || name == "LIST" {
				name = strings.Replace(name, prefix, instead, 1)
			}
		}
		return strings.ToUpper(strings.ReplaceAll(name, "_", ""))
	}
	for kind, prefix := range map[string]string{
		"Dtype": "DTYPE", "Format": "FORMAT", "Status": "STATUS", "Kind": "KIND", "option": "OPTION",
	} {
		expected := map[string]int64{}
		for _, match := range regexp.MustCompile(`TF_`+prefix+`_(\w+) = (-?\d+)`).FindAllStringSubmatch(header, -1) {
			expected[strings.ReplaceAll(match[1], "_", "")] = must[int64](t)(strconv.ParseInt(match[2], 10, 64))
		}
		delete(expected, "OK")
		delete(expected, "ASSTORED") // the same number as UNSUPPORTED
		maps.DeleteFunc(expected, func(name string, _ int64) bool { return kind == "Dtype" && strings.HasPrefix(name, "KIND") })
		found := map[string]int64{}
		for name, value := range constants(t, kind) {
			found[plain(name)] = value
		}
		if kind == "Kind" {
			found["STRINGLIST"] = found["LIST"]
			delete(found, "LIST")
		}
		if len(expected) < 4 {
			t.Errorf("%s: found only %v in the header", kind, expected)
		}
		same(t, found, expected)
	}
	if !strings.Contains(header, "#define TENSORFILE_SLICE_OMITTED INT64_MIN") || omitted != math.MinInt64 {
		t.Error("omitted differs from TENSORFILE_SLICE_OMITTED")
	}
}

func TestNames(t *testing.T) {
	for name, value := range constants(t, "Dtype") {
		dtype := Dtype(value)
		if dtype == Unsupported {
			continue
		}
		same(t, strings.ReplaceAll(dtype.String(), "_", ""), strings.ToLower(strings.ReplaceAll(name, "_", "")))
		same(t, must[Dtype](t)(ParseDtype(dtype.String())), dtype)
	}
	same(t, Dtype(12345).String(), "unsupported")
	for _, name := range []string{"float31", "", "float32\x00"} {
		_, err := ParseDtype(name)
		fails(t, err, ErrInvalidArgument)
	}
	same(t, []int{Float4E2M1FN.Bits(), Float4E2M1FN.BlockSize(), Float4E2M1FN.BlockBytes()}, []int{4, 2, 1})
	same(t, []int{Q4_0.Bits(), Q4_0.BlockSize(), Q4_0.BlockBytes()}, []int{0, 32, 18})
	same(t, fmt.Sprint(Auto, NPY, NPZ, Safetensors, GGUF, Format(99)), "auto npy npz safetensors gguf unknown")
	same(t, FormatFromPath("A/B.NPZ"), NPZ)
	same(t, FormatFromPath("a.npz\x00"), Auto)
	same(t, ProbeFormat([]byte("GGUF\x03\x00\x00\x00")), GGUF)
	same(t, ProbeFormat(nil), Auto)
	same(t, ErrNotFound.String(), "not_found")
	same(t, ErrNotFound.Error(), "tensorfile: not found")
	parts := strings.Split(Version(), ".")
	number := 0
	for _, part := range parts {
		number = number*100 + must[int](t)(strconv.Atoi(part))
	}
	same(t, VersionNumber(), number)
}

func thereAndBack[T Element](t *testing.T, list ...T) {
	t.Helper()
	copied := array(t, list, len(list))
	same(t, must[[]T](t)(Data[T](copied)), list)
	same(t, copied.Dtype(), DtypeOf[T]())
	same(t, copied.NBytes(), len(list)*int(unsafe.Sizeof(list[0])))
	ok(t, copied.Close())
	wrapped := must[*Array](t)(Wrap(list, 1, len(list)))
	same(t, wrapped.Shape(), []int{1, len(list)})
	data := must[[]T](t)(Data[T](wrapped))
	if &data[0] != &list[0] {
		t.Error("Wrap made a copy")
	}
	same(t, elements[T](t, wrapped), list)
	ok(t, wrapped.Close())
	dict := NewDict()
	ok(t, dict.Set("list", list))
	ok(t, dict.Set("one", list[0]))
	same(t, elements[T](t, must[*Array](t)(dict.Array("list"))), list)
	one := must[*Array](t)(dict.Array("one"))
	same(t, one.NDim(), 0)
	same(t, elements[T](t, one), list[:1])
}

func TestArraysOfAllElementTypes(t *testing.T) {
	thereAndBack(t, true, false)
	thereAndBack[int8](t, -1, 2)
	thereAndBack[int16](t, -1, 2)
	thereAndBack[int32](t, -1, 2)
	thereAndBack[int64](t, -1, 2)
	thereAndBack[uint8](t, 1, 2)
	thereAndBack[uint16](t, 1, 2)
	thereAndBack[uint32](t, 1, 2)
	thereAndBack[uint64](t, 1, 2)
	thereAndBack[F16](t, 0x3c00, 0xc000)
	thereAndBack[BF16](t, 0x3f80, 0xc000)
	thereAndBack[float32](t, 1.5, -2)
	thereAndBack[float64](t, 1.5, -2)
	thereAndBack[complex64](t, 1.5-2i, 1i)
	thereAndBack[complex128](t, 1.5-2i, 1i)
}

func TestHalvesAreTheLibrarysHalves(t *testing.T) {
	bits := make([]uint16, 1<<16)
	for i := range bits {
		bits[i] = uint16(i)
	}
	raw := bytesOf(bits)
	compare := func(dtype Dtype, convert func(uint16) float32) {
		t.Helper()
		half := must[*Array](t)(FromBytes(dtype, raw, len(bits)))
		full := elements[float32](t, must[*Array](t)(half.Cast(Float32)))
		for i, expected := range full {
			found := convert(bits[i])
			if math.Float32bits(found) != math.Float32bits(expected) && found == found {
				t.Fatalf("%v %#04x: %v is not %v", dtype, i, found, expected)
			}
			if (found == found) != (expected == expected) {
				t.Fatalf("%v %#04x: %v is not %v", dtype, i, found, expected)
			}
		}
	}
	compare(Float16, func(b uint16) float32 { return F16(b).Float32() })
	compare(BFloat16, func(b uint16) float32 { return BF16(b).Float32() })
}

func TestWrongTypesShapesAndSizes(t *testing.T) {
	a := array(t, make([]float32, 6), 2, 3)
	_, err := Data[float64](a)
	same(t, fails(t, err, ErrType).Message, "the array is float32[2 3], not float64: Cast converts it")
	_, err = ToSlice[int32](a)
	fails(t, err, ErrType)
	_, err = MutableData[int32](a)
	fails(t, err, ErrType)
	fails(t, With(a, func([]int32) error { return nil }), ErrType)
	ok(t, With(a, func(lent []float32) error {
		same(t, lent, must[[]float32](t)(Data[float32](a)))
		return nil
	}))
	transposed := must[*Array](t)(a.Transpose())
	_, err = Data[float32](transposed)
	fails(t, err, ErrInvalidArgument)
	_, err = transposed.Bytes()
	fails(t, err, ErrInvalidArgument)
	fails(t, With(transposed, func([]float32) error { return nil }), ErrInvalidArgument)
	_, err = a.Int(0, 0)
	fails(t, err, ErrType)
	_, err = a.Float(0)
	fails(t, err, ErrInvalidArgument)
	_, err = a.Float(0, 3)
	fails(t, err, ErrInvalidArgument)
	_, err = FromSlice(make([]float32, 6), 4)
	fails(t, err, ErrInvalidArgument)
	for _, count := range []int{4, 7, math.MaxInt, -1} {
		_, err = Wrap(make([]float32, 6), count)
		fails(t, err, ErrInvalidArgument)
	}
	_, err = Zeros(Float32, -1)
	fails(t, err, ErrInvalidArgument)
	_, err = Zeros(Dtype(12345), 1)
	fails(t, err, ErrInvalidArgument)
	_, err = WrapBytes(Float32, bytesOf(make([]float32, 4))[1:9], 2)
	fails(t, err, ErrInvalidArgument)
	_, err = a.Cast(Dtype(12345))
	fails(t, err, ErrUnsupported)
	err = NewDict().Set("a", struct{}{})
	same(t, fails(t, err, ErrType).Message, "key 'a': a dict cannot hold a value of type struct {}")
}

func TestBytesThatAreNoBools(t *testing.T) {
	a := must[*Array](t)(Zeros(Bool, 3))
	raw := must[[]byte](t)(a.MutableBytes())
	raw[1] = 7
	_, err := Data[bool](a)
	fails(t, err, ErrType)
	_, err = MutableData[bool](a)
	fails(t, err, ErrType)
	fails(t, With(a, func([]bool) error { return nil }), ErrType)
	same(t, must[[]byte](t)(a.Bytes()), []byte{0, 7, 0})
}

func TestChangesAreSeenByNobodyElse(t *testing.T) {
	a := array(t, []int32{1, 2, 3, 4}, 2, 2)
	before := must[[]int32](t)(MutableData[int32](a))
	before[0] = 10
	again := must[[]int32](t)(MutableData[int32](a))
	if &before[0] != &again[0] {
		t.Error("memory that is not shared was copied")
	}
	clone := must[*Array](t)(a.Clone())
	view := must[*Array](t)(a.Transpose())
	must[[]int32](t)(MutableData[int32](a))[1] = 20
	same(t, elements[int32](t, a), []int32{10, 20, 3, 4})
	same(t, elements[int32](t, clone), []int32{10, 2, 3, 4})
	same(t, elements[int32](t, view), []int32{10, 3, 2, 4})
	same(t, before, []int32{10, 2, 3, 4}) // valid until a is closed, even though the others change
	ok(t, clone.Close())
	must[[]int32](t)(MutableData[int32](view))[1] = 30 // makes the view contiguous first
	same(t, must[[]int32](t)(Data[int32](view)), []int32{10, 30, 2, 4})
	same(t, view.Strides(), []int{8, 4})
	same(t, before, []int32{10, 2, 3, 4})
	equal := must[bool](t)(a.Equal(clone0(t, a)))
	same(t, equal, true)
	same(t, must[bool](t)(a.Equal(view)), false)
	same(t, must[bool](t)(a.Equal(a)), true)
	ok(t, a.MakeMutable())
	ok(t, a.Close())
}

func clone0(t *testing.T, a *Array) *Array { return must[*Array](t)(a.Clone()) }

func TestWrappedMemoryIsShared(t *testing.T) {
	list := []float64{1, 2, 3}
	a := must[*Array](t)(Wrap(list, 3))
	must[[]float64](t)(MutableData[float64](a))[0] = 5
	same(t, list[0], 5)
	view := must[*Array](t)(a.Slice(From(1)))
	ok(t, a.Close())
	list[1] = 7
	same(t, elements[float64](t, view), []float64{7, 3})
	empty := must[*Array](t)(Wrap([]float64{}, 0, 3))
	same(t, empty.Len(), 0)
	same(t, must[[]float64](t)(Data[float64](empty)), []float64{})
	// Memory inside an object that contains pointers.
	type owner struct {
		pointer *int
		bytes   [8]byte
	}
	o := &owner{pointer: new(int), bytes: [8]byte{1, 2, 3, 4, 5, 6, 7, 8}}
	inner := must[*Array](t)(Wrap(o.bytes[:], 8))
	same(t, elements[byte](t, inner), o.bytes[:])
	same(t, elements[byte](t, must[*Array](t)(FromBytes(Uint8, o.bytes[:], 8))), o.bytes[:])
}

func TestWrappedMemoryMayHaveAnyStrides(t *testing.T) {
	list := make([]int32, 12)
	for i := range list {
		list[i] = int32(i)
	}
	a := must[*Array](t)(WrapStrided(list, 0, []int{2, 3, 2}, []int{4, 16, 0}, true))
	same(t, a.Strides(), []int{4, 16, 0})
	same(t, a.IsContiguous(), false)
	same(t, elements[int32](t, a), []int32{0, 0, 4, 4, 8, 8, 1, 1, 5, 5, 9, 9})
	same(t, elements[int32](t, must[*Array](t)(a.Transpose(2, 1, 0))), []int32{0, 1, 4, 5, 8, 9, 0, 1, 4, 5, 8, 9})
	backwards := must[*Array](t)(WrapStrided(list, 11, []int{12}, []int{-4}, false))
	same(t, elements[int32](t, backwards)[:3], []int32{11, 10, 9})
	readOnly := must[*Array](t)(WrapStrided(list, 2, []int{3}, []int{4}, false))
	must[[]int32](t)(MutableData[int32](readOnly))[0] = 50
	same(t, elements[int32](t, readOnly), []int32{50, 3, 4})
	same(t, list[2], 2)
	for _, wrong := range []struct {
		at             int
		shape, strides []int
	}{
		{0, []int{2}, []int{4, 4}}, {11, []int{2}, []int{4}}, {0, []int{2}, []int{-4}}, {12, []int{1}, []int{4}},
		{-1, []int{1}, []int{4}}, {0, []int{13}, []int{4}}, {10, []int{12}, []int{-4}}, {0, []int{math.MaxInt}, []int{4}},
		{0, []int{2}, []int{math.MinInt}}, {0, []int{4, 2}, []int{12, 16}}, {0, []int{2}, []int{3}},
	} {
		_, err := WrapStrided(list, wrong.at, wrong.shape, wrong.strides, true)
		fails(t, err, ErrInvalidArgument)
	}
	must[*Array](t)(WrapStrided(list, 0, []int{0, math.MaxInt}, []int{4, 4}, true))
	must[*Array](t)(WrapStrided(list, 0, []int{}, []int{}, true))
	blocks := must[*Array](t)(Zeros(Q4_0, 2, 32))
	if blocks.Strides() != nil || blocks.NBytes() != 36 || blocks.String() != "q4_0[2 32]" || blocks.Dim(1) != 32 {
		t.Error(blocks)
	}
}

func TestSlicesArePythons(t *testing.T) {
	a := array(t, []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, 3, 4)
	part := must[*Array](t)(a.Slice(All().Step(-2), Range(1, -1)))
	same(t, part.Shape(), []int{2, 2})
	same(t, elements[int64](t, part), []int64{9, 10, 1, 2})
	same(t, elements[int64](t, must[*Array](t)(a.Slice(Range(2, 100)))), []int64{8, 9, 10, 11})
	same(t, elements[int64](t, must[*Array](t)(a.Slice(All().To(1)))), []int64{0, 1, 2, 3})
	same(t, must[*Array](t)(a.Slice()).Shape(), []int{3, 4})
	_, err := a.Slice(All().Step(0))
	fails(t, err, ErrInvalidArgument)
	_, err = a.Slice(All(), All(), All())
	fails(t, err, ErrInvalidArgument)
	_, err = a.Transpose(0, 0)
	fails(t, err, ErrInvalidArgument)
}

func TestCastsAndItems(t *testing.T) {
	a := array(t, []float32{1.5, -2.5, float32(math.NaN())}, 3)
	same(t, elements[int8](t, must[*Array](t)(a.Cast(Int8))), []int8{1, -2, 0})
	half := must[*Array](t)(a.Cast(BFloat16, WithThreads(1)))
	same(t, elements[BF16](t, half)[0], 0x3fc0)
	same(t, must[float64](t)(half.Float(-2)), -2.5)
	same(t, must[int64](t)(array(t, []uint8{7}).Int(0)), 7)
	_, err := array(t, []complex64{1i}).Cast(Float32)
	fails(t, err, ErrType)
	_, err = a.Cast(Int8, WithThreads(-1))
	fails(t, err, ErrInvalidArgument)
	blocks := must[*Array](t)(array(t, make([]float32, 64), 2, 32).Cast(Q8_0))
	same(t, blocks.NBytes(), 68)
}

func TestDictsKeepTheirOrderAndHoldAllKinds(t *testing.T) {
	inner := NewDict()
	ok(t, inner.Set("n", 1.5))
	dict := NewDict()
	for _, entry := range []struct {
		key   string
		value any
	}{
		{"array", []uint16{1, 2}}, {"text", "a\x00b"}, {"list", []string{"x", "é"}}, {"dict", inner}, {"number", -5},
		{"bytes", "\xff"}, {"empty", ""}, {"ints", []int{1, -1}}, {"flag", true},
	} {
		ok(t, dict.Set(entry.key, entry.value))
	}
	ok(t, dict.AppendString("list", "\xff"))
	same(t, slices.Collect(dict.Keys()), []string{"array", "text", "list", "dict", "number", "bytes", "empty", "ints", "flag"})
	same(t, must[string](t)(dict.Text("text")), "a\x00b")
	same(t, must[string](t)(dict.Text("empty")), "")
	same(t, must[string](t)(dict.Text("bytes")), "\xff")
	same(t, must[[]string](t)(dict.Strings("list")), []string{"x", "é", "\xff"})
	same(t, must[int64](t)(dict.Int("number")), -5)
	same(t, must[int64](t)(dict.Int("flag")), 1)
	_, err := dict.Float("number")
	fails(t, err, ErrType)
	same(t, must[float64](t)(must[*Dict](t)(dict.Dict("dict")).Float("n")), 1.5)
	same(t, elements[int64](t, must[*Array](t)(dict.Array("ints"))), []int64{1, -1})

	kinds := map[string]string{}
	for key, value := range dict.All() {
		kinds[key] = fmt.Sprintf("%T", value)
	}
	same(t, kinds, map[string]string{"array": "*tensorfile.Array", "text": "string", "list": "[]string",
		"dict": "*tensorfile.Dict", "number": "int64", "bytes": "string", "empty": "string",
		"ints": "*tensorfile.Array", "flag": "bool"})
	var names []string
	for name, a := range dict.Arrays() {
		names = append(names, name)
		if a.Len() == 0 || name == "ints" {
			break
		}
	}
	same(t, names, []string{"array", "number", "ints"})
	for range dict.All() {
		break
	}
	for range dict.Keys() {
		break
	}

	_, err = dict.Array("missing")
	e := fails(t, err, ErrNotFound)
	same(t, e.Name, "missing")
	same(t, e.Offset, -1)
	_, err = dict.Value("missing")
	fails(t, err, ErrNotFound)
	_, err = dict.Array("text")
	fails(t, err, ErrType)
	_, err = dict.Strings("text")
	fails(t, err, ErrType)
	_, err = dict.Dict("text")
	fails(t, err, ErrType)
	_, err = dict.Text("list")
	fails(t, err, ErrType)
	_, err = dict.Int("text")
	fails(t, err, ErrType)
	_, err = dict.Float("text")
	fails(t, err, ErrType)
	fails(t, dict.AppendString("text", "x"), ErrType)
	fails(t, dict.Set("\xff", 1), ErrInvalidArgument)
	fails(t, dict.Set("self", dict), ErrInvalidArgument)
	fails(t, inner.Set("outer", dict), ErrInvalidArgument)

	// A nested dict is not a copy: its changes are visible through the outer dict.
	ok(t, must[*Dict](t)(dict.Dict("dict")).Set("n", 2.5))
	same(t, must[float64](t)(inner.Float("n")), 2.5)
	ok(t, dict.Delete("text"))
	index, found := dict.Index("list")
	same(t, index, 1)
	same(t, found && !dict.Has("text") && dict.Has("list"), true)
	same(t, must[string](t)(dict.Key(1)), "list")
	same(t, []Kind{dict.Kind("array"), dict.Kind("list"), dict.Kind("dict"), dict.Kind("text")}, []Kind{KindArray, KindList, KindDict, KindNone})
	fails(t, dict.Delete("text"), ErrNotFound)
	_, err = dict.Key(99)
	fails(t, err, ErrInvalidArgument)
	same(t, dict.Len(), 8)
}

func TestArraysInDictsAreChangedInPlace(t *testing.T) {
	dict := NewDict()
	ok(t, dict.Set("a", []float32{1, 1, 1, 1}))
	ok(t, dict.Set("b", 1))
	address := func() (p *float32) {
		a := must[*Array](t)(dict.Array("a"))
		defer a.Close()
		ok(t, With(a, func(list []float32) error { p = &list[0]; return nil }))
		return p
	}
	before := address()
	ok(t, dict.Update("a", func(a *Array) error {
		must[[]float32](t)(MutableData[float32](a))[0] = 5
		return nil
	}))
	same(t, elements[float32](t, must[*Array](t)(dict.Array("a"))), []float32{5, 1, 1, 1})
	if address() != before {
		t.Error("the array was copied")
	}
	index, _ := dict.Index("a")
	same(t, index, 0)
	// Outside of Update the dict keeps its own array.
	mine := must[*Array](t)(dict.Array("a"))
	must[[]float32](t)(MutableData[float32](mine))[0] = 6
	same(t, must[float64](t)(must[*Array](t)(dict.Array("a")).Float(0)), 5)
	func() {
		defer func() { same(t, recover(), any("stop")) }()
		_ = dict.Update("a", func(*Array) error { panic("stop") })
	}()
	same(t, must[*Array](t)(dict.Array("a")).Len(), 4)
	stop := errors.New("stop")
	if err := dict.Update("a", func(*Array) error { return stop }); err != stop {
		t.Error(err)
	}
	fails(t, dict.Update("c", func(*Array) error { return nil }), ErrNotFound)
}

func TestCheck(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.safetensors")
	arrays := NewDict()
	ok(t, arrays.Set("x", []uint8{1, 2}))
	ok(t, SaveSafetensors(path, arrays, nil))
	same(t, must[CheckReport](t)(Check(path)), CheckReport{[]string{}, []string{}, []string{}})
	content := append(must[[]byte](t)(os.ReadFile(path)), 0)
	ok(t, os.WriteFile(path, content, 0o600))
	found := must[CheckReport](t)(Check(path))
	same(t, []int{len(found.Faults), len(found.Excused)}, []int{1, 0})
	if !strings.HasPrefix(found.Faults[0], "corrupt: ") {
		t.Error(found.Faults[0])
	}
	if !strings.HasSuffix(found.Faults[0], "; WithLenient accepts this") {
		t.Error(found.Faults[0])
	}
	unnamed := strings.Replace(found.Faults[0], path+": ", "", 1)
	same(t, must[CheckReport](t)(CheckBytes(content, Auto)).Faults, []string{unnamed})
	source := must[*Source](t)(OpenSource(path))
	defer source.Close()
	same(t, must[CheckReport](t)(CheckFrom(source, Auto)), found)
	same(t, must[CheckReport](t)(CheckFrom(source, Auto, WithLenient(true))).Faults, []string{})
	other := must[CheckReport](t)(CheckFrom(source, GGUF))
	if len(other.Faults) != 1 || !strings.HasPrefix(other.Faults[0], "format: ") {
		t.Error(other.Faults)
	}
	lost := errors.New("connection lost")
	broken := must[*Source](t)(NewSource(&faulty{bytes: content, then: func() error { return lost }}, int64(len(content))))
	_, lostErr := CheckFrom(broken, Auto)
	same(t, errors.Is(lostErr, lost), true)
	lenient := must[CheckReport](t)(Check(path, WithLenient(true)))
	same(t, []int{len(lenient.Faults), len(lenient.Excused)}, []int{0, 1})
	_, err := Check(filepath.Join(t.TempDir(), "missing.npy"))
	same(t, errors.Is(err, ErrNotFound), true)
}

func TestTrees(t *testing.T) {
	flat := NewDict()
	ok(t, flat.Set("layers.0.w", []float32{1, 2}))
	ok(t, flat.Set("layers.1.w", []float32{3}))
	tree := must[*Dict](t)(flat.Unflatten())
	first := must[*Dict](t)(must[*Dict](t)(tree.Dict("layers")).Dict("0"))
	same(t, elements[float32](t, must[*Array](t)(first.Array("w"))), []float32{1, 2})
	same(t, slices.Collect(must[*Dict](t)(tree.Flatten()).Keys()), []string{"layers.0.w", "layers.1.w"})

	other := NewDict()
	ok(t, other.Set("layers.1.w", []int8{1, 2}))
	ok(t, other.Set("more", 1))
	same(t, must[Comparison](t)(other.Compare(tree)),
		Comparison{Missing: []string{"layers.0.w"}, Unexpected: []string{"more"}, Shape: []string{"layers.1.w"}})

	path := filepath.Join(t.TempDir(), "w.safetensors")
	ok(t, SaveWeights(path, tree))
	loaded := must[*Dict](t)(LoadWeights(path, nil))
	same(t, must[Comparison](t)(loaded.Compare(loaded)), Comparison{[]string{}, []string{}, []string{}})
	same(t, must[Comparison](t)(loaded.Compare(tree)), Comparison{[]string{}, []string{}, []string{}})
	same(t, must[*Dict](t)(LoadWeights(path, tree)).Len(), 1)
	same(t, must[bool](t)(loaded.Equal(loaded)), true)
	same(t, must[bool](t)(tree.Equal(must[*Dict](t)(tree.Clone()))), true)
	same(t, must[bool](t)(tree.Equal(other)), false)
	_, err := LoadWeights(path, other)
	fails(t, err, ErrMismatch)
	lax := must[*Dict](t)(LoadWeights(path, other, WithStrict(false)))
	same(t, must[int64](t)(lax.Int("more")), 1)
	ok(t, flat.Set("layers", 1))
	_, err = flat.Unflatten()
	fails(t, err, ErrDuplicate)
}

func sampleDicts(t *testing.T) (arrays, metadata *Dict) {
	t.Helper()
	arrays, metadata = NewDict(), NewDict()
	ok(t, arrays.Set("x", array(t, []float32{1, 2, 3, 4, 5, 6}, 2, 3)))
	ok(t, arrays.Set("y", must[*Array](t)(array(t, []int8{-1, 1}, 2).Cast(Float16))))
	ok(t, metadata.Set("general.architecture", "test"))
	return arrays, metadata
}

func equalArrays(t *testing.T, found, expected *Dict) {
	t.Helper()
	same(t, found.Len(), expected.Len())
	for name, a := range expected.Arrays() {
		if !must[bool](t)(must[*Array](t)(found.Array(name)).Equal(a)) {
			t.Fatalf("%s differs", name)
		}
	}
}

func TestAllFormatsThereAndBack(t *testing.T) {
	folder := t.TempDir()
	path := func(name string) string { return filepath.Join(folder, name) }
	arrays, metadata := sampleDicts(t)
	x := must[*Array](t)(arrays.Array("x"))

	ok(t, SaveArray(path("one.npy"), x))
	same(t, must[bool](t)(must[*Array](t)(LoadArray(path("one.npy"))).Equal(x)), true)
	same(t, must[bool](t)(must[*Array](t)(must[*Loaded](t)(Load(path("one.npy"))).Array("")).Equal(x)), true)

	ok(t, SaveNPZ(path("stored.npz"), arrays, nil))
	ok(t, SaveNPZCompressed(path("deflated"), arrays, nil))
	ok(t, SaveSafetensors(path("a.safetensors"), arrays, metadata))
	ok(t, SaveGGUF(path("a.gguf"), arrays, metadata))
	for _, name := range []string{"stored.npz", "deflated.npz", "a.safetensors", "a.gguf"} {
		loaded := must[*Loaded](t)(Load(path(name)))
		equalArrays(t, loaded.Arrays, arrays)
		same(t, loaded.Metadata.Has("general.architecture"), strings.HasPrefix(name, "a."))
		_, err := LoadArray(path(name))
		fails(t, err, ErrType)

		format := FormatFromPath(name)
		var also *Dict
		if strings.HasPrefix(name, "a.") {
			also = metadata
		}
		buffer := must[*Buffer](t)(Marshal(format, arrays, also))
		raw := must[[]byte](t)(buffer.Bytes())
		same(t, len(raw), buffer.Len())
		same(t, ProbeFormat(raw), format)
		if name != "deflated.npz" {
			same(t, bytes.Equal(raw, must[[]byte](t)(os.ReadFile(path(name)))), true)
		}
		equalArrays(t, must[*Loaded](t)(LoadBytes(raw, Auto)).Arrays, arrays)
		var out, again bytes.Buffer
		ok(t, SaveTo(&out, format, arrays, also))
		same(t, bytes.Equal(raw, out.Bytes()), true)
		same(t, must[int64](t)(buffer.WriteTo(&again)), int64(len(raw)))
		same(t, bytes.Equal(raw, again.Bytes()), true)
		ok(t, buffer.Close())
		same(t, panicOf(func() { buffer.Len() }), any(ErrClosed))
		ok(t, loaded.Close())
	}
	var out bytes.Buffer
	ok(t, SaveArrayTo(&out, x))
	same(t, bytes.Equal(out.Bytes(), must[[]byte](t)(os.ReadFile(path("one.npy")))), true)
	same(t, bytes.Equal(out.Bytes(), must[[]byte](t)(must[*Buffer](t)(MarshalArray(x)).Bytes())), true)

	ok(t, SaveNPZ(path("args"), nil, []*Array{x, x}))
	same(t, slices.Collect(must[*Loaded](t)(Load(path("args.npz"))).Arrays.Keys()), []string{"arr_0", "arr_1"})
	_, err := Marshal(Auto, arrays, nil)
	fails(t, err, ErrInvalidArgument)
	described := must[*Buffer](t)(Marshal(NPZ, arrays, metadata))
	text := must[*Loaded](t)(LoadBytes(must[[]byte](t)(described.Bytes()), Auto)).Metadata
	same(t, text.Has("general.architecture"), true)
	fails(t, SaveSafetensors(path("b"), arrays, arrays), ErrType)
	fails(t, SaveWeights(path("b.txt"), arrays), ErrFormat)
}

func TestFiles(t *testing.T) {
	folder := t.TempDir()
	arrays, metadata := sampleDicts(t)
	path := filepath.Join(folder, "a.gguf")
	ok(t, SaveGGUF(path, arrays, metadata))
	file := must[*File](t)(Open(path))
	same(t, file.Format(), GGUF)
	same(t, file.Len(), 2)
	var names []string
	for name, entry := range file.Entries() {
		names = append(names, name)
		same(t, entry.Index(), len(names)-1)
		same(t, entry.Name(), name)
	}
	same(t, names, []string{"x", "y"})
	for range file.Entries() {
		break
	}
	x := must[Entry](t)(file.Entry("x"))
	same(t, []any{x.Dtype(), x.Shape(), x.NBytes()}, []any{Float32, []int{2, 3}, int64(24)})
	same(t, must[string](t)(x.TypeName()), "float32")
	same(t, must[*Array](t)(x.ReadRaw()).kind(), "uint8[24]")
	same(t, must[[]string](t)(file.Others()), []string{})
	same(t, must[[]string](t)(file.Notes()), []string{})
	same(t, elements[float32](t, must[*Array](t)(file.Read("x"))), []float32{1, 2, 3, 4, 5, 6})
	same(t, elements[float32](t, must[*Array](t)(x.Read(All(), Range(1, 2)))), []float32{2, 5})
	as := make([]float64, 6)
	ok(t, ReadInto(CastInto(x, as)))
	same(t, as, []float64{1, 2, 3, 4, 5, 6})
	column := make([]int16, 2)
	ok(t, ReadInto(CastInto(x, column, All(), From(2))))
	same(t, column, []int16{3, 6})
	fails(t, ReadInto(CastInto(x, as[:5])), ErrInvalidArgument)
	fails(t, ReadInto(Into(x, as)), ErrType)
	fails(t, ReadInto(BytesInto(x, make([]byte, 23))), ErrInvalidArgument)

	y := must[Entry](t)(file.Entry("y"))
	raws := [][]byte{make([]byte, 4), make([]byte, 24)}
	ok(t, ReadInto(BytesInto(y, raws[0]), BytesInto(x, raws[1])))
	same(t, raws, [][]byte{bytesOf([]uint16{0xbc00, 0x3c00}), bytesOf([]float32{1, 2, 3, 4, 5, 6})})
	halves := [][]float64{make([]float64, 6), make([]float64, 2)}
	ok(t, ReadInto(CastInto(x, halves[0]), CastInto(y, halves[1])))
	same(t, halves, [][]float64{{1, 2, 3, 4, 5, 6}, {-1, 1}})
	one, last := make([]F16, 2), make([]int8, 1)
	ok(t, ReadInto(Into(y, one), CastInto(x, last, From(1), From(2))))
	same(t, one, []F16{0xbc00, 0x3c00})
	same(t, last, []int8{6})
	ok(t, ReadInto())
	fails(t, ReadInto(BytesInto(y, raws[1]), BytesInto(x, raws[0])), ErrInvalidArgument)
	twin := must[Entry](t)(must[*File](t)(Open(path)).Entry("y"))
	fails(t, ReadInto(BytesInto(twin, raws[0]), BytesInto(x, raws[1])), ErrInvalidArgument)

	where := must[Location](t)(x.Location())
	same(t, where, Location{Path: path, Offset: where.Offset, StoredBytes: 24})
	raw := must[[]byte](t)(os.ReadFile(path))
	same(t, raw[where.Offset:where.Offset+24], bytesOf([]float32{1, 2, 3, 4, 5, 6}))
	_, err := file.At(2)
	fails(t, err, ErrInvalidArgument)
	_, err = file.Read("z")
	same(t, fails(t, err, ErrNotFound).Name, "z")

	about := must[*Dict](t)(file.Metadata())
	same(t, must[string](t)(about.Text("general.architecture")), "test")
	fails(t, about.Set("a", 1), ErrInvalidArgument)
	fails(t, about.Delete("general.architecture"), ErrInvalidArgument)

	inMemory := must[*File](t)(OpenBytes(raw, Auto))
	same(t, must[Location](t)(must[Entry](t)(inMemory.Entry("x")).Location()).Path, "")

	ok(t, file.Close())
	ok(t, file.Close())
	for _, use := range []func() error{
		func() error { _, err := file.Read("x"); return err },
		func() error { _, err := file.Metadata(); return err },
		func() error { _, err := x.Read(); return err },
		func() error { _, err := x.Read(All()); return err },
		func() error { _, err := x.Location(); return err },
		func() error { return ReadInto(BytesInto(x, nil)) },
		func() error { _, err := x.TypeName(); return err },
		func() error { _, _, err := Read[float32](file, "x"); return err },
		func() error { _, err := file.Notes(); return err },
		func() error { _, err := file.Others(); return err },
		func() error { _, err := file.At(0); return err },
	} {
		if err := use(); err != ErrClosed || !errors.Is(err, fs.ErrClosed) {
			t.Error(err)
		}
	}
}

func TestPartsOfFilesAndSources(t *testing.T) {
	arrays, _ := sampleDicts(t)
	raw := must[[]byte](t)(must[*Buffer](t)(Marshal(Safetensors, arrays, nil)).Bytes())
	path := filepath.Join(t.TempDir(), "archive")
	ok(t, os.WriteFile(path, slices.Concat([]byte("before"), raw, []byte("after")), 0o666))
	file := must[*os.File](t)(os.Open(path))
	inFile := must[*Source](t)(SourceFromFile(file, 6, int64(len(raw))))
	rest := must[*Source](t)(SourceFromFile(file, 6, -1))
	ok(t, file.Close())
	whole := must[*Source](t)(OpenSource(path))
	reader := must[*Source](t)(NewSource(bytes.NewReader(raw), int64(len(raw))))
	for _, source := range []*Source{
		inFile, must[*Source](t)(rest.Part(0, int64(len(raw)))), must[*Source](t)(whole.Part(6, int64(len(raw)))),
		must[*Source](t)(reader.Part(0, -1)),
	} {
		equalArrays(t, must[*Loaded](t)(LoadFrom(source, Safetensors)).Arrays, arrays)
		ok(t, source.Close())
	}
	_, err := SourceFromFile(file, 0, -1)
	fails(t, err, ErrIO)
	_, err = whole.Part(0, 1<<40)
	fails(t, err, ErrInvalidArgument)
	_, err = whole.Part(-1, 0)
	fails(t, err, ErrInvalidArgument)
	_, err = whole.Part(0, -2)
	fails(t, err, ErrInvalidArgument)
	_, err = OpenSource(path + "x")
	fails(t, err, ErrNotFound)
	_, err = NewSource(reader0{}, -1)
	fails(t, err, ErrInvalidArgument)
}

type reader0 struct{}

func (reader0) ReadAt([]byte, int64) (int, error) { panic("read from an empty source") }

func TestOptions(t *testing.T) {
	folder := t.TempDir()
	path := func(name string) string { return filepath.Join(folder, name) }
	arrays, metadata := sampleDicts(t)
	x := must[*Array](t)(arrays.Array("x"))

	ok(t, SaveArray(path("exact"), x, WithExactPath(true), WithDurable(true), WithAtomic(false)))
	must[*Array](t)(LoadArray(path("exact"), WithMap(true), WithThreads(1)))
	_, err := LoadArray(path("exact"), WithFormat(GGUF))
	fails(t, err, ErrFormat)
	must[*Array](t)(LoadArray(path("exact"), WithFormatName("npy")))
	_, err = LoadArray(path("exact"), WithFormatName("npy3"))
	fails(t, err, ErrInvalidArgument)

	ok(t, os.WriteFile(path("trailing.npy"), append(must[[]byte](t)(os.ReadFile(path("exact"))), 0), 0o666))
	_, err = LoadArray(path("trailing.npy"))
	fails(t, err, ErrCorrupt)
	must[*Array](t)(LoadArray(path("trailing.npy"), WithLenient(true)))
	_, err = LoadArray(path("exact"), WithMaxBytes(1))
	fails(t, err, ErrLimit)
	_, err = LoadArray(path("exact"), WithMaxRank(1))
	fails(t, err, ErrLimit)

	must[*Array](t)(LoadArray(path("exact"), WithSkipUnsupported(true), WithGGUFExtended(true)))
	ok(t, SaveGGUF(path("a.gguf"), arrays, metadata, WithAlignment(64)))
	for _, limit := range []Option{WithMaxArrays(1), WithMaxNameBytes(3), WithMaxHeaderBytes(10)} {
		_, err = Load(path("a.gguf"), limit)
		fails(t, err, ErrLimit)
	}
	ok(t, metadata.Set("a", 1))
	ok(t, SaveGGUF(path("b.gguf"), arrays, metadata))
	_, err = Load(path("b.gguf"), WithMaxMetadata(1))
	fails(t, err, ErrLimit)

	ok(t, SaveSafetensors(path("parts.safetensors"), arrays, nil, WithPartBytes(24)))
	equalArrays(t, must[*Loaded](t)(Load(path("parts.safetensors.index.json"))).Arrays, arrays)
	ok(t, SaveGGUF(path("parts.gguf"), arrays, nil, WithPartBytes(24)))
	one := must[*Loaded](t)(Load(path("parts-00001-of-00002.gguf")))
	same(t, one.Arrays.Len(), 1)
	equalArrays(t, must[*Loaded](t)(Load(path("parts-00001-of-00002.gguf"), WithParts(true))).Arrays, arrays)

	zeros := NewDict()
	ok(t, zeros.Set("z", make([]float32, 10000)))
	stored := must[*Buffer](t)(Marshal(NPZ, zeros, nil)).Len()
	deflated := must[*Buffer](t)(Marshal(NPZ, zeros, nil, WithCompress(true), WithCompressionLevel(9), WithZlib(false))).Len()
	if deflated > stored/10 {
		t.Errorf("%d of %d bytes", deflated, stored)
	}
	nested := NewDict()
	ok(t, nested.Set("lists.0.0", []int32{1, 2}))
	ok(t, SaveGGUF(path("nested.gguf"), NewDict(), must[*Dict](t)(nested.Unflatten())))
	lists := must[*Loaded](t)(Load(path("nested.gguf"), WithMaxNesting(3))).Metadata
	same(t, slices.Collect(must[*Dict](t)(lists.Flatten()).Keys()), []string{"lists.0.0"})
	_, err = Load(path("nested.gguf"), WithMaxNesting(1))
	fails(t, err, ErrLimit)

	blocks := NewDict()
	ok(t, blocks.Set("w.weight", must[*Array](t)(array(t, make([]float32, 32), 1, 32).Cast(Q4_0))))
	raw := must[[]byte](t)(must[*Buffer](t)(Marshal(GGUF, blocks, nil)).Bytes())
	same(t, must[*Array](t)(must[*Loaded](t)(LoadBytes(raw, Auto)).Array("w.weight")).Dtype(), Q4_0)
	decoded := must[*Loaded](t)(LoadBytes(raw, Auto, WithDecode(Float16)))
	same(t, must[*Array](t)(decoded.Array("w.weight")).Dtype(), Float16)
	mlx := must[*Loaded](t)(LoadBytes(raw, Auto, WithDecodeMLX()))
	same(t, slices.Sorted(mlx.Arrays.Keys()), []string{"w.biases", "w.scales", "w.weight"})
}

func TestErrors(t *testing.T) {
	path := filepath.Join(goldenFolder, "safetensors/reject_dup_key.safetensors")
	_, err := Load(path)
	e := fails(t, err, ErrDuplicate)
	if e.Offset < 8 || e.Name == "" || !strings.HasPrefix(e.Message, path+": ") || !strings.Contains(e.Message, e.Name) {
		t.Errorf("%+v", e)
	}
	same(t, err.Error(), "tensorfile: load "+e.Message)
	_, err = Load("missing.npy")
	fails(t, err, ErrNotFound)
	if !errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrCorrupt) || errors.Is(err, fs.ErrClosed) {
		t.Error(err)
	}
	for _, load := range []func(string) error{
		func(path string) error { _, err := Load(path); return err },
		func(path string) error { _, err := LoadArray(path); return err },
		func(path string) error { _, err := LoadWeights(path, nil); return err },
		func(path string) error { _, err := Open(path); return err },
		func(path string) error { _, err := OpenSource(path); return err },
		func(path string) error { return SaveWeights(path, NewDict()) },
	} {
		fails(t, load("a\x00b"), ErrInvalidArgument)
	}
}

func TestClosedThingsSaySo(t *testing.T) {
	a := array(t, []float32{1, 2}, 2)
	dict := NewDict()
	ok(t, dict.Set("a", a))
	source := must[*Source](t)(SourceFromBytes([]byte("abc")))
	buffer := must[*Buffer](t)(MarshalArray(a))
	for range 2 {
		ok(t, a.Close())
		ok(t, dict.Close())
		ok(t, source.Close())
		ok(t, buffer.Close())
	}
	var out bytes.Buffer
	for i, use := range []func() error{
		func() error { _, err := a.Bytes(); return err },
		func() error { _, err := Data[float32](a); return err },
		func() error { _, err := MutableData[float32](a); return err },
		func() error { _, err := ToSlice[float32](a); return err },
		func() error { return With(a, func([]float32) error { return nil }) },
		func() error { return a.MakeMutable() },
		func() error { _, err := a.Clone(); return err },
		func() error { _, err := a.Slice(); return err },
		func() error { _, err := a.Float(0); return err },
		func() error { _, err := a.Int(0); return err },
		func() error { _, err := a.Equal(a); return err },
		func() error { _, err := a.Cast(Int8); return err },
		func() error { return SaveArray("x", a) },
		func() error { return SaveNPZ("x", nil, []*Array{a}) },
		func() error { return NewDict().Set("a", a) },
		func() error { return NewDict().Set("d", dict) },
		func() error { return dict.Set("a", 1) },
		func() error { return dict.Delete("a") },
		func() error { _, err := dict.Array("a"); return err },
		func() error { _, err := dict.Value("a"); return err },
		func() error { _, err := dict.Dict("a"); return err },
		func() error { _, err := dict.Text("a"); return err },
		func() error { _, err := dict.Flatten(); return err },
		func() error { _, err := dict.Compare(dict); return err },
		func() error { _, err := NewDict().Compare(dict); return err },
		func() error { _, err := dict.Equal(dict); return err },
		func() error { _, err := NewDict().Equal(dict); return err },
		func() error { return SaveSafetensors("x", dict, nil) },
		func() error { return SaveSafetensors("x", NewDict(), dict) },
		func() error { _, err := LoadFrom(source, Auto); return err },
		func() error { _, err := OpenFrom(source, Auto); return err },
		func() error { _, err := source.Part(0, 1); return err },
		func() error { _, err := buffer.Bytes(); return err },
		func() error { _, err := buffer.WriteTo(&out); return err },
	} {
		if err := use(); err != ErrClosed {
			t.Errorf("use %d: %v", i, err)
		}
	}
	for _, use := range []func(){
		func() { dict.Len() }, func() { dict.Has("a") }, func() { dict.Kind("a") }, func() { dict.Index("a") },
		func() { buffer.Len() },
		func() {
			for range dict.All() {
			}
		},
		func() {
			for range dict.Keys() {
			}
		},
		func() {
			for range dict.Arrays() {
			}
		},
	} {
		same(t, panicOf(use), any(ErrClosed))
	}
	same(t, []any{a.Dtype(), a.Shape()}, []any{Float32, []int{2}})
}

// Each goroutine must get the message of its own error, even though goroutines move between threads.
func TestGoroutinesSeeTheirOwnErrors(t *testing.T) {
	var group sync.WaitGroup
	dict := NewDict()
	for g := range 32 {
		group.Add(1)
		go func() {
			defer group.Done()
			key := strings.Repeat(string(rune('A'+g)), g+1)
			for range 500 {
				_, err := dict.Array(key)
				var e *Error
				if !errors.As(err, &e) || e.Name != key || !strings.Contains(e.Message, key) {
					t.Errorf("%v is not about %s", err, key)
					return
				}
			}
		}()
	}
	group.Wait()
}

// Close waits for calls in progress.
func TestCloseMayCompeteWithReaders(t *testing.T) {
	for range 50 {
		a := array(t, make([]float32, 1000), 1000)
		var group sync.WaitGroup
		for range 4 {
			group.Add(1)
			go func() {
				defer group.Done()
				for {
					err := With(a, func(list []float32) error {
						if len(list) != 1000 || list[999] != 0 {
							t.Error("other elements")
						}
						return nil
					})
					if err == ErrClosed {
						return
					}
				}
			}()
		}
		ok(t, a.Close())
		group.Wait()
	}
}
