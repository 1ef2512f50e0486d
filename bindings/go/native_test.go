package tensorfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A loop over the arrays of a dict, as in README.md, must not keep what it has visited.
func TestLoopsOverArraysReleaseThem(t *testing.T) {
	const mebibytes = 8
	dict := NewDict()
	defer dict.Close()
	pass := func() {
		w := must[*Array](t)(Zeros(Float32, mebibytes<<18))
		ok(t, dict.Set("w", w))
		ok(t, w.Close())
		for _, array := range dict.Arrays() {
			sink = len(must[[]float32](t)(Data[float32](array)))
		}
		for _, value := range dict.All() {
			sink = len(must[[]byte](t)(value.(*Array).Bytes()))
		}
	}
	pass()
	before := resident(t)
	const passes = 40
	for range passes {
		pass()
	}
	// malloc keeps freed memory for each thread that a goroutine has run on, of which a busy machine has more.
	if grown := resident(t) - before; grown > passes/2*mebibytes<<20 && !slowed {
		t.Errorf("memory grew by %d bytes in %d passes over %d MiB", grown, passes, mebibytes)
	}
}

func TestArraysOfALoopAreClosedWhenItsBodyEnds(t *testing.T) {
	dict := NewDict()
	inner := NewDict()
	ok(t, inner.Set("a", []int32{1, 2}))
	ok(t, dict.Set("a", []int32{1, 2}))
	ok(t, dict.Set("dict", inner))
	var kept []any
	for _, value := range dict.All() {
		kept = append(kept, value)
	}
	_, err := Data[int32](kept[0].(*Array))
	same(t, err, ErrClosed)
	_, err = kept[1].(*Dict).Array("a")
	same(t, err, ErrClosed)
	var array, clone *Array
	same(t, panicOf(func() {
		for _, array = range dict.Arrays() {
			clone = must[*Array](t)(array.Clone())
			panic("body")
		}
	}), any("body"))
	_, err = array.Bytes()
	same(t, err, ErrClosed)
	same(t, elements[int32](t, clone), []int32{1, 2})

	// Elements are valid as long as the dict has the array, and changed ones have Go's memory.
	var list, changed []int32
	for _, array := range dict.Arrays() {
		list = must[[]int32](t)(Data[int32](array))
		changed = must[[]int32](t)(MutableData[int32](array))
		changed[0] = 7
	}
	same(t, list, []int32{1, 2})
	same(t, changed, []int32{7, 2})
	same(t, elements[int32](t, must[*Array](t)(dict.Array("a"))), []int32{1, 2})
}

// Elements that outlive a loop and a dict that nobody closes must not be freed by the collector.
func TestElementsOfALoopSurviveADictThatIsNotClosed(t *testing.T) {
	elementsOf := func(i int32) (elements []int32) {
		outer, inner := NewDict(), NewDict()
		ok(t, inner.Set("a", slices.Repeat([]int32{i}, 4096)))
		ok(t, outer.Set("inner", inner))
		ok(t, inner.Close())
		for _, value := range outer.All() {
			for _, array := range value.(*Dict).Arrays() {
				elements = must[[]int32](t)(Data[int32](array))
			}
		}
		return elements
	}
	var lists [][]int32
	for i := range int32(50) {
		lists = append(lists, elementsOf(i))
		runtime.GC()
	}
	for i, list := range lists {
		same(t, list, slices.Repeat([]int32{int32(i)}, 4096))
	}
}

func TestLoopsEndWhenTheDictGrowsOrShrinks(t *testing.T) {
	dict := NewDict()
	for i := range 3 {
		ok(t, dict.Set(fmt.Sprint(i), []int{i}))
	}
	var visited []string
	grow := func(key string) {
		visited = append(visited, key)
		ok(t, dict.Set(fmt.Sprint("more", dict.Len()), []int{1}))
	}
	for key := range dict.All() {
		grow(key)
	}
	for key := range dict.Keys() {
		grow(key)
	}
	for key := range dict.Arrays() {
		grow(key)
	}
	same(t, len(visited), 3+6+12)
	same(t, dict.Len(), 24)
	visited = nil
	for key := range dict.All() {
		visited = append(visited, key)
		if key == "0" {
			ok(t, dict.Delete("1"))
			ok(t, dict.Set("2", "text"))
		}
	}
	same(t, visited[:3], []string{"0", "2", "more3"})
	same(t, len(visited), 23)
	same(t, panicOf(func() {
		for range dict.Arrays() {
			ok(t, dict.Close())
		}
	}), any(ErrClosed))
}

type celsius float32

