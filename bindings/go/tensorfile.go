// Package tensorfile saves and loads named n-dimensional arrays: .npy, .npz, .safetensors and .gguf.
//
// [Load] reads a whole file, [Open] its header alone and then what is asked for. Arrays are of C's memory: [Data] gives
// their elements without a copy, [ToSlice] with one. What is loaded or made is closed by Close, or by the collector when it
// is forgotten.
//
// The package compiles the C++ core that it carries, so it needs cgo, a C++20 compiler, and zlib. With the build tag
// tensorfile_system it links an installed libtensorfile instead, which pkg-config finds.
package tensorfile

import (
	"io"

	"github.com/tensorfile/tensorfile/bindings/go/internal/capi"
)

// Version is the version of the library that runs: "0.1.0".
func Version() string { return capi.String(capi.VersionString()) }

// VersionNumber is the same as a number: major * 10000 + minor * 100 + patch.
func VersionNumber() int { return int(capi.VersionNumber()) }

// Loaded is what a file has.
type Loaded struct {
	// Arrays by name, in file order; that of a .npy has the name "".
	Arrays *Dict
	// Metadata is empty where the format has none. safetensors: strings. gguf: 0-d and 1-d arrays, strings, lists of strings,
	// and dicts named 0, 1, ... for nested arrays.
	Metadata *Dict
}

// Array is the array of a name.
func (l *Loaded) Array(name string) (*Array, error) { return l.Arrays.Array(name) }

// Close releases both dicts; arrays that were got from them stay.
func (l *Loaded) Close() error {
	l.Metadata.Close()
	return l.Arrays.Close()
}

type loadCall func(array *capi.Array, arrays, metadata *capi.Dict, o capi.Options) error

func load(slot *capi.Slot, opts []Option, call loadCall) (*Loaded, error) {
	options, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	defer options.release()
	var arrays, metadata capi.Dict
	if err := checkWith(call(nil, &arrays, &metadata, options.raw), slot); err != nil {
		return nil, err
	}
	return &Loaded{Arrays: adoptDict(arrays), Metadata: adoptDict(metadata)}, nil
}

// Load loads a whole file, or the set of sharded safetensors that an index (NAME.safetensors.index.json) names.
//
// The format is what WithFormat says, else what the extension names, else what the content shows.
func Load(path string, opts ...Option) (*Loaded, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	return load(nil, opts, func(array *capi.Array, arrays, metadata *capi.Dict, o capi.Options) error {
		return capi.Load(array, arrays, metadata, path, o)
	})
}

// LoadBytes loads a whole file from memory, which may change afterwards. Auto finds the format by content.
func LoadBytes(data []byte, format Format, opts ...Option) (*Loaded, error) {
	return load(nil, opts, func(array *capi.Array, arrays, metadata *capi.Dict, o capi.Options) error {
		return capi.LoadMemory(array, arrays, metadata, text(data), int32(format), o)
	})
}

// LoadFrom loads a whole file from a source. Auto finds the format by content.
func LoadFrom(source *Source, format Format, opts ...Option) (*Loaded, error) {
	raw, err := source.handle.lock()
	if err != nil {
		return nil, err
	}
	defer source.handle.unlock()
	return load(source.slot, opts, func(array *capi.Array, arrays, metadata *capi.Dict, o capi.Options) error {
		return capi.LoadSource(array, arrays, metadata, raw, int32(format), o)
	})
}

// LoadReader loads a whole file from the size bytes of a reader; see NewSource. Auto finds the format by content.
func LoadReader(reader io.ReaderAt, size int64, format Format, opts ...Option) (*Loaded, error) {
	source, err := NewSource(reader, size)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	return LoadFrom(source, format, opts...)
}

// LoadArray loads the array of a .npy. It fails with ErrType for a file of another format.
func LoadArray(path string, opts ...Option) (*Array, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	options, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	defer options.release()
	var raw capi.Array
	if err := check(capi.Load(&raw, nil, nil, path, options.raw)); err != nil {
		return nil, err
	}
	if raw == 0 {
		return nil, newError(ErrType, "%s: a file of named arrays, not a .npy of one", path)
	}
	a := newArray(raw)
	a.alone.Store(true)
	return a, nil
}

