// Package gocloud opens and saves files of arrays in the buckets of gocloud.dev/blob: S3, Google Cloud Storage, Azure,
// memory and folders.
package gocloud

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"sync/atomic"
	"time"

	tensorfile "github.com/tensorfile/tensorfile/bindings/go"
	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// ErrChanged is the error of a read if the object is no longer the one that was opened.
var ErrChanged = errors.New("the object changed while it was read")

// Store is a bucket with files of arrays.
type Store struct {
	Bucket *blob.Bucket
	// IfMatch returns a function for blob.ReaderOptions.BeforeRead that makes a request fail if the object does not have
	// the ETag; that of the package s3 does. If it is nil, an object that changes is only noticed if its size or its time
	// of modification does, of which most stores keep the seconds.
	IfMatch func(etag string) func(as func(any) bool) error
}

// object is an io.ReaderAt of which every read is a request.
type object struct {
	ctx        context.Context
	bucket     *blob.Bucket
	key        string
	size       int64
	beforeRead func(as func(any) bool) error
	modified   atomic.Pointer[time.Time] // according to the answer to the first read
}

func (o *object) ReadAt(p []byte, offset int64) (int, error) {
	options := &blob.ReaderOptions{BeforeRead: o.beforeRead}
	reader, err := o.bucket.NewRangeReader(o.ctx, o.key, offset, int64(len(p)), options)
	if gcerrors.Code(err) == gcerrors.FailedPrecondition {
		return 0, fmt.Errorf("%w: %w", ErrChanged, err)
	}
	if err != nil {
		return 0, err
	}
	defer reader.Close()
	// Attributes are no help: those of Google Cloud Storage have a time with more digits.
	modified := reader.ModTime()
	o.modified.CompareAndSwap(nil, &modified)
	if reader.Size() != o.size || !modified.Equal(*o.modified.Load()) {
		return 0, ErrChanged
	}
	return io.ReadFull(reader, p)
}

// Source returns a source over an object, which finds the other files of its set beside it. ctx is that of all reads of
// the source and of the files opened from it. If there is no such object, the error is fs.ErrNotExist.
func (s Store) Source(ctx context.Context, key string) (*tensorfile.Source, error) {
	attributes, err := s.Bucket.Attributes(ctx, key)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, fmt.Errorf("%s: %w: %w", key, fs.ErrNotExist, err)
	}
	if err != nil {
		return nil, err
	}
	reader := &object{ctx: ctx, bucket: s.Bucket, key: key, size: attributes.Size}
	if s.IfMatch != nil {
		reader.beforeRead = s.IfMatch(attributes.ETag)
	}
	source, err := tensorfile.NewSource(reader, reader.size)
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		source.SetName(key),
		source.SetHints(tensorfile.ReadHints{Gap: 1 << 20, Piece: 8 << 20, Requests: 16}),
		source.SetResolver(func(name string) (*tensorfile.Source, error) { return s.Source(ctx, beside(key, name)) }))
	if err != nil {
		source.Close()
		return nil, err
	}
	return source, nil
}

// Open opens an object, or the set that an index describes, as tensorfile.Open does. ctx is that of all reads.
func (s Store) Open(ctx context.Context, key string, opts ...tensorfile.Option) (*tensorfile.File, error) {
	source, err := s.Source(ctx, key)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	return tensorfile.OpenFrom(source, tensorfile.Auto, opts...)
}

// upload is a tensorfile.Committer: the object appears when it is committed.
type upload struct {
	*blob.Writer
	cancel context.CancelFunc
}

func (u *upload) Commit() error {
	defer u.cancel()
	return u.Close()
}

func (u *upload) Abort() {
	u.cancel() // makes Close discard what was written
	u.Close()
}

// Create returns a writer for tensorfile.SaveTo, SaveArrayTo and NewWriter, whose object appears, or replaces the old
// one, when all of it has been written.
func (s Store) Create(ctx context.Context, key string) (io.Writer, error) {
	ctx, cancel := context.WithCancel(ctx)
	writer, err := s.Bucket.NewWriter(ctx, key, &blob.WriterOptions{ContentType: "application/octet-stream"})
	if err != nil {
		cancel()
		return nil, err
	}
	return &upload{writer, cancel}, nil
}

// Save saves arrays to an object, whose extension is the format, or with tensorfile.WithPartBytes to a set, whose index
// or first part appears last.
func (s Store) Save(
	ctx context.Context, key string, arrays, metadata *tensorfile.Dict, opts ...tensorfile.Option) error {
	create := func(name string) (io.Writer, error) { return s.Create(ctx, beside(key, name)) }
	return tensorfile.SaveSetTo(create, path.Base(key), tensorfile.Auto, arrays, metadata, opts...)
}

// beside returns the key of another file of the set.
func beside(key, name string) string { return path.Join(path.Dir(key), name) }