func TestNumbersKeepTheirTypeAndWidth(t *testing.T) {
	metadata := NewDict()
	numbers := map[string]any{
		"bool": true, "int8": int8(-8), "int16": int16(-16), "int32": int32(-32), "int64": int64(math.MinInt64),
		"uint8": uint8(8), "uint16": uint16(16), "uint32": uint32(32), "uint64": uint64(math.MaxUint64),
		"f16": F16FromFloat32(1.5), "bf16": BF16FromFloat32(-2), "float32": float32(0.1), "float64": 0.1,
		"complex64": complex64(1 + 2i), "complex128": 1 - 2i,
	}
	for name, number := range numbers {
		ok(t, metadata.Set(name, number))
	}
	for name, number := range metadata.All() {
		same(t, number, numbers[name])
	}
	for name, number := range numbers {
		same(t, must[any](t)(metadata.Value(name)), number)
	}
	for _, other := range []struct{ set, expected any }{
		{int(-1), int64(-1)}, {uint(1), uint64(1)}, {uintptr(1), uint64(1)}, {time.Second, int64(1e9)}, {celsius(1), float32(1)},
	} {
		ok(t, metadata.Set("other", other.set))
		same(t, must[any](t)(metadata.Value("other")), other.expected)
	}
	// The width survives a file.
	about := NewDict()
	for _, name := range []string{"bool", "int8", "uint16", "uint32", "int64", "uint64", "float32", "float64"} {
		ok(t, about.Set(name, numbers[name]))
	}
	ok(t, about.Set("list", []uint16{1, 2}))
	raw := must[[]byte](t)(must[*Buffer](t)(Marshal(GGUF, NewDict(), about)).Bytes())
	loaded := must[*Loaded](t)(LoadBytes(raw, Auto)).Metadata
	for name, number := range loaded.All() {
		if name != "list" {
			same(t, number, numbers[name])
		}
	}
	again := must[[]byte](t)(must[*Buffer](t)(Marshal(GGUF, NewDict(), loaded)).Bytes())
	same(t, bytes.Equal(raw, again), true)
	same(t, must[[]uint16](t)(Get[[]uint16](loaded, "list")), []uint16{1, 2})
}

// What a program reads from metadata, it can use and save without knowing about arrays.
func TestMetadataAreReplacedWithoutTheArrays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.safetensors")
	header := `{"__metadata__":{"k":"v"},"a":{"dtype":"I8","shape":[3],"data_offsets":[0,3]}}`
	content := func(value string) string {
		text := strings.Replace(header, `"v"`, `"`+value+`"`, 1)
		return "x\x00\x00\x00\x00\x00\x00\x00" + fmt.Sprintf("%-120s", text) + "abc"
	}
	ok(t, os.WriteFile(path, []byte(content("v")), 0o600))
	metadata := NewDict()
	for value, opts := range map[string][]Option{"a longer value": nil, "w": {WithAtomic(false)}} {
		ok(t, metadata.Set("k", value))
		ok(t, SaveMetadata(path, metadata, opts...))
		same(t, string(must[[]byte](t)(os.ReadFile(path))), content(value))
	}
	ok(t, metadata.Set("k", strings.Repeat("x", 100)))
	if err := SaveMetadata(path, metadata, WithAtomic(false)); !errors.Is(err, ErrUnsupported) {
		t.Error(err)
	}
	ok(t, SaveMetadata(path, nil))
	same(t, must[*Dict](t)(must[*File](t)(Open(path)).Metadata()).Len(), 0)
	if err := SaveMetadata(path+"none", metadata); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if !Safetensors.Abilities().HeaderSlack || GGUF.Abilities().HeaderSlack {
		t.Error("only the headers of .safetensors can end in spaces")
	}
}

