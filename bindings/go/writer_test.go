package tensorfile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestWritersWriteWhatSavesWrite(t *testing.T) {
	arrays, metadata := sampleDicts(t)
	x, y := must[*Array](t)(arrays.Array("x")), must[*Array](t)(arrays.Array("y"))
	pieces := append(bytes.Clone(must[[]byte](t)(x.Bytes())), must[[]byte](t)(y.Bytes())...)
	for _, format := range []Format{NPZ, Safetensors, GGUF} {
		about := metadata
		if format == NPZ {
			about = nil
		}
		path := filepath.Join(t.TempDir(), "a."+format.String())
		w := must[*Writer](t)(Create(path, Auto))
		ok(t, w.Declare("x", Float32, 2, 3))
		ok(t, w.Declare("y", Float16, 2))
		if about != nil {
			ok(t, w.SetMetadata(nil))
			ok(t, w.SetMetadata(about))
		}
		// A piece that contains the end of one array and the start of the next.
		same(t, fails(t, WriteElements(w, []float64{1}), ErrType).Name, "x")
		fails(t, WriteElements(w, make([]float32, 7)), ErrType)
		ok(t, WriteElements(w, []float32{1, 2}))
		same(t, must[int](t)(w.Write(pieces[8:25])), 17)
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Error("the target exists before the file is complete")
		}
		same(t, fails(t, w.Finish(), ErrInvalidArgument).Name, "y")
		same(t, must[int](t)(w.Write(pieces[25:])), 3)
		_, err := w.Write([]byte{0})
		fails(t, err, ErrInvalidArgument)
		ok(t, w.Finish())
		ok(t, w.Close())
		saved := must[[]byte](t)(must[*Buffer](t)(Marshal(format, arrays, about)).Bytes())
		same(t, bytes.Equal(must[[]byte](t)(os.ReadFile(path)), saved), true)
	}
}

func TestWritersIntoWriters(t *testing.T) {
	var out bytes.Buffer
	w := must[*Writer](t)(NewWriter(&out, NPY))
	ok(t, w.Declare("", Int16, 2))
	fails(t, w.Declare("", Int16, 2), ErrInvalidArgument)
	ok(t, WriteElements(w, []int16{7, 8}))
	ok(t, w.Finish())
	a := must[*Array](t)(must[*Loaded](t)(LoadBytes(out.Bytes(), NPY)).Array(""))
	same(t, elements[int16](t, a), []int16{7, 8})

	full := errors.New("no space left")
	w = must[*Writer](t)(NewWriter(&writer{count: 10, then: func() (int, error) { return 0, full }}, NPY))
	ok(t, w.Declare("", Int16, 100000))
	err := WriteElements(w, make([]int16, 100000))
	if err == nil {
		err = w.Finish()
	}
	same(t, fails(t, err, ErrIO).Err, full)
	ok(t, w.Close())
	w = must[*Writer](t)(NewWriter(&writer{then: func() (int, error) { panic("writer") }}, NPY))
	ok(t, w.Declare("", Int16, 0))
	same(t, panicOf(func() { _ = w.Finish() }), any("writer"))
}

func TestWritersThatAreNotFinishedLeaveNothing(t *testing.T) {
	folder := t.TempDir()
	w := must[*Writer](t)(Create(filepath.Join(folder, "a"), Safetensors))
	ok(t, w.Declare("x", Float32, 2))
	fails(t, w.Declare("x", Float32, 2), ErrDuplicate)
	fails(t, w.Declare("z", Float32, -2), ErrInvalidArgument)
	ok(t, WriteElements(w, []float32{1}))
	ok(t, w.Close())
	ok(t, w.Close())
	same(t, len(must[[]os.DirEntry](t)(os.ReadDir(folder))), 0)
	for _, use := range []func() error{
		w.Finish,
		func() error { return w.Declare("y", Float32) },
		func() error { return w.SetMetadata(NewDict()) },
		func() error { return WriteElements(w, []float32{1}) },
	} {
		if err := use(); err != ErrClosed {
			t.Error(err)
		}
	}
	_, err := Create(filepath.Join(folder, "a"), Auto)
	fails(t, err, ErrInvalidArgument)
	_, err = Create("a\x00.npy", Auto)
	fails(t, err, ErrInvalidArgument)
	closed := NewDict()
	ok(t, closed.Close())
	w = must[*Writer](t)(Create(filepath.Join(folder, "a"), GGUF))
	if err := w.SetMetadata(closed); err != ErrClosed {
		t.Error(err)
	}
}
