// Package tensorfile saves and loads named n-dimensional arrays: .npy, .npz, .safetensors and .gguf.
//
// [Open] reads the header of a file, and [Read] then returns an array, or a part of one, as a Go slice. [Load] reads a
// whole file. [Save] writes arrays and metadata in the format of the extension.
//
// The memory of an [Array] belongs to C: [Data] returns its elements without a copy, and [ToSlice] copies them. Close
// releases a value; values that are not closed are released when they are garbage collected.
//
// Nothing is converted silently. Functions with Cast in their name convert.
//
// The package contains the C++ core and compiles it, so it needs cgo and a C++20 compiler. With the build tag
// tensorfile_system it uses an installed libtensorfile instead, which it finds with pkg-config.
package tensorfile

import (
	"io"

	"github.com/tensorfile/tensorfile/bindings/go/internal/capi"
)

// Version returns the version of the library that is in use, such as "0.9.0".
func Version() string { return capi.String(capi.VersionString()) }

// VersionNumber returns the version as a number: major * 10000 + minor * 100 + patch.
func VersionNumber() int { return int(capi.VersionNumber()) }

// Loaded is the contents of a file.
type Loaded struct {
	// Arrays holds the arrays by name, in the order of the file. The array of a .npy file has the name "".
	Arrays *Dict
	// Metadata is empty if the file has none. That of a .safetensors file are strings; that of an .npz file strings and
	// lists of strings; that of a .gguf file numbers, slices of numbers, strings, lists of strings, and for nested
	// arrays dicts with the keys 0, 1, and so on.
	Metadata *Dict
}

// Array returns the array with a name.
func (l *Loaded) Array(name string) (*Array, error) { return l.Arrays.Array(name) }

// Close releases both dicts. Arrays that were obtained from them remain valid.
func (l *Loaded) Close() error {
	l.Metadata.Close()
	return l.Arrays.Close()
}

type loadCall func(array *capi.Array, arrays, metadata *capi.Dict, o capi.Options) error

func load(path string, slot *capi.Slot, opts []Option, call loadCall) (l *Loaded, err error) {
	defer annotate(&err, "load", path)
	options, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	defer options.release()
	var arrays, metadata capi.Dict
	if err := checkWith(call(nil, &arrays, &metadata, options.raw), slot); err != nil {
		return nil, err
	}
	return &Loaded{Arrays: adoptDict(arrays), Metadata: adoptMetadata(metadata)}, nil
}

// Load loads a whole file. For the index of sharded safetensors (NAME.safetensors.index.json) it loads the whole set.
//
// The format is that of WithFormat, or else that of the extension, or else that of the content.
func Load(path string, opts ...Option) (*Loaded, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	return load(path, nil, opts, func(array *capi.Array, arrays, metadata *capi.Dict, o capi.Options) error {
		return capi.Load(array, arrays, metadata, path, o)
	})
}

// LoadBytes loads a whole file from memory, which may change afterwards. Auto detects the format by content.
func LoadBytes(data []byte, format Format, opts ...Option) (*Loaded, error) {
	return load("", nil, opts, func(array *capi.Array, arrays, metadata *capi.Dict, o capi.Options) error {
		return capi.LoadMemory(array, arrays, metadata, text(data), int32(format), o)
	})
}

// LoadFrom loads a whole file from a source. Auto is the format that the extension of the source's name shows, or else
// the content.
func LoadFrom(source *Source, format Format, opts ...Option) (*Loaded, error) {
	raw, err := source.handle.lock()
	if err != nil {
		return nil, err
	}
	defer source.handle.unlock()
	return load(source.name, source.slot, opts, func(array *capi.Array, arrays, metadata *capi.Dict, o capi.Options) error {
		return capi.LoadSource(array, arrays, metadata, raw, int32(format), o)
	})
}

// LoadReader loads a whole file from the first size bytes of a reader; see NewSource. Auto detects the format by
// content.
func LoadReader(reader io.ReaderAt, size int64, format Format, opts ...Option) (*Loaded, error) {
	source, err := NewSource(reader, size)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	return LoadFrom(source, format, opts...)
}

// LoadArray loads the array of a .npy file. It fails with ErrType if the file has another format.
func LoadArray(path string, opts ...Option) (a *Array, err error) {
	defer annotate(&err, "load", path)
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
		return nil, newError(ErrType, "expected a .npy file with one array, found a file of named arrays")
	}
	a = newArray(raw)
	a.alone.Store(true)
	return a, nil
}

// LoadWeights loads a .npz, .safetensors or .gguf file as a tree of dicts, splitting names at '.'.
//
// expected may be nil. Otherwise it is a tree or a flat dict of arrays, and the call fails with ErrMismatch if the file
// has other names or shapes. With WithStrict(false), missing arrays are those of expected, and unexpected ones are left
// out.
func LoadWeights(path string, expected *Dict, opts ...Option) (tree *Dict, err error) {
	defer annotate(&err, "load", path)
	if err := checkPath(path); err != nil {
		return nil, err
	}
	err = save(contents{arrays: expected}, opts, func(_ capi.Array, wanted, _ capi.Dict, o capi.Options) error {
		var err error
		tree, err = makeDict(nil, func(out *capi.Dict) error { return capi.LoadWeights(out, path, wanted, o) })
		return err
	})
	return tree, err
}