func TestListsOfNumbersInMetadataAreSlices(t *testing.T) {
	about := NewDict()
	lists := map[string]any{
		"bools": []bool{true, false}, "i8": []int8{-8}, "u16": []uint16{1, 2}, "u32": []uint32{7}, "i64": []int64{math.MinInt64},
		"u64": []uint64{math.MaxUint64}, "f32": []float32{0.5, 1e10}, "f64": []float64{0.1}, "none": []int32{},
	}
	for name, list := range lists {
		ok(t, about.Set(name, list))
	}
	nested := NewDict()
	ok(t, nested.Set("0", []uint32{1, 2}))
	ok(t, nested.Set("1", []uint32{3}))
	ok(t, about.Set("nested", nested))
	raw := must[[]byte](t)(must[*Buffer](t)(Marshal(GGUF, NewDict(), about)).Bytes())

	loaded := must[*Loaded](t)(LoadBytes(raw, Auto)).Metadata
	file := must[*File](t)(OpenBytes(raw, Auto))
	ofFile := must[*Dict](t)(file.Metadata())
	clone := must[*Dict](t)(ofFile.Clone())
	for _, metadata := range []*Dict{loaded, ofFile, clone} {
		for name, list := range lists {
			same(t, must[any](t)(metadata.Value(name)), list)
		}
		visited := 0
		for name, value := range metadata.All() {
			if name != "nested" {
				same(t, value, lists[name])
				visited++
				continue
			}
			same(t, must[any](t)(value.(*Dict).Value("0")), any([]uint32{1, 2}))
		}
		same(t, visited, len(lists))
		inner := must[*Dict](t)(metadata.Dict("nested"))
		same(t, must[any](t)(inner.Value("1")), any([]uint32{3}))
		same(t, must[*Array](t)(metadata.Array("u16")).String(), "uint16[2] [1 2]")
		same(t, must[*Array](t)(Get[*Array](metadata, "u16")).String(), "uint16[2] [1 2]")
		same(t, must[[]uint16](t)(Get[[]uint16](metadata, "u16")), []uint16{1, 2})
		_, err := Get[uint32](metadata, "u16")
		same(t, err.Error(), "tensorfile: key 'u16': expected a value of type uint32, found []uint16")
	}
	// A program that copies the values saves the same bytes.
	copied := NewDict()
	for name, value := range loaded.All() {
		ok(t, copied.Set(name, value))
	}
	again := must[[]byte](t)(must[*Buffer](t)(Marshal(GGUF, NewDict(), copied)).Bytes())
	same(t, bytes.Equal(raw, again), true)

	plan := must[*PartPlan](t)(NewPartPlan("x.gguf", GGUF))
	ok(t, plan.SetMetadata(about))
	ok(t, plan.Finish())
	same(t, must[any](t)(must[*Dict](t)(plan.Metadata(0)).Value("u16")), any([]uint16{1, 2}))
}

func TestGetConvertsNothing(t *testing.T) {
	dict := NewDict()
	for key, value := range map[string]any{
		"u": uint32(7), "i": 7, "f": float32(0.5), "s": "text", "l": []string{"a"}, "a": []float32{1, 2}, "m": [][]int8{{1}, {2}},
		"d": NewDict(), "w": uint64(math.MaxUint64), "h": F16FromFloat32(0.5),
	} {
		ok(t, dict.Set(key, value))
	}
	same(t, must[uint32](t)(Get[uint32](dict, "u")), 7)
	same(t, must[int](t)(Get[int](dict, "i")), 7)
	same(t, must[int64](t)(Get[int64](dict, "i")), 7)
	same(t, must[uint](t)(Get[uint](dict, "w")), math.MaxUint64)
	same(t, must[float32](t)(Get[float32](dict, "f")), 0.5)
	same(t, must[F16](t)(Get[F16](dict, "h")).Float32(), 0.5)
	same(t, must[string](t)(Get[string](dict, "s")), "text")
	same(t, must[[]string](t)(Get[[]string](dict, "l")), []string{"a"})
	same(t, must[[]float32](t)(Get[[]float32](dict, "a")), []float32{1, 2})
	same(t, must[*Array](t)(Get[*Array](dict, "m")).Shape(), []int{2, 1})
	same(t, must[*Dict](t)(Get[*Dict](dict, "d")).Len(), 0)
	for _, get := range []func() error{
		func() error { _, err := Get[int32](dict, "u"); return err },
		func() error { _, err := Get[int](dict, "u"); return err },
		func() error { _, err := Get[float64](dict, "f"); return err },
		func() error { _, err := Get[float32](dict, "i"); return err },
		func() error { _, err := Get[string](dict, "u"); return err },
		func() error { _, err := Get[uint32](dict, "s"); return err },
		func() error { _, err := Get[[]float64](dict, "a"); return err },
		func() error { _, err := Get[[]int8](dict, "m"); return err },
		func() error { _, err := Get[[]uint32](dict, "u"); return err },
		func() error { _, err := Get[[]string](dict, "a"); return err },
		func() error { _, err := Get[*Dict](dict, "a"); return err },
		func() error { _, err := Get[*Array](dict, "s"); return err },
		func() error { _, err := dict.Float("i"); return err },
		func() error { _, err := dict.Int("f"); return err },
		func() error { _, err := dict.Int("w"); return err },
	} {
		fails(t, get(), ErrType)
	}
	_, err := Get[int32](dict, "u")
	same(t, err.Error(), "tensorfile: key 'u': expected a value of type int32, found uint32")
	_, err = Get[[]float64](dict, "a")
	same(t, err.Error(), "tensorfile: key 'a': expected a value of type []float64, found float32[2]")
	_, err = Get[int](dict, "missing")
	fails(t, err, ErrNotFound)
	same(t, must[int64](t)(dict.Int("u")), 7)
	same(t, must[float64](t)(dict.Float("h")), 0.5)
}

