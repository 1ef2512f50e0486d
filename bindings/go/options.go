package tensorfile

import (
	"context"
	"runtime/cgo"
	"strconv"
	"strings"

	"github.com/tensorfile/tensorfile/bindings/go/internal/capi"
)

// Option is a setting of a call. A setting that is not given has the default that its function documents.
type Option func(*options) error

// options holds the settings of one call. raw is 0 if all of them have their defaults.
type options struct {
	raw      capi.Options
	ctx      context.Context
	progress func(done, total uint64)
}

func newOptions(opts []Option) (*options, error) {
	o := &options{}
	for _, opt := range opts {
		if err := opt(o); err != nil {
			o.release()
			return nil, err
		}
	}
	if err := o.setProgress(); err != nil {
		o.release()
		return nil, err
	}
	return o, nil
}

func (o *options) release() {
	capi.OptionsRelease(o.raw)
	o.raw = 0
}

// create creates the settings of the library, unless they exist.
func (o *options) create() error {
	if o.raw != 0 {
		return nil
	}
	var raw capi.Options // cgo does not accept the address of a field beside fields that hold Go pointers
	err := check(capi.OptionsNew(&raw))
	o.raw = raw
	return err
}

// setProgress lets the call check the context and report its progress.
func (o *options) setProgress() error {
	if o.ctx == nil && o.progress == nil {
		return nil
	}
	if o.ctx != nil {
		if err := o.ctx.Err(); err != nil {
			return cancelled(err)
		}
	}
	if err := o.create(); err != nil {
		return err
	}
	report := func(done, total uint64) error {
		if o.progress != nil {
			o.progress(done, total)
		}
		if o.ctx != nil {
			return o.ctx.Err()
		}
		return nil
	}
	return check(capi.OptionsSetProgress(o.raw, uintptr(cgo.NewHandle(&capi.Progress{Report: report}))))
}

func cancelled(err error) error {
	return &Error{Status: ErrCancelled, Message: "cancelled before the call started", Offset: -1, Err: err}
}

func set(number int32, value int64) Option {
	return func(o *options) error {
		if err := o.create(); err != nil {
			return err
		}
		return check(capi.OptionsSet(o.raw, number, value))
	}
}

func setBool(number int32, on bool) Option {
	if on {
		return set(number, 1)
	}
	return set(number, 0)
}

// The numbers of the options and of their values.
const (
	// BEGIN tf_option: generated from tensorfile.h by bindings/swig/generate.sh
	optionThreads          = 1
	optionFormat           = 2
	optionExactPath        = 3
	optionLoadMode         = 4
	optionLenient          = 5
	optionStrict           = 6
	optionParts            = 7
	optionPartBytes        = 8
	optionMaxBytes         = 9
	optionMaxHeaderBytes   = 10
	optionMaxArrays        = 11
	optionMaxMetadata      = 12
	optionMaxNameBytes     = 13
	optionMaxRank          = 14
	optionMaxNesting       = 15
	optionDurable          = 16
	optionAtomic           = 17
	optionAlignment        = 18
	optionCompress         = 19
	optionCompressionLevel = 20
	optionDeflate          = 21
	optionDecode           = 22
	optionSkipUnsupported  = 23
	optionGgufExtended     = 24
	// END tf_option

	// BEGIN tf_load_mode: generated from tensorfile.h by bindings/swig/generate.sh
	loadModeOwn = 0
	loadModeMap = 1
	// END tf_load_mode

	// BEGIN tf_deflate: generated from tensorfile.h by bindings/swig/generate.sh
	deflateAuto = 0
	deflateZlib = 1
	// END tf_deflate

	// BEGIN tf_decode: generated from tensorfile.h by bindings/swig/generate.sh
	decodeMlx  = -1
	decodeKeep = 0
	// END tf_decode
)

// OptionInfo describes an option.
type OptionInfo struct {
	Name              string
	Min, Max, Default int64
}

// Options returns all options by the names that WithOption takes.
func Options() []OptionInfo {
	var list []OptionInfo
	for number := int32(1); ; number++ {
		var info OptionInfo
		if capi.OptionRange(&info.Min, &info.Max, &info.Default, number) != nil {
			return list
		}
		info.Name = capi.String(capi.OptionName(number))
		list = append(list, info)
	}
}

// WithOption sets an option by its name, such as "max_bytes", to a number or the name of a value, for programs that
// read their settings from a file or a command line. Options lists the names.
func WithOption(name, value string) Option {
	return func(o *options) error {
		number := int32(0)
		if !strings.Contains(name, "\x00") {
			number = capi.OptionFromName(name)
		}
		if number == 0 {
			return newError(ErrInvalidArgument, "no option is named %q", name)
		}
		if err := o.create(); err != nil {
			return err
		}
		if value, err := strconv.ParseInt(value, 10, 64); err == nil {
			return check(capi.OptionsSet(o.raw, number, value))
		}
		return check(capi.OptionsSetString(o.raw, number, value))
	}
}

// WithContext makes a load or save fail with ErrCancelled, and with the error of the context, soon after ctx is done.
func WithContext(ctx context.Context) Option {
	return func(o *options) error {
		o.ctx = ctx
		return nil
	}
}

// WithProgress calls report on the calling goroutine with the number of bytes of array data loaded or saved so far, and
// with the total. A panic in report propagates to the caller. report must not change or close the arguments of the
// call.
func WithProgress(report func(done, total uint64)) Option {
	return func(o *options) error {
		o.progress = report
		return nil
	}
}

// WithThreads sets how many threads one call may use, including its own. The default, 0, is one for each processor
// core.
func WithThreads(count int) Option { return set(optionThreads, int64(count)) }

