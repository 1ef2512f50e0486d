package tensorfile

import (
	"context"
	"runtime/cgo"

	"github.com/tensorfile/tensorfile/bindings/go/internal/capi"
)

// Option is a setting of a call. Their zero or absence is the default that each names.
type Option func(*options) error

// options are the library's settings for one call; raw is 0 where all have their defaults.
type options struct {
	raw  capi.Options
	ctx  context.Context
	told func(done, total uint64)
}

func newOptions(opts []Option) (*options, error) {
	o := &options{}
	for _, opt := range opts {
		if err := opt(o); err != nil {
			o.release()
			return nil, err
		}
	}
	if err := o.watch(); err != nil {
		o.release()
		return nil, err
	}
	return o, nil
}

func (o *options) release() {
	capi.OptionsRelease(o.raw)
	o.raw = 0
}

// made makes the library's settings, where they are not made yet.
func (o *options) made() error {
	if o.raw != 0 {
		return nil
	}
	var raw capi.Options // alone: cgo lets C have the address of nothing that has pointers of Go's beside it
	err := check(capi.OptionsNew(&raw))
	o.raw = raw
	return err
}

// watch has the call look at the context and tell of its progress.
func (o *options) watch() error {
	if o.ctx == nil && o.told == nil {
		return nil
	}
	if o.ctx != nil {
		if err := o.ctx.Err(); err != nil {
			return cancelled(err)
		}
	}
	if err := o.made(); err != nil {
		return err
	}
	tell := func(done, total uint64) error {
		if o.told != nil {
			o.told(done, total)
		}
		if o.ctx != nil {
			return o.ctx.Err()
		}
		return nil
	}
	return check(capi.OptionsSetProgress(o.raw, uintptr(cgo.NewHandle(&capi.Progress{Tell: tell}))))
}

func cancelled(err error) error {
	return &Error{Status: ErrCancelled, Message: "cancelled before it began: " + err.Error(), Offset: -1, Err: err}
}

func set(number int32, value int64) Option {
	return func(o *options) error {
		if err := o.made(); err != nil {
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

// The numbers of the options; they are frozen.
const (
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
)

// WithContext ends a load or save with ErrCancelled (and the context's own error) soon after ctx is done.
func WithContext(ctx context.Context) Option {
	return func(o *options) error {
		o.ctx = ctx
		return nil
	}
}

// WithProgress has told hear, on the calling goroutine, how many bytes of array data a load or save has done, and of how
// many. A panic in it goes on in the caller. It must not change or close what the call works on.
func WithProgress(told func(done, total uint64)) Option {
	return func(o *options) error {
		o.told = told
		return nil
	}
}

// WithThreads sets how many threads one call may use, itself included; 0 (default): as many as the machine has cores.
func WithThreads(count int) Option { return set(optionThreads, int64(count)) }

// WithFormat sets the format to load, whatever extension and content say, or to save by SaveWeights.
func WithFormat(format Format) Option { return set(optionFormat, int64(format)) }

// WithFormatName is WithFormat by name: "npy", "npz", "safetensors", "gguf", "auto".
func WithFormatName(name string) Option {
	return func(o *options) error {
		if err := o.made(); err != nil {
			return err
		}
		return check(capi.OptionsSetString(o.raw, optionFormat, name))
	}
}

// WithExactPath sets whether to save to the very path given; off (default), the format's extension is added when the path
// lacks it.
func WithExactPath(on bool) Option { return setBool(optionExactPath, on) }

// WithMap sets whether arrays are private, writable mappings of the file, read when first touched, instead of memory of
// their own (default).
//
// If another program changes the file in place, arrays may change; if it shortens it, touching the lost part ends the
// process with SIGBUS.
func WithMap(on bool) Option { return setBool(optionLoadMode, on) }

// WithLenient sets whether to accept trailing bytes, bytes before a zip archive, and leave out arrays of unknown types.
func WithLenient(on bool) Option { return setBool(optionLenient, on) }

// WithStrict sets whether (default) LoadWeights refuses weights that are missing, unexpected or of another shape.
func WithStrict(on bool) Option { return setBool(optionStrict, on) }

// WithParts sets whether a .gguf that is one part of several (NAME-00001-of-00003.gguf) is opened as the whole set. The
// index of sharded safetensors (NAME.safetensors.index.json) always opens its set.
func WithParts(on bool) Option { return setBool(optionParts, on) }

// WithPartBytes sets the most bytes of array data in one file of a .safetensors or .gguf saved by path; 0 (default): one
// file. More are saved as NAME-00001-of-00003 and so on, safetensors with their index; each array stays whole.
func WithPartBytes(count int64) Option { return set(optionPartBytes, count) }

// WithMaxBytes sets the bytes of memory that what one call makes (or what is read through one File) may hold at once; 0
// (default): no limit.
func WithMaxBytes(count int64) Option { return set(optionMaxBytes, count) }

// WithMaxHeaderBytes sets the longest header in bytes; 0 (default): 100,000,000, and 1 MiB for an npy header.
func WithMaxHeaderBytes(count int64) Option { return set(optionMaxHeaderBytes, count) }

// WithMaxArrays sets the most arrays in a file, from 1; default 1,000,000.
func WithMaxArrays(count int64) Option { return set(optionMaxArrays, count) }

// WithMaxMetadata sets the most metadata values in a file, from 1; default 1,000,000.
func WithMaxMetadata(count int64) Option { return set(optionMaxMetadata, count) }

// WithMaxNameBytes sets the longest name or key in bytes, from 1; default 65,536.
func WithMaxNameBytes(count int64) Option { return set(optionMaxNameBytes, count) }

// WithMaxRank sets the most dimensions of an array, 1 to 64; default 64.
func WithMaxRank(count int) Option { return set(optionMaxRank, int64(count)) }

// WithMaxNesting sets the deepest nesting of metadata and trees, 1 to 64; default 64.
func WithMaxNesting(count int) Option { return set(optionMaxNesting, int64(count)) }

// WithDurable sets whether to fsync file and folder before a save returns.
func WithDurable(on bool) Option { return setBool(optionDurable, on) }

// WithAtomic sets whether (default) to write a temporary file beside the target and rename it over, instead of writing in
// place.
func WithAtomic(on bool) Option { return setBool(optionAtomic, on) }

// WithAlignment sets the alignment of array data on save, a power of two of 1 to 1,048,576; 0 (default): 64, for gguf 32.
func WithAlignment(bytes int) Option { return set(optionAlignment, int64(bytes)) }

// WithCompress sets whether to deflate the members of an .npz that SaveWeights, Marshal or SaveTo writes.
func WithCompress(on bool) Option { return setBool(optionCompress, on) }

// WithCompressionLevel sets the level of deflate, 0 (none) to 9 (smallest); -1 (default): the one that suits.
func WithCompressionLevel(level int) Option { return set(optionCompressionLevel, int64(level)) }

// WithZlib sets whether zlib deflates also where the library was built with ISA-L, which is faster (default).
func WithZlib(on bool) Option { return setBool(optionDeflate, on) }

// WithDecode has loading decode ggml's block types to Float16, BFloat16, Float32 or Float64; Unsupported (default): blocks
// stay blocks.
func WithDecode(dtype Dtype) Option { return set(optionDecode, int64(dtype)) }

// WithDecodeMLX has loading make of q4_0, q4_1 and q8_0 what MLX's load makes of them: NAME (uint32 codes), STEM.scales and
// STEM.biases (float16), where STEM is NAME without ".weight"; other block types become float16.
func WithDecodeMLX() Option { return set(optionDecode, -1) }
