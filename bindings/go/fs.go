package tensorfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/tensorfile/tensorfile/bindings/go/internal/capi"
)

// LoadFS loads a whole file of a file system, such as embed.FS, as Load does. See SourceFromFS.
func LoadFS(fsys fs.FS, name string, opts ...Option) (loaded *Loaded, err error) {
	defer annotate(&err, "load", name)
	source, err := sourceFromFS(fsys, name)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	return LoadFrom(source, Auto, opts...)
}

// OpenFS opens a file of a file system, such as embed.FS, as Open does. See SourceFromFS.
func OpenFS(fsys fs.FS, name string, opts ...Option) (f *File, err error) {
	defer annotate(&err, "open", name)
	source, err := sourceFromFS(fsys, name)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	return OpenFrom(source, Auto, opts...)
}

// SourceFromFS returns a source over a file of a file system, with its name, and a resolver that finds the other files
// of a set. A file that is an io.ReaderAt, like those of embed.FS and os.DirFS, is read in place and stays open as long
// as the source. Any other, such as a compressed file in an archive, is read into memory.
func SourceFromFS(fsys fs.FS, name string) (source *Source, err error) {
	defer annotate(&err, "open", name)
	return sourceFromFS(fsys, name)
}

func sourceFromFS(fsys fs.FS, name string) (*Source, error) {
	source, err := sourceFromFile(fsys, name)
	if err != nil {
		return nil, fsError(err)
	}
	err = source.SetName(name)
	if err == nil {
		err = source.SetResolver(func(other string) (*Source, error) {
			return sourceFromFile(fsys, path.Join(path.Dir(name), other))
		})
	}
	if err != nil {
		source.Close()
		return nil, err
	}
	return source, nil
}

func sourceFromFile(fsys fs.FS, name string) (*Source, error) {
	file, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	switch file := file.(type) {
	case *os.File:
		defer file.Close()
		return SourceFromFile(file, 0, -1)
	case io.ReaderAt:
		info, err := file.(fs.File).Stat()
		if err == nil {
			return newSource(&capi.Reader{ReaderAt: file, Closer: file.(fs.File)}, info.Size())
		}
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	if err != nil {
		return nil, err
	}
	return SourceFromBytes(content)
}

// fsError converts an error of a file system.
func fsError(err error) error {
	if e := (*Error)(nil); errors.As(err, &e) {
		return err
	}
	status, reason := ErrIO, err
	if errors.Is(err, fs.ErrNotExist) {
		status = ErrNotFound
	}
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		reason = pathError.Err
	}
	return &Error{Status: status, Message: reason.Error(), Offset: -1, Err: err, system: true}
}