func TestSetTakesSlicesAndArraysOfAnyNumbers(t *testing.T) {
	dict := NewDict()
	for _, c := range []struct {
		value any
		text  string
	}{
		{[]int{1, -1}, "int64[2] [1 -1]"},
		{[]uint{1}, "uint64[1] [1]"},
		{[]bool{true, false}, "bool[2] [true false]"},
		{[2]float32{1, 2}, "float32[2] [1 2]"},
		{[2][3]int8{{1, 2, 3}, {4, 5, 6}}, "int8[2 3] [[1 2 3] [4 5 6]]"},
		{[][]float64{{1.5}, {2.5}}, "float64[2 1] [[1.5] [2.5]]"},
		{[][]uint16{}, "uint16[0 0] []"},
		{[]celsius{1}, "float32[1] [1]"},
		{[]F16{F16FromFloat32(0.5)}, "float16[1] [0.5]"},
		{[][2]time.Duration{{1, 2}}, "int64[1 2] [[1 2]]"},
	} {
		ok(t, dict.Set("a", c.value))
		same(t, must[*Array](t)(dict.Array("a")).String(), c.text)
	}
	for _, value := range []any{[]any{1}, map[string]int{}, struct{}{}, (*int)(nil), []error{}, nil} {
		fails(t, dict.Set("a", value), ErrType)
	}
	fails(t, dict.Set("a", [][]int{{1, 2}, {3}}), ErrInvalidArgument)
	same(t, must[*Array](t)(FromSlice([]int8{1, 2})).Shape(), []int{2})
	same(t, must[*Array](t)(Wrap([]int8{1, 2})).Shape(), []int{2})
	same(t, must[*Array](t)(FromSlice([]int8{})).Shape(), []int{0})
	same(t, must[*Array](t)(Scalar(int8(1))).Shape(), []int{})
}

func TestValuesPrint(t *testing.T) {
	metadata := NewDict()
	same(t, fmt.Sprint(metadata), "{}")
	ok(t, metadata.Set("name", "a \"model\""))
	ok(t, metadata.Set("count", uint32(2)))
	ok(t, metadata.Set("scale", float32(0.1)))
	ok(t, metadata.Set("tokens", []string{"<s>", "</s>"}))
	ok(t, metadata.Set("weight", [][]float32{{1, 2, 3}, {4, 5, 6}}))
	ok(t, metadata.Set("large", [3][3]float32{}))
	inner := NewDict()
	ok(t, inner.Set("flag", true))
	ok(t, metadata.Set("more", inner))
	text := `{name: "a \"model\"", count: 2, scale: 0.1, tokens: ["<s>" "</s>"], weight: float32[2 3] [[1 2 3] [4 5 6]], large: float32[3 3], more: {flag: true}}`
	same(t, fmt.Sprint(metadata), text)
	arrays := NewDict()
	ok(t, arrays.Set("w", []int8{1}))
	loaded := &Loaded{Arrays: arrays, Metadata: metadata}
	same(t, fmt.Sprint(loaded), "{w: int8[1] [1]} with metadata "+text)
	same(t, fmt.Sprint(&Loaded{Arrays: arrays, Metadata: NewDict()}), "{w: int8[1] [1]}")
	many := NewDict()
	for i := range 100 {
		ok(t, many.Set(fmt.Sprint(i), i))
	}
	same(t, len(fmt.Sprint(many)), len("{0: 0, ")+9*6+30*8-2+len(", ... 60 more}"))
	ok(t, many.Close())
	same(t, fmt.Sprint(many), "{closed}")

	large := must[*Array](t)(Zeros(Int16, 10, 1000))
	edge := "[0 0 0 ... 0 0 0]"
	same(t, fmt.Sprint(large), fmt.Sprintf("int16[10 1000] [%[1]s %[1]s %[1]s ... %[1]s %[1]s %[1]s]", edge))
	view := must[*Array](t)(array(t, []int16{1, 2, 3, 4, 5, 6}, 2, 3).Transpose())
	same(t, fmt.Sprint(view), "int16[3 2] [[1 4] [2 5] [3 6]]")
	same(t, fmt.Sprint(must[*Array](t)(Scalar(1+2i))), "complex128[] (1+2i)")
	eighth := must[*Array](t)(array(t, []float32{1.5, -2}).Cast(Float8E4M3FN))
	same(t, fmt.Sprint(eighth), "float8_e4m3fn[2] [1.5 -2]")
	ok(t, large.Close())
	same(t, fmt.Sprint(large), "int16[10 1000] (closed)")

	file := must[*File](t)(OpenBytes(must[[]byte](t)(must[*Buffer](t)(Marshal(Safetensors, arrays, nil)).Bytes()), Auto))
	same(t, fmt.Sprint(file), "safetensors {w: int8[1]}")
	same(t, fmt.Sprint(must[Entry](t)(file.Entry("w"))), "w: int8[1]")
}

