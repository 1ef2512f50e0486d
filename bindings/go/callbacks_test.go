package tensorfile

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Errors and panics of readers, writers, progress functions and contexts.

func sampleBytes(t *testing.T, count int) (*Dict, []byte) {
	t.Helper()
	arrays := NewDict()
	ok(t, arrays.Set("a", slices.Repeat([]float32{1.5}, count)))
	ok(t, arrays.Set("b", slices.Repeat([]uint8{2}, count)))
	buffer := must[*Buffer](t)(Marshal(Safetensors, arrays, nil))
	defer buffer.Close()
	return arrays, bytes.Clone(must[[]byte](t)(buffer.Bytes()))
}

func panicOf(body func()) (value any) {
	defer func() { value = recover() }()
	body()
	return nil
}

// faulty reads bytes. A read that reaches offset at calls then instead.
type faulty struct {
	bytes []byte
	at    int64
	then  func() error
	reads atomic.Int64
}

func (f *faulty) ReadAt(dst []byte, offset int64) (int, error) {
	f.reads.Add(1)
	if offset >= f.at {
		return 0, f.then()
	}
	return bytes.NewReader(f.bytes).ReadAt(dst, offset)
}

func faultySource(t *testing.T, bytes []byte, at int64, then func() error) *Source {
	t.Helper()
	return must[*Source](t)(NewSource(&faulty{bytes: bytes, at: at, then: then}, int64(len(bytes))))
}

func TestSourcesRead(t *testing.T) {
	arrays, raw := sampleBytes(t, 10)
	reader := &faulty{bytes: raw, at: 1 << 40}
	source := must[*Source](t)(NewSource(reader, int64(len(raw))))
	equalArrays(t, must[*Loaded](t)(LoadFrom(source, Auto)).Arrays, arrays)
	if reader.reads.Load() == 0 {
		t.Error("nothing was read")
	}
	file := must[*File](t)(OpenFrom(source, Safetensors))
	ok(t, source.Close())
	same(t, elements[uint8](t, must[*Array](t)(file.Read("b"))), slices.Repeat([]uint8{2}, 10))
	ok(t, file.Close())
	equalArrays(t, must[*Loaded](t)(LoadReader(strings.NewReader(string(raw)), int64(len(raw)), Auto)).Arrays, arrays)
	// A mapped array keeps the memory of its source alive.
	memory := must[*Source](t)(SourceFromBytes(raw))
	loaded := must[*Loaded](t)(LoadFrom(memory, Auto, WithMap(true)))
	ok(t, memory.Close())
	runtime.GC()
	equalArrays(t, loaded.Arrays, arrays)
}

// The library releases everything that it is given, exactly once.
func TestReleasesHappenOnce(t *testing.T) {
	_, raw := sampleBytes(t, 10)
	released := make(chan string, 10)
	func() {
		reader := &faulty{bytes: raw, at: 1 << 40}
		runtime.AddCleanup(reader, func(what string) { released <- what }, "reader")
		source := must[*Source](t)(NewSource(reader, int64(len(raw))))
		file := must[*File](t)(OpenFrom(source, Auto))
		ok(t, source.Close())
		must[*Array](t)(file.Read("a")).Close()
		ok(t, file.Close())

		list := make([]float64, 1000)
		runtime.AddCleanup(&list[0], func(what string) { released <- what }, "memory")
		a := must[*Array](t)(Wrap(list, 1000))
		view := must[*Array](t)(a.Slice(From(10)))
		ok(t, a.Close())
		ok(t, view.Close())
		refused := make([]float64, 1000)
		runtime.AddCleanup(&refused[0], func(what string) { released <- what }, "refused memory")
		_, err := Wrap(refused, 1001)
		fails(t, err, ErrInvalidArgument)

		report := &faulty{}
		runtime.AddCleanup(report, func(what string) { released <- what }, "progress")
		loaded := must[*Loaded](t)(LoadBytes(raw, Auto, WithProgress(func(uint64, uint64) { report.reads.Add(1) })))
		ok(t, loaded.Close())
	}()
	var found []string
	for len(found) < 4 {
		runtime.GC()
		select {
		case what := <-released:
			found = append(found, what)
		default:
			runtime.Gosched()
		}
	}
	slices.Sort(found)
	same(t, found, []string{"memory", "progress", "reader", "refused memory"})
}

