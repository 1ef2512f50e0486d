package tensorfile

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
)

// plainFS hides that files are io.ReaderAt.
type plainFS struct{ fs.FS }

func (p plainFS) Open(name string) (fs.File, error) {
	file, err := p.FS.Open(name)
	return struct{ fs.File }{file}, err
}

// countingFS counts open files.
type countingFS struct {
	fs.FS
	open int
}

type countedFile struct {
	fs.File
	io.ReaderAt
	fsys *countingFS
}

func (c *countingFS) Open(name string) (fs.File, error) {
	file, err := c.FS.Open(name)
	if err != nil {
		return nil, err
	}
	c.open++
	return countedFile{file, file.(io.ReaderAt), c}, nil
}

func (f countedFile) Close() error {
	f.fsys.open--
	return f.File.Close()
}

func TestFileSystems(t *testing.T) {
	arrays, raw := sampleBytes(t, 10)
	folder := t.TempDir()
	ok(t, os.WriteFile(filepath.Join(folder, "x"), raw, 0o666))
	inMemory := fstest.MapFS{"x": {Data: raw}}
	for _, fsys := range []fs.FS{os.DirFS(folder), inMemory, plainFS{inMemory}} {
		equalArrays(t, must[*Loaded](t)(LoadFS(fsys, "x")).Arrays, arrays)
		list, _, err := Read[uint8](must[*File](t)(OpenFS(fsys, "x")), "b")
		ok(t, err)
		same(t, list, bytes.Repeat([]byte{2}, 10))
		_, err = LoadFS(fsys, "y")
		fails(t, err, ErrNotFound)
		same(t, errors.Is(err, fs.ErrNotExist), true)
		_, err = OpenFS(fsys, "x", WithFormat(GGUF))
		fails(t, err, ErrFormat)
		var pathError *fs.PathError
		_, err = OpenFS(fsys, "../x")
		if !errors.As(err, &pathError) || pathError.Path != "../x" {
			t.Error(err)
		}
	}
	_, err := LoadFS(inMemory, "y.npz")
	same(t, err.Error(), "tensorfile: load y.npz: file does not exist")

	counting := &countingFS{FS: inMemory}
	file := must[*File](t)(OpenFS(counting, "x"))
	same(t, counting.open, 1)
	ok(t, file.Close())
	same(t, counting.open, 0)
	must[*Loaded](t)(LoadFS(counting, "x"))
	same(t, counting.open, 0)
}