func TestHalvesFromFloat32AreTheLibrarysHalves(t *testing.T) {
	list := []float32{0, 65504, 65519.99, 65520, 1e30, 6.1e-5, 5.96e-8, 2.98e-8, 2.99e-8, 1e-30, 0.1, 3.3895314e38,
		math.MaxFloat32, float32(math.Inf(1)), float32(math.NaN()), math.SmallestNonzeroFloat32}
	random := rand.New(rand.NewPCG(1, 2))
	for range 1 << 18 {
		list = append(list, math.Float32frombits(random.Uint32()))
	}
	for bits := range uint32(1 << 16) { // halfway between two numbers, and right beside it
		list = append(list, F16(bits).Float32(), math.Float32frombits(bits<<16|0x8000), math.Float32frombits(bits<<16|0x7fff))
		middle := math.Float32bits(F16(bits).Float32()) + 0x1000
		list = append(list, math.Float32frombits(middle), math.Float32frombits(middle-1), math.Float32frombits(middle+1))
	}
	list = append(list, slices.Clone(list)...)
	for i := range list[len(list)/2:] {
		list[i] = -list[i]
	}
	full := array(t, list)
	halves := elements[F16](t, must[*Array](t)(full.Cast(Float16)))
	brains := elements[BF16](t, must[*Array](t)(full.Cast(BFloat16)))
	for i, x := range list {
		half, brain := F16FromFloat32(x), BF16FromFloat32(x)
		if x != x {
			if half.Float32() == half.Float32() || brain.Float32() == brain.Float32() {
				t.Fatalf("%#08x is not a NaN any more", math.Float32bits(x))
			}
			continue
		}
		if half != halves[i] || brain != brains[i] {
			t.Fatalf("%v (%#08x): %v is not %v, or %v is not %v", x, math.Float32bits(x), half, halves[i], brain, brains[i])
		}
	}
	same(t, fmt.Sprint(F16FromFloat32(1.5), BF16FromFloat32(-0.25), F16FromFloat32(1e9)), "1.5 -0.25 +Inf")
}

func TestReadReturnsGoSlices(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.npz")
	arrays := NewDict()
	ok(t, arrays.Set("x", [][]float32{{1, 2, 3}, {4, 5, 6}}))
	ok(t, arrays.Set("n", int64(5)))
	ok(t, arrays.Set("b", []bool{true, false}))
	ok(t, SaveNPZCompressed(path, arrays, nil))
	file := must[*File](t)(Open(path))
	list, shape, err := Read[float32](file, "x")
	ok(t, err)
	same(t, list, []float32{1, 2, 3, 4, 5, 6})
	same(t, shape, []int{2, 3})
	list, shape, err = Read[float32](file, "x", All().Step(-1), From(1))
	ok(t, err)
	same(t, list, []float32{5, 6, 2, 3})
	same(t, shape, []int{2, 2})
	number, shape, err := Read[int64](file, "n")
	ok(t, err)
	same(t, number, []int64{5})
	same(t, shape, []int{})
	flags, _, err := Read[bool](file, "b")
	ok(t, err)
	same(t, flags, []bool{true, false})
	_, _, err = Read[float64](file, "x")
	e := fails(t, err, ErrType)
	same(t, e.Name, "x")
	same(t, err.Error(), "tensorfile: read "+path+
		": array 'x' is float32[2 3], not float64: ReadCast and CastInto convert it")
	converted, _, err := ReadCast[int8](file, "x", Range(1, 2))
	ok(t, err)
	same(t, converted, []int8{4, 5, 6})
	_, _, err = Read[float32](file, "y")
	fails(t, err, ErrNotFound)
	_, _, err = Read[float32](file, "x", All(), All(), All())
	fails(t, err, ErrInvalidArgument)
	_, _, err = Read[float32](file, "x", All().Step(0))
	fails(t, err, ErrInvalidArgument)
	ok(t, file.Close())
	_, _, err = Read[float32](file, "x")
	same(t, err, ErrClosed)
}

func TestReadEachReportsWhatIsComplete(t *testing.T) {
	_, raw := sampleBytes(t, 1<<20)
	file := must[*File](t)(OpenBytes(raw, Auto, WithThreads(4)))
	a, b := must[Entry](t)(file.Entry("a")), must[Entry](t)(file.Entry("b"))
	floats, bytes, part := make([]float32, a.Len()), make([]uint8, b.Len()), make([]float64, 3)
	var complete []int
	done := func(index int) error {
		complete = append(complete, index)
		switch index {
		case 0:
			same(t, floats[a.Len()-1], 1.5)
		case 1:
			same(t, bytes[b.Len()-1], 2)
		case 2:
			same(t, part, []float64{1.5, 1.5, 1.5})
		}
		return nil
	}
	ok(t, ReadEach(done, Into(a, floats), Into(b, bytes), CastInto(a, part, From(-3))))
	slices.Sort(complete)
	same(t, complete, []int{0, 1, 2})
	stop := errors.New("stop")
	err := ReadEach(func(int) error { return stop }, Into(a, floats), Into(b, bytes))
	same(t, fails(t, err, ErrCancelled).Err, stop)
	same(t, err.Error(), "tensorfile: read: cancelled: stop")
	same(t, panicOf(func() { _ = ReadEach(func(int) error { panic("done") }, Into(b, bytes)) }), any("done"))
}