func TestErrorsOfReadersAreTheCause(t *testing.T) {
	_, raw := sampleBytes(t, 10)
	lost := errors.New("connection lost")
	_, missing := Load("missing")
	for _, c := range []struct {
		err    error
		status Status
	}{
		{lost, ErrIO}, {io.ErrUnexpectedEOF, ErrTruncated}, {io.EOF, ErrTruncated}, {missing, ErrNotFound},
		{ErrCorrupt, ErrCorrupt}, {context.Canceled, ErrCancelled},
	} {
		source := faultySource(t, raw, 0, func() error { return c.err })
		_, err := LoadFrom(source, Safetensors)
		e := fails(t, err, c.status)
		if e.Err != c.err || !errors.Is(err, c.err) {
			t.Errorf("%v is not %v", e.Err, c.err)
		}
	}
	// Fewer bytes without an error violate the contract of io.ReaderAt.
	_, err := LoadFrom(faultySource(t, raw, 0, func() error { return nil }), Safetensors)
	fails(t, err, ErrTruncated)
	// io.ReaderAt may return the last bytes together with io.EOF, which is not a failure.
	whole := must[*Source](t)(NewSource(full{raw}, int64(len(raw))))
	must[*Loaded](t)(LoadFrom(whole, Safetensors))
}

// full reads bytes, and returns io.EOF together with the last of them.
type full struct{ bytes []byte }

func (f full) ReadAt(dst []byte, offset int64) (int, error) {
	return copy(dst, f.bytes[offset:]), io.EOF
}

func TestPanicsOfReadersGoOnInTheCaller(t *testing.T) {
	_, raw := sampleBytes(t, 10)
	source := faultySource(t, raw, 0, func() error { panic("reader") })
	same(t, panicOf(func() { _, _ = LoadFrom(source, Auto) }), any("reader"))
	same(t, panicOf(func() { _, _ = OpenFrom(source, Auto) }), any("reader"))
	value := errors.New("a value")
	source = faultySource(t, raw, 0, func() error { panic(value) })
	same(t, panicOf(func() { _, _ = LoadFrom(source, Auto) }), any(value))
	var nothing *Array
	source = faultySource(t, raw, 0, func() error { return nothing.Close() })
	if _, isError := panicOf(func() { _, _ = LoadFrom(source, Auto) }).(runtime.Error); !isError {
		t.Error("no run-time error")
	}
	// The locks are released, and later calls succeed.
	ok(t, source.Close())
	must[*Loaded](t)(LoadBytes(raw, Auto))
}

func TestOtherThreadsHandOverErrorsAndPanics(t *testing.T) {
	// Large enough that several threads read it.
	_, raw := sampleBytes(t, 4<<20)
	lost := errors.New("connection lost")
	for range 5 {
		source := faultySource(t, raw, 1<<20, func() error { return lost })
		_, err := LoadFrom(source, Safetensors, WithThreads(4))
		e := fails(t, err, ErrIO)
		same(t, e.Err, lost)
		source = faultySource(t, raw, 1<<20, func() error { panic("reader") })
		same(t, panicOf(func() { _, _ = LoadFrom(source, Safetensors, WithThreads(4)) }), any("reader"))
		ok(t, source.Close())
		file := must[*File](t)(OpenFrom(faultySource(t, raw, 1<<20, func() error { panic("file") }), Auto, WithThreads(4)))
		same(t, panicOf(func() { _, _ = file.Read("a") }), any("file"))
	}
	arrays, raw := sampleBytes(t, 4<<20)
	reader := &faulty{bytes: raw, at: 1 << 40}
	loaded := must[*Loaded](t)(LoadReader(reader, int64(len(raw)), Auto, WithThreads(4)))
	equalArrays(t, loaded.Arrays, arrays)
}

// writer accepts count bytes, and calls then when it gets more.
type writer struct {
	bytes.Buffer
	count int
	then  func() (int, error)
}

func (w *writer) Write(bytes []byte) (int, error) {
	accepted := min(w.count-w.Len(), len(bytes))
	w.Buffer.Write(bytes[:accepted])
	if accepted < len(bytes) {
		_, err := w.then()
		return accepted, err
	}
	return accepted, nil
}

