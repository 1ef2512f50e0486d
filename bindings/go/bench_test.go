package tensorfile

import (
	"fmt"
	"testing"
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
