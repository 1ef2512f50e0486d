package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"

	tensorfile "github.com/tensorfile/tensorfile/bindings/go"
)

// loadFS loads the arrays of a file in any file system. Files that support random access, like those of embed.FS and
// os.DirFS, are read in place. Others, such as files in archives, are read into memory first.
func loadFS(ctx context.Context, fsys fs.FS, name string, opts ...tensorfile.Option) (*tensorfile.Loaded, error) {
	opts = append(opts, tensorfile.WithContext(ctx))
	file, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	var loaded *tensorfile.Loaded
	if reader, ok := file.(io.ReaderAt); ok {
		loaded, err = tensorfile.LoadReader(reader, info.Size(), tensorfile.Auto, opts...)
	} else if content, readErr := io.ReadAll(file); readErr == nil {
		loaded, err = tensorfile.LoadBytes(content, tensorfile.Auto, opts...)
	} else {
		err = readErr
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return loaded, nil
}