func TestErrorsAndPanicsOfWriters(t *testing.T) {
	arrays, raw := sampleBytes(t, 1000)
	noSpace := errors.New("no space left")
	w := &writer{count: 4000, then: func() (int, error) { return 0, noSpace }}
	err := SaveTo(w, Safetensors, arrays, nil)
	same(t, fails(t, err, ErrIO).Err, noSpace)
	same(t, bytes.Equal(w.Bytes(), raw[:4000]), true)
	w = &writer{count: 10, then: func() (int, error) { return 0, nil }}
	same(t, fails(t, SaveTo(w, Safetensors, arrays, nil), ErrIO).Err, io.ErrShortWrite)
	w = &writer{then: func() (int, error) { panic("writer") }}
	a := must[*Array](t)(arrays.Array("a"))
	same(t, panicOf(func() { _ = SaveArrayTo(w, a) }), any("writer"))
	buffer := must[*Buffer](t)(MarshalArray(a))
	if _, err := buffer.WriteTo(&writer{then: func() (int, error) { return 0, noSpace }}); err != noSpace {
		t.Error(err)
	}
}

func TestProgressIsReportedAndContextsEndCalls(t *testing.T) {
	arrays, raw := sampleBytes(t, 1<<20)
	type step struct{ done, total uint64 }
	var steps []step
	progress := WithProgress(func(done, total uint64) { steps = append(steps, step{done, total}) })
	must[*Loaded](t)(LoadBytes(raw, Auto, progress))
	same(t, steps[len(steps)-1], step{5 << 20, 5 << 20})
	same(t, slices.IsSortedFunc(steps, func(a, b step) int { return int(a.done) - int(b.done) }), true)

	ctx, cancel := context.WithCancel(context.Background())
	must[*Loaded](t)(LoadBytes(raw, Auto, WithContext(ctx)))
	stop := WithProgress(func(uint64, uint64) { cancel() })
	for _, use := range []func(...Option) error{
		func(opts ...Option) error { _, err := LoadBytes(raw, Auto, opts...); return err },
		func(opts ...Option) error { _, err := Marshal(NPZ, arrays, nil, opts...); return err },
		func(opts ...Option) error { return SaveTo(io.Discard, Safetensors, arrays, nil, opts...) },
		func(opts ...Option) error {
			file, err := OpenBytes(raw, Auto, opts...)
			if err == nil {
				_, err = file.Read("a")
			}
			return err
		},
	} {
		err := use(WithContext(ctx), stop)
		fails(t, err, ErrCancelled)
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		err = use(WithContext(ctx)) // already done
		fails(t, err, ErrCancelled)
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		ctx, cancel = context.WithCancel(context.Background())
	}
	cancel()

	loud := WithProgress(func(uint64, uint64) { panic("progress") })
	same(t, panicOf(func() { _, _ = LoadBytes(raw, Auto, loud) }), any("progress"))
	same(t, panicOf(func() { _, _ = Marshal(NPZ, arrays, nil, loud) }), any("progress"))
	// The locks are released.
	ok(t, arrays.Set("c", 1))

	// A callback may call the library itself and ignore its failures. A panic in it reaches the outermost caller.
	nested := WithProgress(func(uint64, uint64) {
		_, err := Load("missing")
		if !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
	})
	must[*Loaded](t)(LoadBytes(raw, Auto, nested))
	deep := WithProgress(func(uint64, uint64) { _, _ = LoadBytes(raw, Auto, loud) })
	same(t, panicOf(func() { _, _ = LoadBytes(raw, Auto, deep) }), any("progress"))
	caught := WithProgress(func(uint64, uint64) {
		same(t, panicOf(func() { _, _ = LoadBytes(raw, Auto, loud) }), any("progress"))
	})
	must[*Loaded](t)(LoadBytes(raw, Auto, caught))

	var group sync.WaitGroup
	for range 4 {
		group.Add(1)
		go func() {
			defer group.Done()
			if _, err := LoadBytes(raw, Auto, nested); err != nil {
				t.Error(err)
			}
		}()
	}
	group.Wait()
}
