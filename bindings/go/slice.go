package tensorfile

import "math"

// omitted stands for a number of a slice that is left out; it is TENSORFILE_SLICE_OMITTED.
const omitted = math.MinInt64

// Slice is a part of one dimension, with Python's meaning of negative and out-of-range numbers. The zero Slice is the
// whole dimension.
type Slice struct {
	start, stop, step          int
	hasStart, hasStop, hasStep bool
}

// All is a whole dimension, Python's [:].
func All() Slice { return Slice{} }

// Range is Python's [start:stop].
func Range(start, stop int) Slice { return From(start).To(stop) }

// From is Python's [start:].
func From(start int) Slice { return Slice{start: start, hasStart: true} }

// To is the same part, ended before stop: Python's [:stop] after All.
func (s Slice) To(stop int) Slice {
	s.stop, s.hasStop = stop, true
	return s
}

// Step is the same part in steps, backwards when step is negative: Python's [::step] after All.
func (s Slice) Step(step int) Slice {
	s.step, s.hasStep = step, true
	return s
}

// cuts are the three lists of numbers that the library takes.
type cuts struct{ start, stop, step []int64 }

// makeCuts makes them for at least ndim dimensions, the last of them whole where parts are fewer.
func makeCuts(parts []Slice, ndim int) cuts {
	count := max(len(parts), ndim)
	list := func(part func(Slice) (int, bool)) []int64 {
		numbers := make([]int64, count)
		for i := range numbers {
			numbers[i] = omitted
			if i < len(parts) {
				if number, ok := part(parts[i]); ok {
					numbers[i] = int64(number)
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

// first gives where a list of numbers begins, nil when it is empty.
func first[T any](list []T) *T {
	if len(list) == 0 {
		return nil
	}
	return &list[0]
}

// numbers makes a list of the library's numbers from Go's.
func numbers(list []int) []int64 {
	out := make([]int64, len(list))
	for i, number := range list {
		out[i] = int64(number)
	}
	return out
}

// ints makes a list of Go's numbers from the library's.
func ints(list []int64) []int {
	out := make([]int, len(list))
	for i, number := range list {
		out[i] = int(number)
	}
	return out
}