func TestDestinationsMayHaveStrides(t *testing.T) {
	arrays := NewDict()
	ok(t, arrays.Set("m", [][]int16{{1, 2, 3}, {4, 5, 6}}))
	file := must[*File](t)(OpenBytes(must[[]byte](t)(must[*Buffer](t)(Marshal(Safetensors, arrays, nil)).Bytes()), Auto))
	m := must[Entry](t)(file.Entry("m"))
	columns := make([]int32, 12)
	ok(t, ReadInto(CastInto(m, columns).Strided(8, 16)))
	same(t, columns, []int32{1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6, 0})
	list := make([]int16, 5)
	ok(t, ReadInto(Into(m, list, All(), Range(1, 2)).Strided(8, 2)))
	same(t, list, []int16{2, 0, 0, 0, 5})
	for _, wrong := range []Destination{
		Into(m, list).Strided(2), Into(m, list).Strided(6, 2), Into(m, list).Strided(-6, 2), Into(m, list, From(1)).Strided(6, math.MaxInt),
		BytesInto(m, nil).Strided(0, 0), Into(m, list, All(), All(), All()).Strided(1, 1),
	} {
		fails(t, ReadInto(wrong), ErrInvalidArgument)
	}
}

func TestListingsAreWhatEntriesAre(t *testing.T) {
	arrays := NewDict()
	ok(t, arrays.Set("", []int8{1}))
	ok(t, arrays.Set("é", 1))
	ok(t, arrays.Set("m", [][]float64{{1, 2, 3}}))
	raw := must[[]byte](t)(must[*Buffer](t)(Marshal(Safetensors, arrays, nil)).Bytes())
	source := must[*Source](t)(SourceFromBytes(raw))
	least := int64(16) // enough to open the file, but not for a listing
	for ; least < 1<<20; least += 16 {
		if _, err := OpenFrom(source, Auto, WithMaxBytes(least)); err == nil {
			break
		}
	}
	for _, limit := range []int64{0, least} {
		file := must[*File](t)(OpenFrom(source, Auto, WithMaxBytes(limit)))
		count := 0
		for name, entry := range file.Entries() {
			same(t, entry, must[Entry](t)(file.Entry(name)))
			same(t, entry, must[Entry](t)(file.At(count)))
			count++
		}
		same(t, count, 3)
		m := must[Entry](t)(file.Entry("m"))
		same(t, []any{m.NDim(), m.Dim(1), m.Len(), m.NBytes()}, []any{2, 3, 3, int64(24)})
	}
	empty := must[*Buffer](t)(Marshal(NPZ, NewDict(), nil))
	for range must[*File](t)(OpenBytes(must[[]byte](t)(empty.Bytes()), Auto)).Entries() {
		t.Error("an entry of an empty file")
	}
}

func TestElementsAreSetCopiedAndReshaped(t *testing.T) {
	a := array(t, []int16{1, 2, 3, 4, 5, 6}, 2, 3)
	view := must[*Array](t)(a.Reshape(3, -1))
	same(t, view.String(), "int16[3 2] [[1 2] [3 4] [5 6]]")
	_, err := a.Reshape(4, -1)
	fails(t, err, ErrInvalidArgument)
	ok(t, a.SetInt(-7, 1, -1))
	same(t, a.String(), "int16[2 3] [[1 2 3] [4 5 -7]]")
	same(t, view.String(), "int16[3 2] [[1 2] [3 4] [5 6]]")
	fails(t, a.SetInt(1<<15, 0, 0), ErrInvalidArgument)
	fails(t, a.SetInt(1, 2, 0), ErrInvalidArgument)
	fails(t, a.SetFloat(1, 0, 0), ErrType)
	f := must[*Array](t)(a.Cast(Float16))
	ok(t, f.SetFloat(0.1, 0, 0))
	same(t, must[float64](t)(f.Float(0, 0)), float64(F16FromFloat32(0.1).Float32()))
	fails(t, f.SetInt(1, 0, 0), ErrType)
	list := make([]int16, 6)
	ok(t, CopyTo(must[*Array](t)(a.Transpose()), list))
	same(t, list, []int16{1, 4, 2, 5, 3, -7})
	fails(t, CopyTo(a, list[:5]), ErrInvalidArgument)
	fails(t, CopyTo(a, make([]int32, 6)), ErrType)
	same(t, must[[]float64](t)(CastSlice[float64](a)), []float64{1, 2, 3, 4, 5, -7})
}