// LoadWeights loads a .npz, .safetensors or .gguf as a tree of dicts: names split at '.'.
//
// expected may be nil, else it is a tree or flat dict of arrays with the names and shapes that are wanted; what differs is
// ErrMismatch. With WithStrict(false), what is missing keeps expected's array, and what is unknown is left out.
func LoadWeights(path string, expected *Dict, opts ...Option) (*Dict, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	var tree *Dict
	err := save(contents{arrays: expected}, opts, func(_ capi.Array, wanted, _ capi.Dict, o capi.Options) error {
		var err error
		tree, err = makeDict(nil, func(out *capi.Dict) error { return capi.LoadWeights(out, path, wanted, o) })
		return err
	})
	return tree, err
}

// savePath makes a call that saves to a path.
func savePath(path string, c contents, opts []Option,
	call func(array capi.Array, arrays, metadata capi.Dict, o capi.Options) error) error {
	if err := checkPath(path); err != nil {
		return err
	}
	return save(c, opts, call)
}

// Save saves one array as .npy, byte for byte as NumPy does. The extension is added when the path lacks it, here and below.
//
// A file is written beside the target and renamed over it: a reader sees the old file or the new one, whole.
func Save(path string, array *Array, opts ...Option) error {
	return savePath(path, contents{array: array}, opts, func(array capi.Array, _, _ capi.Dict, o capi.Options) error {
		return capi.Save(path, array, o)
	})
}

// SaveNPZ saves arrays as an .npz of stored members: those of named (which may be nil), then unnamed ones as arr_0, arr_1
// and so on, as NumPy's savez does.
func SaveNPZ(path string, named *Dict, unnamed []*Array, opts ...Option) error {
	return saveNPZ(path, named, unnamed, opts, capi.Savez)
}

// SaveNPZCompressed is SaveNPZ with deflated members.
func SaveNPZCompressed(path string, named *Dict, unnamed []*Array, opts ...Option) error {
	return saveNPZ(path, named, unnamed, opts, capi.SavezCompressed)
}

func saveNPZ(path string, named *Dict, unnamed []*Array, opts []Option,
	call func(string, []capi.Array, capi.Dict, capi.Options) error) error {
	// References of our own: one array may stand here twice, which two locks of it would not bear.
	arrays := make([]capi.Array, 0, len(unnamed))
	defer func() {
		for _, raw := range arrays {
			capi.ArrayRelease(raw)
		}
	}()
	for _, array := range unnamed {
		raw, err := array.handle.lock()
		if err != nil {
			return err
		}
		arrays = append(arrays, capi.ArrayRetain(raw))
		array.handle.unlock()
	}
	return savePath(path, contents{arrays: named}, opts, func(_ capi.Array, named, _ capi.Dict, o capi.Options) error {
		return call(path, arrays, named, o)
	})
}

// SaveSafetensors saves arrays as .safetensors, with strings as metadata, which may be nil.
func SaveSafetensors(path string, arrays, metadata *Dict, opts ...Option) error {
	c := contents{arrays: arrays, metadata: metadata}
	return savePath(path, c, opts, func(_ capi.Array, arrays, metadata capi.Dict, o capi.Options) error {
		return capi.SaveSafetensors(path, arrays, metadata, o)
	})
}

// SaveGGUF saves arrays as .gguf, version 3. The format holds int8 to int64, float16, bfloat16, float32, float64 and the
// block types, in at most 4 dimensions, under names of 1 to 63 bytes.
//
// metadata may be nil; it has 0-d and 1-d arrays (bool, integers, float32, float64), strings, lists of strings, and dicts
// named 0, 1, ... for nested arrays. No key is added unasked: general.architecture is the caller's to give.
func SaveGGUF(path string, arrays, metadata *Dict, opts ...Option) error {
	c := contents{arrays: arrays, metadata: metadata}
	return savePath(path, c, opts, func(_ capi.Array, arrays, metadata capi.Dict, o capi.Options) error {
		return capi.SaveGguf(path, arrays, metadata, o)
	})
}

// SaveWeights saves a tree of arrays, flattened, in the format that the path's extension names: .npz, .safetensors or
// .gguf; without an extension that of WithFormat, whose own is added.
func SaveWeights(path string, tree *Dict, opts ...Option) error {
	return savePath(path, contents{arrays: tree}, opts, func(_ capi.Array, tree, _ capi.Dict, o capi.Options) error {
		return capi.SaveWeights(path, tree, o)
	})
}