func TestSetsInFileSystems(t *testing.T) {
	folder := t.TempDir()
	arrays, _ := sampleBytes(t, 1000)
	sub := filepath.Join(folder, "sub")
	ok(t, os.Mkdir(sub, 0o777))
	ok(t, SaveSafetensors(filepath.Join(sub, "m"), arrays, nil, WithPartBytes(1)))
	ok(t, SaveGGUF(filepath.Join(sub, "m"), must[*Dict](t)(dictOf(t, "a", []int8{1, 2})), nil, WithPartBytes(1)))
	both := must[*Dict](t)(dictOf(t, "a", []int8{1, 2}))
	ok(t, both.Set("b", []int8{3}))
	ok(t, SaveGGUF(filepath.Join(sub, "m"), both, nil, WithPartBytes(1)))
	inMemory := fstest.MapFS{}
	for _, entry := range must[[]os.DirEntry](t)(os.ReadDir(sub)) {
		inMemory["sub/"+entry.Name()] = &fstest.MapFile{Data: must[[]byte](t)(os.ReadFile(filepath.Join(sub, entry.Name())))}
	}
	for _, fsys := range []fs.FS{os.DirFS(folder), inMemory, plainFS{inMemory}} {
		equalArrays(t, must[*Loaded](t)(LoadFS(fsys, "sub/m.safetensors.index.json")).Arrays, arrays)
		equalArrays(t, must[*Loaded](t)(LoadFS(fsys, "sub/m-00002-of-00002.safetensors", WithParts(true))).Arrays, arrays)
		file := must[*File](t)(OpenFS(fsys, "sub/m-00001-of-00002.gguf", WithParts(true)))
		same(t, file.Len(), 2)
		same(t, must[Location](t)(must[Entry](t)(file.Entry("b")).Location()).Path, "sub/m-00002-of-00002.gguf")
	}
	one := must[*File](t)(OpenFS(inMemory, "sub/m-00001-of-00002.gguf"))
	same(t, must[[]string](t)(one.Notes()), []string{"this is part 1 of 2; WithParts opens all of them"})
	source := must[*Source](t)(SourceFromFS(inMemory, "sub/m.safetensors.index.json"))
	same(t, must[*Dict](t)(LoadWeightsFrom(source, Auto, nil)).Len(), 2)
	must[*File](t)(OpenFrom(source, Auto))
	fails(t, source.SetName("late"), ErrInvalidArgument)

	delete(inMemory, "sub/m-00002-of-00002.safetensors")
	_, err := LoadFS(inMemory, "sub/m.safetensors.index.json")
	fails(t, err, ErrNotFound)
	same(t, errors.Is(err, fs.ErrNotExist), true)
	same(t, err.Error(), "tensorfile: load sub/m.safetensors.index.json: sub/m-00002-of-00002.safetensors: "+
		"could not find the file 'm-00002-of-00002.safetensors' of the set: open sub/m-00002-of-00002.safetensors: file does not exist")
}

func TestResolvers(t *testing.T) {
	folder := t.TempDir()
	arrays, _ := sampleBytes(t, 4<<20)
	ok(t, SaveSafetensors(filepath.Join(folder, "m"), arrays, nil, WithPartBytes(1)))
	lost := errors.New("connection lost")
	var other func(name string) (*Source, error)
	open := func() *Source {
		index := must[[]byte](t)(os.ReadFile(filepath.Join(folder, "m.safetensors.index.json")))
		source := must[*Source](t)(NewSource(bytes.NewReader(index), int64(len(index))))
		ok(t, source.SetName("m.safetensors.index.json"))
		ok(t, source.SetHints(ReadHints{Gap: -1, Piece: 1 << 16, Requests: 4}))
		ok(t, source.SetResolver(func(name string) (*Source, error) { return other(name) }))
		return source
	}
	read := func(name string, at int64, then func() error) (*Source, error) {
		content := must[[]byte](t)(os.ReadFile(filepath.Join(folder, name)))
		return NewSource(&faulty{bytes: content, at: at, then: then}, int64(len(content)))
	}
	other = func(name string) (*Source, error) { return read(name, 1<<40, nil) }
	equalArrays(t, must[*Loaded](t)(LoadFrom(open(), Auto, WithThreads(4))).Arrays, arrays)

	other = func(string) (*Source, error) { return nil, lost }
	_, err := LoadFrom(open(), Auto)
	same(t, fails(t, err, ErrIO).Err, lost)
	other = func(string) (*Source, error) { panic("resolver") }
	same(t, panicOf(func() { _, _ = LoadFrom(open(), Auto) }), any("resolver"))
	// An error or a panic in the reader of another file, which runs on another thread, reaches the caller.
	other = func(name string) (*Source, error) { return read(name, 1<<20, func() error { return lost }) }
	_, err = LoadFrom(open(), Auto, WithThreads(4))
	same(t, fails(t, err, ErrIO).Err, lost)
	other = func(name string) (*Source, error) { return read(name, 1<<20, func() error { panic("reader") }) }
	same(t, panicOf(func() { _, _ = LoadFrom(open(), Auto, WithThreads(4)) }), any("reader"))
	source := open()
	for _, wrong := range []ReadHints{{Gap: -2}, {Piece: -1}, {Requests: -1}, {Requests: 1025}} {
		fails(t, source.SetHints(wrong), ErrInvalidArgument)
	}
}