// LoadWeightsFrom is LoadWeights from a source, with the format as in LoadFrom.
func LoadWeightsFrom(source *Source, format Format, expected *Dict, opts ...Option) (tree *Dict, err error) {
	defer annotate(&err, "load", source.name)
	raw, err := source.handle.lock()
	if err != nil {
		return nil, err
	}
	defer source.handle.unlock()
	err = save(contents{arrays: expected}, opts, func(_ capi.Array, wanted, _ capi.Dict, o capi.Options) error {
		var err error
		tree, err = makeDict(source.slot, func(out *capi.Dict) error {
			return capi.LoadWeightsSource(out, raw, int32(format), wanted, o)
		})
		return err
	})
	return tree, err
}

// CheckReport is the result of Check. Each entry is one line of text.
type CheckReport struct {
	// Faults are damage, and everything that makes a load with default options fail. Each begins with the name of a
	// status, as in "corrupt: w.npz: array 'x': ...".
	Faults []string
	// Excused lists the faults that are accepted because WithLenient is set, and the arrays that are left out because
	// WithSkipUnsupported is set. Without these options they are in Faults.
	Excused []string
	// Notes are remarks that are not faults.
	Notes []string
}

// Check reads every byte of a file or a set of files that can be checked, and reports every fault instead of only the
// first. It fails if the check cannot be made, not if it finds faults.
func Check(path string, opts ...Option) (found CheckReport, err error) {
	defer annotate(&err, "check", path)
	if err := checkPath(path); err != nil {
		return found, err
	}
	return makeReport(nil, opts, func(out *capi.Dict, o capi.Options) error { return capi.Check(out, path, o) })
}

// CheckBytes checks a file in memory as Check does, for example an upload before it is stored. Auto detects the format
// by content.
func CheckBytes(data []byte, format Format, opts ...Option) (found CheckReport, err error) {
	source, err := SourceFromBytes(data)
	if err != nil {
		return found, err
	}
	defer source.Close()
	return CheckFrom(source, format, opts...)
}

// CheckFrom checks a file in a source as Check does. Of a set that cannot be opened, only the first fault is reported.
// The format is chosen as by LoadFrom.
func CheckFrom(source *Source, format Format, opts ...Option) (found CheckReport, err error) {
	defer annotate(&err, "check", source.name)
	raw, err := source.handle.lock()
	if err != nil {
		return found, err
	}
	defer source.handle.unlock()
	return makeReport(source.slot, opts, func(out *capi.Dict, o capi.Options) error {
		return capi.CheckSource(out, raw, int32(format), o)
	})
}

// makeReport runs a call that makes the report of a check.
func makeReport(slot *capi.Slot, opts []Option, call func(out *capi.Dict, o capi.Options) error) (found CheckReport, err error) {
	options, err := newOptions(opts)
	if err != nil {
		return found, err
	}
	defer options.release()
	report, err := makeDict(slot, func(out *capi.Dict) error { return call(out, options.raw) })
	if err != nil {
		return found, err
	}
	defer report.Close()
	for name, list := range map[string]*[]string{
		"faults": &found.Faults, "excused": &found.Excused, "notes": &found.Notes,
	} {
		if *list, err = report.Strings(name); err != nil {
			return CheckReport{}, err
		}
		for i, line := range *list {
			(*list)[i] = inGo(line)
		}
	}
	return found, nil
}

// savePath runs a call that saves to a path.
func savePath(path string, c contents, opts []Option,
	call func(array capi.Array, arrays, metadata capi.Dict, o capi.Options) error) (err error) {
	defer annotate(&err, "save", path)
	if err := checkPath(path); err != nil {
		return err
	}
	return save(c, opts, call)
}

// Save saves arrays and metadata in the format of WithFormat, or else that of the extension: .npz, .safetensors, .gguf,
// or .npy for a dict with one array, whose name is not stored. Load with the same path returns them.
//
// metadata may be nil. A .safetensors file can hold strings, an .npz file strings and lists of strings, and a .gguf
// file also numbers, 1-d arrays, and for nested arrays dicts with the keys 0, 1, and so on. No key is added: set
// general.architecture if the readers of a .gguf need it.
//
// The file is written next to the target and then renamed, so that readers see either the old or the new file.
func Save(path string, arrays, metadata *Dict, opts ...Option) error {
	c := contents{arrays: arrays, metadata: metadata}
	return savePath(path, c, opts, func(_ capi.Array, arrays, metadata capi.Dict, o capi.Options) error {
		return capi.SaveFile(path, arrays, metadata, o)
	})
}