func TestClonesOfDictsAreIndependent(t *testing.T) {
	dict, inner := NewDict(), NewDict()
	ok(t, inner.Set("n", 1))
	ok(t, dict.Set("inner", inner))
	ok(t, dict.Set("list", []string{"a"}))
	clone := must[*Dict](t)(dict.Clone())
	ok(t, inner.Set("n", 2))
	ok(t, dict.AppendString("list", "b"))
	same(t, clone.String(), `{inner: {n: 1}, list: ["a"]}`)
	file := must[*File](t)(OpenBytes(must[[]byte](t)(must[*Buffer](t)(Marshal(Safetensors, NewDict(), must[*Dict](t)(
		dictOf(t, "a", "b")))).Bytes()), Auto))
	copied := must[*Dict](t)(must[*Dict](t)(file.Metadata()).Clone())
	ok(t, copied.Set("c", 1))
	same(t, copied.String(), `{a: "b", c: 1}`)
}

func dictOf(t *testing.T, key string, value any) (*Dict, error) {
	t.Helper()
	dict := NewDict()
	return dict, dict.Set(key, value)
}

// The shape of a part that Read computes is that of the library's slice.
func TestShapesOfPartsAreTheLibrarys(t *testing.T) {
	numbers := []int{math.MinInt, -8, -7, -6, -5, -1, 0, 1, 2, 5, 6, 7, 8, math.MaxInt}
	for size := range 7 {
		whole := must[*Array](t)(Zeros(Int8, size))
		compare := func(part Slice) {
			expected := must[*Array](t)(whole.Slice(part))
			if found := must[[]int](t)(slicedShape([]int{size}, []Slice{part})); !slices.Equal(found, expected.Shape()) {
				t.Fatalf("%+v of %d: %v is not %v", part, size, found, expected.Shape())
			}
			ok(t, expected.Close())
		}
		for _, start := range numbers {
			for _, stop := range numbers {
				for _, step := range numbers {
					if step != 0 {
						compare(Range(start, stop).Step(step))
						compare(From(start).Step(step))
						compare(All().To(stop).Step(step))
						compare(All().Step(step))
					}
				}
				compare(Range(start, stop))
			}
		}
	}
}

func TestMessagesAreGos(t *testing.T) {
	folder := t.TempDir()
	dict := NewDict()
	ok(t, dict.Set("x", []float32{1, 2}))
	path := filepath.Join(folder, "x.safetensors")
	ok(t, SaveSafetensors(path, dict, nil))
	raw := must[[]byte](t)(must[*Buffer](t)(Marshal(Safetensors, dict, nil)).Bytes())
	lost := errors.New("connection lost")
	for _, c := range []struct {
		run     func() error
		message string
	}{
		{func() error { _, err := FromSlice([]float32{1, 2, 3, 4, 5}, 2, 3); return err },
			"shape [2 3] needs 6 elements, got 5"},
		{func() error { _, err := Wrap([]float32{1}, -1); return err }, "shape [-1] has a negative size"},
		{func() error { _, err := FromBytes(Float32, make([]byte, 5), 2, 3); return err },
			"shape [2 3] of float32 needs 24 bytes, there are 5"},
		{func() error {
			_, err := LoadWeights(path, must[*Dict](t)(dictOf(t, "x", [3][2]int8{})))
			return err
		}, "load " + path + ": the weights are not the expected ones: 1 of another shape ('x' expected [3 2], found [2])"},
		{func() error { _, err := Load(filepath.Join(folder, "x.npz")); return err },
			"load " + folder + "/x.npz: no such file"},
		{func() error { _, err := Open(path, WithMaxNesting(100)); return err },
			"open " + path + ": WithMaxNesting takes 1 to 64, not 100"},
		{func() error { _, err := Load(path, WithMaxNameBytes(1), WithMaxHeaderBytes(3)); return err },
			"load " + path + ": a header of 56 bytes is longer than the limit (WithMaxHeaderBytes) of 3 (byte 0)"},
		{func() error { return SaveSafetensors(filepath.Join(folder, "no", "x"), dict, nil) },
			"save " + folder + "/no/x.safetensors: could not open the folder '" + folder + "/no': no such file or folder"},
		{func() error { return SaveSafetensors(path, dict, nil, WithCompressionLevel(12)) },
			"save " + path + ": WithCompressionLevel takes -1 to 9, not 12"},
		{func() error {
			_, err := LoadReader(&faulty{bytes: raw, then: func() error { return lost }}, int64(len(raw)), Auto)
			return err
		}, "load: could not read 16 bytes at byte 0: connection lost"},
		{func() error {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			_, err := Load(path, WithContext(ctx))
			return err
		}, "load " + path + ": cancelled before the call started: context canceled"},
		{func() error {
			file := must[*os.File](t)(os.Open(path))
			ok(t, file.Close())
			_, err := SourceFromFile(file, 0, -1)
			return err
		}, "use of closed file"},
		{func() error {
			return SaveTo(&writer{count: 10, then: func() (int, error) { return 0, lost }}, Safetensors, dict, nil)
		}, "save: could not write 72 bytes: connection lost"},
	} {
		err := c.run()
		if err == nil || err.Error() != "tensorfile: "+c.message {
			t.Errorf("%q is not %q", err, "tensorfile: "+c.message)
		}
	}
}

