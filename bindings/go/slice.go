package tensorfile

import (
	"math"
	"slices"
)

// omitted is TENSORFILE_SLICE_OMITTED, which replaces a start, stop or step that is not given.
const omitted = math.MinInt64

// Slice selects a part of one dimension. Negative and out-of-range numbers have the same meaning as in Python. The zero
// Slice selects the whole dimension.
type Slice struct {
	start, stop, step          int
	hasStart, hasStop, hasStep bool
}

// All selects the whole dimension: [:] in Python.
func All() Slice { return Slice{} }

// Range selects the elements from start to before stop: [start:stop] in Python.
func Range(start, stop int) Slice { return From(start).To(stop) }

// From selects the elements from start to the end: [start:] in Python.
func From(start int) Slice { return Slice{start: start, hasStart: true} }

// To returns the same selection, which ends before stop. All().To(stop) is [:stop] in Python.
func (s Slice) To(stop int) Slice {
	s.stop, s.hasStop = stop, true
	return s
}

// Step returns the same selection with a step, backwards if it is negative. All().Step(step) is [::step] in Python.
func (s Slice) Step(step int) Slice {
	s.step, s.hasStep = step, true
	return s
}

// cuts holds slices in the form that the library takes: three lists of numbers.
type cuts struct{ start, stop, step []int64 }

// makeCuts converts slices. If there are fewer than ndim, the other dimensions are complete.
func makeCuts(parts []Slice, ndim int) cuts {
	count := max(len(parts), ndim)
	list := func(part func(Slice) (int, bool)) []int64 {
		numbers := make([]int64, count)
		for i := range numbers {
			numbers[i] = omitted
			if i < len(parts) {
				if number, ok := part(parts[i]); ok {
					numbers[i] = max(int64(number), omitted+1)
				}
			}
		}
		return numbers
	}
	return cuts{
		start: list(func(s Slice) (int, bool) { return s.start, s.hasStart }),
		stop:  list(func(s Slice) (int, bool) { return s.stop, s.hasStop }),
		step:  list(func(s Slice) (int, bool) { return s.step, s.hasStep }),
	}
}

// slicedShape returns the shape of a part.
func slicedShape(shape []int, parts []Slice) ([]int, error) {
	if len(parts) > len(shape) {
		return nil, newError(ErrInvalidArgument, "%d slices for shape %v, which has %d dimensions", len(parts), shape, len(shape))
	}
	out := slices.Clone(shape)
	for i, part := range parts {
		if part.hasStep && part.step == 0 {
			return nil, newError(ErrInvalidArgument, "the step of a slice is 0")
		}
		out[i] = part.length(shape[i])
	}
	return out, nil
}

// length returns how many of size elements a slice selects. Its step is not 0.
func (s Slice) length(size int) int {
	backwards := s.hasStep && s.step < 0
	lowest, highest := 0, size
	if backwards {
		lowest, highest = -1, size-1
	}
	clip := func(number int, given bool, otherwise int) int {
		switch {
		case !given:
			return otherwise
		case number < 0:
			return max(number+size, lowest)
		}
		return min(number, highest)
	}
	if backwards {
		start, stop := clip(s.start, s.hasStart, highest), clip(s.stop, s.hasStop, lowest)
		if start <= stop {
			return 0
		}
		return int(uint(start-stop-1)/-uint(s.step)) + 1
	}
	start, stop, step := clip(s.start, s.hasStart, lowest), clip(s.stop, s.hasStop, highest), 1
	if s.hasStep {
		step = s.step
	}
	if start >= stop {
		return 0
	}
	return (stop-start-1)/step + 1
}

// first returns the address of the first element of a list, or nil if the list is empty.
func first[T any](list []T) *T {
	if len(list) == 0 {
		return nil
	}
	return &list[0]
}

// numbers converts a list of int to the int64 of the library.
func numbers(list []int) []int64 {
	out := make([]int64, len(list))
	for i, number := range list {
		out[i] = int64(number)
	}
	return out
}

// ints converts a list of the library's int64 to int.
func ints(list []int64) []int {
	out := make([]int, len(list))
	for i, number := range list {
		out[i] = int(number)
	}
	return out
}
