package tensorfile

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// store is a store of objects, in which an upload appears when it is committed.
type store struct {
	objects map[string][]byte
	log     []string
	fail    string // the upload whose Commit fails
}

type upload struct {
	bytes.Buffer
	store *store
	name  string
}

func (s *store) create(name string) (io.Writer, error) {
	if s.fail == "create "+name {
		return nil, errFull
	}
	return &upload{store: s, name: name}, nil
}

var errFull = errors.New("no space left")

func (u *upload) Commit() error {
	if u.store.fail == u.name {
		return errFull
	}
	u.store.log = append(u.store.log, "commit "+u.name)
	u.store.objects[u.name] = u.Bytes()
	return nil
}

func (u *upload) Abort() { u.store.log = append(u.store.log, "abort "+u.name) }

func newStore(fail string) *store { return &store{objects: map[string][]byte{}, fail: fail} }

func TestSavesToACommitterAreAllOrNothing(t *testing.T) {
	arrays, raw := sampleBytes(t, 1000)
	s := newStore("")
	w := must[io.Writer](t)(s.create("a"))
	ok(t, SaveTo(w, Safetensors, arrays, nil))
	same(t, s.log, []string{"commit a"})
	same(t, bytes.Equal(s.objects["a"], raw), true)
	ctx := WithProgress(func(uint64, uint64) { panic("progress") })
	s = newStore("")
	same(t, panicOf(func() { _ = SaveTo(must[io.Writer](t)(s.create("a")), Safetensors, arrays, nil, ctx) }), any("progress"))
	same(t, s.log, []string{"abort a"})
	s = newStore("a")
	err := SaveTo(must[io.Writer](t)(s.create("a")), Safetensors, arrays, nil)
	same(t, fails(t, err, ErrIO).Err, errFull)
	same(t, err.Error(), "tensorfile: save: could not commit what was written: no space left")
	s = newStore("")
	writer := must[*Writer](t)(NewWriter(must[io.Writer](t)(s.create("a")), NPY))
	ok(t, writer.Declare("", Int8, 1))
	ok(t, writer.Close())
	same(t, s.log, []string{"abort a"})
}

func TestSetsToWriters(t *testing.T) {
	arrays, raw := sampleBytes(t, 1000)
	s := newStore("")
	ok(t, SaveSetTo(s.create, "w.safetensors", Auto, arrays, nil))
	same(t, s.log, []string{"commit w.safetensors"})
	same(t, bytes.Equal(s.objects["w.safetensors"], raw), true)

	folder := t.TempDir()
	ok(t, SaveSafetensors(filepath.Join(folder, "w"), arrays, nil, WithPartBytes(1)))
	names := []string{"w-00002-of-00002.safetensors", "w-00001-of-00002.safetensors", "w.safetensors.index.json"}
	s = newStore("")
	ok(t, SaveSetTo(s.create, "w.safetensors", Auto, arrays, nil, WithPartBytes(1)))
	same(t, s.log, []string{"commit " + names[0], "commit " + names[1], "commit " + names[2]})
	for _, name := range names {
		same(t, bytes.Equal(s.objects[name], must[[]byte](t)(os.ReadFile(filepath.Join(folder, name)))), true)
	}
	s = newStore("create " + names[0])
	err := SaveSetTo(s.create, "w.safetensors", Auto, arrays, nil, WithPartBytes(1))
	same(t, fails(t, err, ErrIO).Err, errFull)
	same(t, slices.Contains(s.log, "abort "+names[1]), true)
	same(t, len(s.objects), 0)

	// Files are closed.
	other := t.TempDir()
	create := func(name string) (io.Writer, error) { return os.Create(filepath.Join(other, name)) }
	w := must[*Writer](t)(NewSetWriter(create, "w.safetensors", Auto, WithPartBytes(1)))
	ok(t, w.Declare("a", Float32, 1000))
	ok(t, w.Declare("b", Uint8, 1000))
	ok(t, WriteElements(w, slices.Repeat([]float32{1.5}, 1000)))
	ok(t, WriteElements(w, slices.Repeat([]uint8{2}, 1000)))
	ok(t, w.Finish())
	equalArrays(t, must[*Loaded](t)(Load(filepath.Join(other, names[2]))).Arrays, arrays)
}

