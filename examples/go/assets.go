package main

import (
	"context"
	"io/fs"

	tensorfile "github.com/tensorfile/tensorfile/bindings/go"
)

// loadFS loads a file of any file system, such as embed.FS, unless ctx is done first. Files that support random access
// are read in place. Others, such as files in archives, are read into memory first.
func loadFS(ctx context.Context, fsys fs.FS, name string, opts ...tensorfile.Option) (*tensorfile.Loaded, error) {
	return tensorfile.LoadFS(fsys, name, append(opts, tensorfile.WithContext(ctx))...)
}
