package tensorfile

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Thousands of objects come and go, and memory stays flat.

// resident is the memory in bytes that the process has in use.
func resident(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	ok(t, err)
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "VmRSS:" {
			return must[int](t)(strconv.Atoi(fields[1])) * 1024
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

// dropped makes objects of every kind, and closes none.
func dropped(t *testing.T, raw []byte) {
	for count := range 50 {
		a := array(t, make([]float32, count*16), count, 16)
		view := must[*Array](t)(must[*Array](t)(a.Transpose()).Slice(Range(1, 3)))
		ok(t, a.MakeMutable())
		wrapped := must[*Array](t)(Wrap(make([]int64, 100), 100))
		dict := NewDict()
		ok(t, dict.Set("view", view))
		ok(t, dict.Set("wrapped", wrapped))
		ok(t, dict.Set("cast", must[*Array](t)(a.Cast(BFloat16))))
		ok(t, dict.Set("strings", []string{"a", "b", "c"}))
		tree := NewDict()
		ok(t, tree.Set("dict", dict))
		must[*Dict](t)(tree.Flatten())
		ok(t, must[*Dict](t)(tree.Dict("dict")).Update("cast", (*Array).MakeMutable))
		for range dict.Arrays() {
		}
		_, err := tree.Array("missing")
		fails(t, err, ErrNotFound)
	}
	must[*Loaded](t)(LoadBytes(raw, Auto, WithProgress(func(uint64, uint64) {})))
	file := must[*File](t)(OpenFrom(must[*Source](t)(SourceFromBytes(raw)), Auto))
	must[*Array](t)(file.Read("a"))
	must[*Dict](t)(file.Metadata())
	must[*Loaded](t)(LoadReader(&faulty{bytes: raw, at: 1 << 40}, int64(len(raw)), Auto))
	_, err := LoadBytes(raw[:len(raw)/2], Auto)
	fails(t, err, ErrTruncated)
	must[*Buffer](t)(Marshal(NPZ, must[*Loaded](t)(LoadBytes(raw, Auto)).Arrays, nil))
}

// closed makes objects whose memory Go code has had, and closes all.
func closed(t *testing.T) {
	for range 50 {
		a := array(t, make([]float32, 4096), 4096)
		must[[]float32](t)(Data[float32](a))
		must[[]float32](t)(MutableData[float32](a))
		clone := must[*Array](t)(a.Clone())
		must[[]float32](t)(MutableData[float32](a))
		ok(t, clone.Close())
		ok(t, a.Close())
		buffer := must[*Buffer](t)(MarshalArray(must[*Array](t)(Zeros(Float32, 16))))
		must[[]byte](t)(buffer.Bytes())
		ok(t, buffer.Close())
	}
}

func TestMemoryStaysFlat(t *testing.T) {
	arrays := NewDict()
	ok(t, arrays.Set("a", make([]int64, 4096)))
	raw := must[[]byte](t)(must[*Buffer](t)(Marshal(GGUF, arrays, nil)).Bytes())
	rounds := func(count int) {
		for range count {
			dropped(t, raw)
			closed(t)
			runtime.GC()
		}
	}
	rounds(30)
	before := resident(t)
	rounds(200)
	// A leak of one small array of C's in each of the 10,000 turns would be more.
	if grown := resident(t) - before; grown > 4<<20 && !slowed {
		t.Errorf("memory grew by %d bytes", grown)
	}
}

// The collector runs all the time, while goroutines make, share, read, change, close and forget.
func TestTheCollectorTakesNothingThatIsUsed(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(5))
	shared := NewDict()
	for i := range 8 {
		ok(t, shared.Set(fmt.Sprint(i), slices.Repeat([]int32{int32(i)}, 1000)))
	}
	stop := make(chan struct{})
	var collector, workers sync.WaitGroup
	collector.Add(1)
	go func() {
		defer collector.Done()
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	}()
	for worker := range 8 {
		workers.Add(1)
		go func() {
			defer workers.Done()
			expected := slices.Repeat([]int32{int32(worker)}, 1000)
			for round := range 300 {
				if err := useAndForget(shared, fmt.Sprint(worker), expected, round); err != nil {
					t.Error(err)
					return
				}
			}
		}()
	}
	workers.Wait()
	close(stop)
	collector.Wait()
}

// useAndForget looks at an array by every way, whose owners are gone by then.
func useAndForget(shared *Dict, key string, expected []int32, round int) error {
	view, err := func() (*Array, error) {
		a, err := shared.Array(key)
		if err != nil {
			return nil, err
		}
		return a.Slice(From(round % 10))
	}()
	if err != nil {
		return err
	}
	data, err := Data[int32](view)
	if err != nil {
		return err
	}
	wrapped, err := Wrap(slices.Clone(expected), len(expected))
	if err != nil {
		return err
	}
	mine, err := wrapped.Clone()
	if err != nil {
		return err
	}
	runtime.Gosched()
	found, err := ToSlice[int32](mine)
	if err != nil {
		return err
	}
	if !slices.Equal(found, expected) || !slices.Equal(data, expected[round%10:]) {
		return fmt.Errorf("array %s has other elements", key)
	}
	if round%2 == 0 {
		mine.Close()
	}
	return view.Close()
}