func TestPartPlans(t *testing.T) {
	arrays, _ := sampleBytes(t, 1000)
	whole, parts := t.TempDir(), t.TempDir()
	metadata := must[*Dict](t)(dictOf(t, "k", "v"))
	ok(t, SaveSafetensors(filepath.Join(whole, "w"), arrays, metadata, WithPartBytes(1)))

	plan := must[*PartPlan](t)(NewPartPlan(filepath.Join(parts, "w.safetensors"), Auto, WithPartBytes(1)))
	ok(t, plan.Declare("a", Float32, 1000))
	b := must[*Dict](t)(dictOf(t, "b", make([]uint8, 1000)))
	ok(t, plan.DeclareAll(b))
	fails(t, plan.DeclareAll(b), ErrDuplicate)
	ok(t, plan.SetMetadata(nil))
	ok(t, plan.SetMetadata(metadata))
	same(t, plan.Len(), 0)
	ok(t, plan.Finish())
	fails(t, plan.Declare("c", Int8), ErrInvalidArgument)
	same(t, plan.Len(), 2)
	same(t, plan.HasIndex(), true)
	same(t, must[string](t)(plan.Name(1)), "b")
	same(t, slices.Collect(plan.Parts()), []Part{
		{0, filepath.Join(parts, "w-00001-of-00002.safetensors"), 0, 1, 4000},
		{1, filepath.Join(parts, "w-00002-of-00002.safetensors"), 1, 1, 1000},
	})
	same(t, must[*Dict](t)(plan.Metadata(1)).String(), `{k: "v"}`)

	w := must[*Writer](t)(plan.Create(0))
	fails(t, WriteElements(w, []float64{1}), ErrType)
	ok(t, WriteElements(w, slices.Repeat([]float32{1.5}, 1000)))
	ok(t, w.Finish())
	file := must[*os.File](t)(os.Create(must[Part](t)(plan.Part(1)).Path))
	w = must[*Writer](t)(plan.NewWriter(file, 1))
	ok(t, WriteElements(w, slices.Repeat([]uint8{2}, 1000)))
	ok(t, w.Finish())
	ok(t, file.Close())
	ok(t, plan.SaveIndex())
	path, text, err := plan.Index()
	ok(t, err)
	same(t, path, filepath.Join(parts, "w.safetensors.index.json"))
	for _, entry := range must[[]os.DirEntry](t)(os.ReadDir(whole)) {
		expected := must[[]byte](t)(os.ReadFile(filepath.Join(whole, entry.Name())))
		same(t, bytes.Equal(must[[]byte](t)(os.ReadFile(filepath.Join(parts, entry.Name()))), expected), true)
		if entry.Name() == filepath.Base(path) {
			same(t, bytes.Equal(text, expected), true)
		}
	}
	_, err = plan.Part(2)
	fails(t, err, ErrInvalidArgument)
	_, err = plan.Create(2)
	fails(t, err, ErrInvalidArgument)

	one := must[*PartPlan](t)(NewPartPlan(filepath.Join(parts, "one.gguf"), Auto))
	ok(t, one.Finish())
	fails(t, one.SaveIndex(), ErrNotFound)
	ok(t, one.Close())
	_, err = one.Part(0)
	same(t, errors.Is(err, fs.ErrClosed), true)
	same(t, panicOf(func() { one.Len() }), any(ErrClosed))
	_, err = NewPartPlan(filepath.Join(parts, "x"), Auto)
	fails(t, err, ErrInvalidArgument)
}