func TestTheReasonOfTheSystemSurvives(t *testing.T) {
	folder := t.TempDir()
	dict := NewDict()
	ok(t, dict.Set("x", 1))
	path := filepath.Join(folder, "x.npz")
	ok(t, Save(path, dict, nil))
	_, missing := Load(filepath.Join(folder, "y.npz"))
	_, notFolder := Open(filepath.Join(path, "z.npz"))
	saved := Save(filepath.Join(folder, "no", "x.npz"), dict, nil)
	for _, c := range []struct {
		err    error
		op     string
		path   string
		reason error
	}{
		{missing, "load", filepath.Join(folder, "y.npz"), syscall.ENOENT},
		{notFolder, "open", filepath.Join(path, "z.npz"), syscall.ENOTDIR},
		{saved, "save", filepath.Join(folder, "no", "x.npz"), fs.ErrNotExist},
	} {
		var pathError *fs.PathError
		if !errors.Is(c.err, c.reason) || !errors.As(c.err, &pathError) || pathError.Op != c.op || pathError.Path != c.path {
			t.Errorf("%v: %+v", c.err, pathError)
		}
	}
	same(t, missing.Error(), "tensorfile: load "+folder+"/y.npz: no such file")
}

func TestQueriesOfFormatsDtypesAndOptions(t *testing.T) {
	same(t, Formats()[:4], []Format{NPY, NPZ, Safetensors, GGUF})
	same(t, NPZ.Extension()+GGUF.Extension()+Auto.Extension(), ".npz.gguf")
	same(t, NPY.Abilities(), Abilities{SingleArray: true})
	same(t, NPZ.Abilities(), Abilities{Metadata: StringsMetadata, Compression: true, TextMembers: true})
	same(t, GGUF.Abilities().Metadata, TypedMetadata)
	same(t, Safetensors.Abilities().Metadata, StringMetadata)
	same(t, []DtypeKind{Bool.Kind(), Int8.Kind(), Uint64.Kind(), BFloat16.Kind(), Complex64.Kind(), Q4_K.Kind(), Unsupported.Kind()},
		[]DtypeKind{BoolKind, SignedKind, UnsignedKind, FloatKind, ComplexKind, BlockKind, NoKind})
	same(t, []bool{Q8_0.CanEncode(), Unsupported.CanEncode()}, []bool{true, false})

	// Messages name each option as the function that sets it.
	source := must[[]byte](t)(os.ReadFile("options.go"))
	options := Options()
	same(t, len(options), len(constants(t, "option")))
	for _, option := range options {
		if name := goOption(option.Name); !bytes.Contains(source, []byte("\nfunc "+name+"(")) {
			t.Errorf("option %s has no function %s", option.Name, name)
		}
	}
	same(t, options[0], OptionInfo{"threads", 0, 1024, 0})
	same(t, optionsInGo("TF_OPTION_ATOMIC 0 would; leave TF_OPTION_GGUF_EXTENDED 1, or without TF_LOAD_MODE_MAP (max_rank)"),
		"WithAtomic(false) would; leave WithGGUFExtended(true), or without WithMap (WithMaxRank)")

	path := filepath.Join(t.TempDir(), "x")
	dict := NewDict()
	ok(t, dict.Set("x", 1))
	ok(t, Save(path, dict, nil, WithOption("format", "npy"), WithOption("threads", "1")))
	must[*Array](t)(LoadArray(path + ".npy"))
	for _, option := range []Option{WithOption("x", "1"), WithOption("\x00", "1"), WithOption("format", "x"), WithOption("threads", "x"),
		WithOption("max_rank", "65")} {
		if err := Save(path, dict, nil, option); err == nil {
			t.Error("accepted")
		}
	}
}

func TestCheckSaveListsWhatAFormatCannotHold(t *testing.T) {
	arrays := NewDict()
	ok(t, arrays.Set("good", []float32{1}))
	same(t, must[[]Finding](t)(CheckSave(Safetensors, arrays, nil)), nil)
	ok(t, arrays.Set("x", []complex128{1i}))
	metadata := must[*Dict](t)(dictOf(t, "n", 1))
	found := must[[]Finding](t)(CheckSave(Safetensors, arrays, metadata))
	same(t, len(found), 2)
	same(t, found[0].Subject+found[0].Name+found[0].Problem, "arrayxdtype")
	same(t, found[1].Subject+found[1].Name+found[1].Problem, "metadatankind")
	if !strings.Contains(found[0].Reason, "complex128") {
		t.Error(found[0].Reason)
	}
	_, err := CheckSave(Auto, arrays, nil)
	fails(t, err, ErrInvalidArgument)
}
