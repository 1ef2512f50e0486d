package tensorfile

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/tensorfile/tensorfile/bindings/go/internal/cbench"
)

// The cost of calls: a getter, a view without a copy, and others for comparison.
//
//	go test -run '^$' -bench .

func benchArray(b *testing.B) *Array {
	b.Helper()
	a, err := Zeros(Float32, 1000, 1000)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { a.Close() })
	return a
}

var sink int

func BenchmarkGetterDtype(b *testing.B) {
	a := benchArray(b)
	for b.Loop() {
		sink = int(a.Dtype())
	}
}

func BenchmarkGetterDim(b *testing.B) {
	a := benchArray(b)
	for b.Loop() {
		sink = a.Dim(0)
	}
}

func BenchmarkGetterThatCallsC(b *testing.B) {
	d := NewDict()
	defer d.Close()
	for b.Loop() {
		sink = d.Len()
	}
}

func BenchmarkViewWithoutCopy(b *testing.B) {
	a := benchArray(b)
	for b.Loop() {
		list, err := Data[float32](a)
		if err != nil {
			b.Fatal(err)
		}
		sink = len(list)
	}
}

func BenchmarkWith(b *testing.B) {
	a := benchArray(b)
	for b.Loop() {
		_ = With(a, func(list []float32) error {
			sink = len(list)
			return nil
		})
	}
}

func BenchmarkArrayByName(b *testing.B) {
	d := NewDict()
	a := benchArray(b)
	for layer := range 1000 {
		if err := d.Set(fmt.Sprintf("layers.%d.weight", layer), a); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		found, err := d.Array("layers.500.weight")
		if err != nil {
			b.Fatal(err)
		}
		found.Close()
	}
}

func BenchmarkNewView(b *testing.B) {
	a := benchArray(b)
	for b.Loop() {
		view, err := a.Slice(Range(1, 2))
		if err != nil {
			b.Fatal(err)
		}
		view.Close()
	}
}

func BenchmarkFailure(b *testing.B) {
	d := NewDict()
	for b.Loop() {
		if _, err := d.Array("missing"); err == nil {
			b.Fatal("found")
		}
	}
}

// manyArrays returns a file with 100,000 small arrays.
func manyArrays(b *testing.B) []byte {
	b.Helper()
	d := NewDict()
	defer d.Close()
	a, err := Zeros(Float32, 2, 2)
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close()
	for i := range 100_000 {
		if err := d.Set(fmt.Sprintf("model.layers.%d.weight", i), a); err != nil {
			b.Fatal(err)
		}
	}
	buffer, err := Marshal(Safetensors, d, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer buffer.Close()
	content, err := buffer.Bytes()
	if err != nil {
		b.Fatal(err)
	}
	return bytes.Clone(content)
}

// Opening a file of 100,000 arrays and visiting their names, dtypes and shapes. ListInC does the same in C.
func BenchmarkList(b *testing.B) {
	content := manyArrays(b)
	expected := cbench.List(content)
	for b.Loop() {
		file, err := OpenBytes(content, Auto)
		if err != nil {
			b.Fatal(err)
		}
		sum := 0
		for name, entry := range file.Entries() {
			sum += len(name) + int(entry.Dtype())
			for axis := range entry.NDim() {
				sum += entry.Dim(axis)
			}
		}
		file.Close()
		if sum != expected {
			b.Fatal(sum, "is not", expected)
		}
	}
}

func BenchmarkListInC(b *testing.B) {
	content := manyArrays(b)
	for b.Loop() {
		sink = cbench.List(content)
	}
}

// BenchmarkLoadMany loads a file of many arrays and visits them.
func BenchmarkLoadMany(b *testing.B) {
	content := manyArrays(b)
	for b.Loop() {
		loaded, err := LoadBytes(content, Auto)
		if err != nil {
			b.Fatal(err)
		}
		for name, array := range loaded.Arrays.Arrays() {
			sink += len(name) + array.Len()
		}
		loaded.Close()
	}
}
