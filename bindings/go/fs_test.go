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
