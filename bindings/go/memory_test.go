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

// Creating and releasing thousands of objects must not make memory grow.

// resident returns the resident memory of the process in bytes.
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

// dropped creates objects of every kind and closes none of them.
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

// closed creates objects, exposes their memory to Go code, and closes them.
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
	// Leaking even one small array in each of the 10,000 rounds would exceed this every time. The collector runs beside
	// the test, so on a busy machine memory may grow once without a leak.
	const most = 4 << 20
	var grown int
	for range 3 {
		before := resident(t)
		rounds(200)
		grown = resident(t) - before
		if grown <= most || slowed {
			return
		}
	}
	t.Errorf("memory grew by %d bytes", grown)
}

// The garbage collector runs all the time, while goroutines create, share, read, change, close and drop objects.
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

// useAndForget reads an array in every way after its owner has become unreachable.
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