// WithFormat sets the format to load regardless of extension and content, or the format that SaveWeights writes.
func WithFormat(format Format) Option { return set(optionFormat, int64(format)) }

// WithFormatName is WithFormat for a name: "npy", "npz", "safetensors", "gguf" or "auto".
func WithFormatName(name string) Option {
	return func(o *options) error {
		if err := o.create(); err != nil {
			return err
		}
		return check(capi.OptionsSetString(o.raw, optionFormat, name))
	}
}

// WithExactPath sets whether a save uses exactly the given path. By default it appends the extension of the format to a
// path that does not have it.
func WithExactPath(on bool) Option { return setBool(optionExactPath, on) }

// WithMap sets whether loaded arrays are private, writable mappings of the file, which are read when they are first
// accessed. By default arrays have their own memory.
//
// If another program changes the file in place, the arrays may change too. If it truncates the file, accessing the lost
// part ends the process with SIGBUS.
func WithMap(on bool) Option {
	if on {
		return set(optionLoadMode, loadModeMap)
	}
	return set(optionLoadMode, loadModeOwn)
}

// WithLenient sets whether to accept faults that the reference readers of the formats accept, such as trailing bytes or
// bytes before a zip archive.
func WithLenient(on bool) Option { return setBool(optionLenient, on) }

// WithSkipUnsupported sets whether loads leave out arrays of unknown dtypes, or with an invalid header, instead of
// failing.
func WithSkipUnsupported(on bool) Option { return setBool(optionSkipUnsupported, on) }

// WithGGUFExtended sets whether a .gguf may have arrays of 5 to 8 dimensions and names of 64 to 65,535 bytes, which
// ggml and other programs refuse.
func WithGGUFExtended(on bool) Option { return setBool(optionGgufExtended, on) }

// WithStrict sets whether LoadWeights fails if weights are missing, unexpected, or of another shape. The default is
// true.
func WithStrict(on bool) Option { return setBool(optionStrict, on) }

// WithParts sets whether opening one part of a set of files (NAME-00001-of-00003.gguf) opens the whole set. The index of
// sharded safetensors (NAME.safetensors.index.json) and the folder of a set always open the whole set.
func WithParts(on bool) Option { return setBool(optionParts, on) }

// WithPartBytes sets the maximum number of bytes of array data in one .safetensors or .gguf file that is saved to a
// path, or by SaveSetTo or NewSetWriter. Larger contents are split into NAME-00001-of-00003 and so on, with an index
// for safetensors; arrays are not split. The default, 0, is one file.
func WithPartBytes(count int64) Option { return set(optionPartBytes, count) }

// WithMaxBytes limits the memory in bytes that the results of one call, or everything read through one File, may occupy
// at the same time. The default, 0, is no limit.
func WithMaxBytes(count int64) Option { return set(optionMaxBytes, count) }

// WithMaxHeaderBytes limits the length of a header. The default, 0, is 1 MiB for .npy headers and 100,000,000 for
// others.
func WithMaxHeaderBytes(count int64) Option { return set(optionMaxHeaderBytes, count) }

// WithMaxArrays limits the number of arrays in a file. The default is 1,000,000.
func WithMaxArrays(count int64) Option { return set(optionMaxArrays, count) }

// WithMaxMetadata limits the number of metadata values in a file. The default is 1,000,000.
func WithMaxMetadata(count int64) Option { return set(optionMaxMetadata, count) }

// WithMaxNameBytes limits the length of a name or key in bytes. The default is 65,536.
func WithMaxNameBytes(count int64) Option { return set(optionMaxNameBytes, count) }

// WithMaxRank limits the number of dimensions of an array to 1 to 64. The default is 64.
func WithMaxRank(count int) Option { return set(optionMaxRank, int64(count)) }

// WithMaxNesting limits the nesting of metadata and trees to 1 to 64 levels. The default is 64.
func WithMaxNesting(count int) Option { return set(optionMaxNesting, int64(count)) }

// WithDurable sets whether a save syncs the file and its folder to disk before it returns.
func WithDurable(on bool) Option { return setBool(optionDurable, on) }

// WithAtomic sets whether a save writes a temporary file next to the target and then renames it. The default is true;
// otherwise the save writes the target in place.
func WithAtomic(on bool) Option { return setBool(optionAtomic, on) }

// WithAlignment sets the alignment of array data in bytes, a power of two up to 1,048,576. The default, 0, is that of
// the format: 32 for .gguf, 64 for the others.
func WithAlignment(bytes int) Option { return set(optionAlignment, int64(bytes)) }

// WithCompress sets whether SaveWeights, Marshal and SaveTo compress the members of an .npz.
func WithCompress(on bool) Option { return setBool(optionCompress, on) }

// WithCompressionLevel sets the level of compression from 0 (none) to 9 (smallest). The default, -1, is a good
// compromise.
func WithCompressionLevel(level int) Option { return set(optionCompressionLevel, int64(level)) }

// WithZlib sets whether zlib compresses instead of the library's own encoder, which is faster. Saves fail with
// ErrUnsupported without the build tag tensorfile_zlib.
func WithZlib(on bool) Option {
	if on {
		return set(optionDeflate, deflateZlib)
	}
	return set(optionDeflate, deflateAuto)
}

// WithDecode makes loads decode the block types of ggml to Float16, BFloat16, Float32 or Float64. The default,
// Unsupported, keeps the blocks.
func WithDecode(dtype Dtype) Option { return set(optionDecode, int64(dtype)) }

// WithDecodeMLX makes loads convert q4_0, q4_1 and q8_0 as MLX does: NAME (codes, uint32), STEM.scales and STEM.biases
// (float16), where STEM is NAME without ".weight". Other block types become float16.
func WithDecodeMLX() Option { return set(optionDecode, decodeMlx) }