// SaveMetadata replaces the metadata of a .npz, .safetensors or .gguf without reading its arrays, so that it costs
// little for a file of any size. metadata is all of the new metadata, as for Save; nil removes them. To change some values,
// change a copy of those that a File has.
//
// The file is replaced by a copy with the new header, or with WithAtomic(false) the header is written into the file itself,
// which fails if the new one does not have the size of the old one and damages the file if the program is killed meanwhile.
func SaveMetadata(path string, metadata *Dict, opts ...Option) error {
	c := contents{metadata: metadata}
	return savePath(path, c, opts, func(_ capi.Array, _, metadata capi.Dict, o capi.Options) error {
		return capi.SaveMetadata(path, metadata, o)
	})
}

// Finding is one reason why CheckSave says that a save would fail.
type Finding struct {
	Subject string // "array" or "metadata", or "file" if it concerns neither
	Name    string // the name or key, or ""
	// Problem is the kind of finding: "count", "kind", "dtype", "rank", "name", "duplicate", "value", "option", "limit"
	// or "size".
	Problem string
	Reason  string // one line for the user, such as "complex128 has no safetensors dtype"
}

// CheckSave reports everything that would make a save in a format fail, without writing a file or reading elements. It
// returns no findings if the format can hold the contents. It fails only if the check cannot be made.
func CheckSave(format Format, arrays, metadata *Dict, opts ...Option) (findings []Finding, err error) {
	defer annotate(&err, "check", "")
	c := contents{arrays: arrays, metadata: metadata}
	err = save(c, opts, func(_ capi.Array, arrays, metadata capi.Dict, o capi.Options) error {
		report, err := makeDict(nil, func(out *capi.Dict) error {
			return capi.SaveCheck(out, int32(format), arrays, metadata, o)
		})
		if err != nil {
			return err
		}
		defer report.Close()
		lists := map[string][]string{}
		for _, name := range []string{"subject", "name", "problem", "reason"} {
			if lists[name], err = report.Strings(name); err != nil {
				return err
			}
		}
		for i, reason := range lists["reason"] {
			findings = append(findings, Finding{lists["subject"][i], lists["name"][i], lists["problem"][i], inGo(reason)})
		}
		return nil
	})
	return findings, err
}

// SaveArray saves one array as .npy, byte for byte like NumPy. Functions that save in one format append its extension
// if the path does not have it, unless WithExactPath is set.
func SaveArray(path string, array *Array, opts ...Option) error {
	return savePath(path, contents{array: array}, opts, func(array capi.Array, _, _ capi.Dict, o capi.Options) error {
		return capi.Save(path, array, o)
	})
}

// SaveNPZ saves arrays as .npz without compression: those of named, which may be nil, and then those of unnamed as
// arr_0, arr_1 and so on, like numpy.savez.
func SaveNPZ(path string, named *Dict, unnamed []*Array, opts ...Option) error {
	return saveNPZ(path, named, unnamed, opts, capi.Savez)
}

// SaveNPZCompressed is SaveNPZ with compression.
func SaveNPZCompressed(path string, named *Dict, unnamed []*Array, opts ...Option) error {
	return saveNPZ(path, named, unnamed, opts, capi.SavezCompressed)
}

func saveNPZ(path string, named *Dict, unnamed []*Array, opts []Option,
	call func(string, []capi.Array, capi.Dict, capi.Options) error) error {
	// Retained because unnamed may contain an array twice, whose handle must not be locked twice.
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

// SaveSafetensors saves arrays as .safetensors. metadata may be nil, and may contain strings only.
func SaveSafetensors(path string, arrays, metadata *Dict, opts ...Option) error {
	c := contents{arrays: arrays, metadata: metadata}
	return savePath(path, c, opts, func(_ capi.Array, arrays, metadata capi.Dict, o capi.Options) error {
		return capi.SaveSafetensors(path, arrays, metadata, o)
	})
}

// SaveGGUF saves arrays as .gguf, version 3. The format supports int8 to int64, float16, bfloat16, float32, float64 and
// the block types, at most 4 dimensions, and names of 1 to 63 bytes.
//
// metadata may be nil. It may contain 0-d and 1-d arrays (bool, integers, float32, float64), strings, lists of strings,
// and for nested arrays dicts with the keys 0, 1, and so on. No key is added: set general.architecture if a reader
// needs it.
func SaveGGUF(path string, arrays, metadata *Dict, opts ...Option) error {
	c := contents{arrays: arrays, metadata: metadata}
	return savePath(path, c, opts, func(_ capi.Array, arrays, metadata capi.Dict, o capi.Options) error {
		return capi.SaveGguf(path, arrays, metadata, o)
	})
}

// SaveWeights saves a tree of arrays under flattened names, in the format of the path's extension: .npz, .safetensors
// or .gguf. Without an extension it uses the format of WithFormat, and appends its extension.
func SaveWeights(path string, tree *Dict, opts ...Option) error {
	return savePath(path, contents{arrays: tree}, opts, func(_ capi.Array, tree, _ capi.Dict, o capi.Options) error {
		return capi.SaveWeights(path, tree, o)
	})
}
