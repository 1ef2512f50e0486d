package tensorfile

import (
	"math"
	"reflect"
	"strconv"
	"strings"
	"unsafe"

	"github.com/tensorfile/tensorfile/bindings/go/internal/capi"
)

// Dtype is the type of an array's elements.
type Dtype int32

// The dtypes. The values never change; later versions may add more.
const (
	// BEGIN tf_dtype: generated from tensorfile.h by bindings/swig/generate.sh
	Unsupported    Dtype = 0  // A type that the library does not know. Such an array is listed, but only its raw bytes can be read: see Entry.TypeName and Entry.ReadRaw.
	Bool           Dtype = 1  // one byte, 0 or 1
	Int8           Dtype = 2  // 8-bit signed integer
	Int16          Dtype = 3  // 16-bit signed integer
	Int32          Dtype = 4  // 32-bit signed integer
	Int64          Dtype = 5  // 64-bit signed integer
	Uint8          Dtype = 6  // 8-bit unsigned integer
	Uint16         Dtype = 7  // 16-bit unsigned integer
	Uint32         Dtype = 8  // 32-bit unsigned integer
	Uint64         Dtype = 9  // 64-bit unsigned integer
	Float16        Dtype = 10 // IEEE 754 binary16
	BFloat16       Dtype = 11 // the upper 16 bits of a float32
	Float32        Dtype = 12 // IEEE 754 binary32
	Float64        Dtype = 13 // IEEE 754 binary64
	Complex64      Dtype = 14 // two float32: real and imaginary part
	Complex128     Dtype = 15 // two float64: real and imaginary part
	Float8E4M3FN   Dtype = 16 // F8_E4M3 of safetensors
	Float8E5M2     Dtype = 17 // F8_E5M2 of safetensors
	Float8E4M3FNUZ Dtype = 18 // F8_E4M3FNUZ of safetensors
	Float8E5M2FNUZ Dtype = 19 // F8_E5M2FNUZ of safetensors
	Float8E8M0FNU  Dtype = 20 // F8_E8M0 of safetensors: an exponent without a sign
	Float6E2M3FN   Dtype = 21 // F6_E2M3 of safetensors, packed: 4 elements in 3 bytes
	Float6E3M2FN   Dtype = 22 // F6_E3M2 of safetensors, packed: 4 elements in 3 bytes
	Float4E2M1FN   Dtype = 23 // F4 of safetensors, packed: 2 elements in a byte, the first in its lower half
	// The block types of ggml. Their data are whole blocks, little-endian on every machine.
	Q4_0    Dtype = 66
	Q4_1    Dtype = 67
	Q5_0    Dtype = 70
	Q5_1    Dtype = 71
	Q8_0    Dtype = 72
	Q8_1    Dtype = 73
	Q2_K    Dtype = 74
	Q3_K    Dtype = 75
	Q4_K    Dtype = 76
	Q5_K    Dtype = 77
	Q6_K    Dtype = 78
	Q8_K    Dtype = 79
	IQ2_XXS Dtype = 80
	IQ2_XS  Dtype = 81
	IQ3_XXS Dtype = 82
	IQ1_S   Dtype = 83
	IQ4_NL  Dtype = 84
	IQ3_S   Dtype = 85
	IQ2_S   Dtype = 86
	IQ4_XS  Dtype = 87
	IQ1_M   Dtype = 93
	TQ1_0   Dtype = 98
	TQ2_0   Dtype = 99
	MXFP4   Dtype = 103
	NVFP4   Dtype = 104
	Q1_0    Dtype = 105
	Q2_0    Dtype = 106
	// END tf_dtype
)

// ParseDtype returns the dtype with a name that NumPy or ml_dtypes uses ("float32"), or that ggml uses, in any case
// ("q4_k").
func ParseDtype(name string) (Dtype, error) {
	if !strings.Contains(name, "\x00") {
		if dtype := Dtype(capi.DtypeFromName(name)); dtype != Unsupported {
			return dtype, nil
		}
	}
	return Unsupported, newError(ErrInvalidArgument, "no dtype is named %q", name)
}

// String returns the name of the dtype as NumPy and ml_dtypes spell it ("float32"), or that of ggml in lower case
// ("q4_k").
func (d Dtype) String() string { return capi.String(capi.DtypeName(int32(d))) }

// Bits returns the number of bits in one element: 8 for Bool, 4 for Float4E2M1FN, 0 for a block type.
func (d Dtype) Bits() int { return int(capi.DtypeBits(int32(d))) }

// DtypeKind is what the elements of a Dtype are.
type DtypeKind int32

// The kinds of dtypes: none, bool, signed and unsigned integers, floating-point and complex numbers of any width, and
// the block types of ggml.
const (
	// BEGIN tf_dtype_kind: generated from tensorfile.h by bindings/swig/generate.sh
	NoKind       DtypeKind = 0 // there is no such dtype
	BoolKind     DtypeKind = 1
	SignedKind   DtypeKind = 2 // signed integers
	UnsignedKind DtypeKind = 3 // unsigned integers
	FloatKind    DtypeKind = 4 // floats of any width
	ComplexKind  DtypeKind = 5
	BlockKind    DtypeKind = 6 // a block type of ggml
	// END tf_dtype_kind
)

// Kind returns what the elements are, or NoKind for Unsupported.
func (d Dtype) Kind() DtypeKind { return DtypeKind(capi.DtypeKind(int32(d))) }

// CanEncode reports whether Array.Cast can make arrays of the dtype from floats. Some block types can only be decoded.
func (d Dtype) CanEncode() bool { return capi.DtypeCanEncode(int32(d)) != 0 }

// BlockSize returns the number of elements in the smallest unit of whole bytes: 1 for most dtypes, 2 for float4, 4 for
// float6, and the block of a block type (32 to 256).
func (d Dtype) BlockSize() int { return int(capi.DtypeBlockSize(int32(d))) }

// BlockBytes returns the number of bytes in that unit: the item size, 1 for float4, 3 for float6, or the size of a
// block.
func (d Dtype) BlockBytes() int { return int(capi.DtypeBlockBytes(int32(d))) }

// Format is a file format.
type Format int32

// The file formats.
const (
	// BEGIN tf_format: generated from tensorfile.h by bindings/swig/generate.sh
	// Detect the format: by the path's extension, or else by the content.
	Auto Format = 0
	// The .npy format.
	NPY Format = 1
	// The .npz format.
	NPZ Format = 2
	// The .safetensors format.
	Safetensors Format = 3
	// The .gguf format.
	GGUF Format = 4
	// For reading: detect the format by the content, and ignore the path's extension.
	ByContent Format = 5
	// END tf_format
)

// FormatFromPath returns the format of a path's extension, ignoring case, or Auto if there is no such format.
func FormatFromPath(path string) Format {
	if strings.Contains(path, "\x00") {
		return Auto
	}
	return Format(capi.FormatFromPath(path))
}

// ProbeFormat returns the format of a file that starts with head, or Auto if it is unknown. 16 bytes are enough.
func ProbeFormat(head []byte) Format { return Format(capi.FormatProbe(text(head))) }

// Formats returns all formats.
func Formats() []Format {
	var formats []Format
	for format := Format(capi.FormatAt(0)); format != Auto; format = Format(capi.FormatAt(len(formats))) {
		formats = append(formats, format)
	}
	return formats
}

// Extension returns the extension of the format with its dot, such as ".npz", or "" if f is not a format.
func (f Format) Extension() string { return capi.String(capi.FormatExtension(int32(f))) }

// MetadataKind is which metadata a file can hold. Each kind includes those before it.
type MetadataKind int

// The kinds of metadata.
const (
	// BEGIN tf_metadata: generated from tensorfile.h by bindings/swig/generate.sh
	NoMetadata      MetadataKind = 0
	StringMetadata  MetadataKind = 1
	StringsMetadata MetadataKind = 2 // strings and lists of strings
	TypedMetadata   MetadataKind = 3 // also bools, numbers, and arrays of them: see SaveGGUF
	// END tf_metadata
)

// The numbers of the abilities.
const (
	// BEGIN tf_ability: generated from tensorfile.h by bindings/swig/generate.sh
	abilitySingleArray = 1
	abilityMetadata    = 2
	abilityParts       = 3
	abilityCompression = 4
	abilityTextMembers = 5
	abilityModelKeys   = 6
	abilityHeaderSlack = 7
	// END tf_ability
)

// Abilities is what a format can do.
type Abilities struct {
	SingleArray bool         // a file holds exactly one array, which has no name
	Metadata    MetadataKind // the metadata that a file can hold
	MaxParts    int64        // the largest number of files of a set (see WithPartBytes), or 0
	Compression bool         // arrays can be compressed (see WithCompress)
	TextMembers bool         // metadata are members beside the arrays, which some readers refuse
	ModelKeys   bool         // readers expect metadata that describe a model, above all general.architecture
	HeaderSlack bool         // the header can end in spaces, so that SaveMetadata can write a longer one in place
}

// Abilities returns what the format can do.
func (f Format) Abilities() Abilities {
	ask := func(ability int32) int64 { return capi.FormatAbility(int32(f), ability) }
	return Abilities{
		SingleArray: ask(abilitySingleArray) != 0,
		Metadata:    MetadataKind(ask(abilityMetadata)),
		MaxParts:    ask(abilityParts),
		Compression: ask(abilityCompression) != 0,
		TextMembers: ask(abilityTextMembers) != 0,
		ModelKeys:   ask(abilityModelKeys) != 0,
		HeaderSlack: ask(abilityHeaderSlack) != 0,
	}
}

// String returns "npy", "npz", "safetensors", "gguf" or "auto", or "unknown" if f is none of the constants.
func (f Format) String() string { return capi.String(capi.FormatName(int32(f))) }

// F16 is an element of dtype Float16, an IEEE 754 binary16 number.
type F16 uint16

// F16FromFloat32 returns the nearest F16, which is even if there are two, or an infinity if x is too large.
func F16FromFloat32(x float32) F16 {
	bits := math.Float32bits(x)
	sign, magnitude := F16(bits>>16)&0x8000, bits&0x7fffffff
	switch {
	case magnitude > 0x7f800000: // NaN: keep the upper bits of its payload, and make it quiet
		return sign | 0x7e00 | F16(magnitude>>13)&0x3ff
	case magnitude >= 0x477ff000: // 65520 and more is rounded to infinity
		return sign | 0x7c00
	case magnitude < 0x38800000: // subnormal: the unit in the last place of 0.5 is that of the result
		return sign | F16(math.Float32bits(math.Float32frombits(magnitude)+0.5)-math.Float32bits(0.5))
	}
	magnitude += 0xfff + magnitude>>13&1
	return sign | F16((magnitude-112<<23)>>13)
}

// Float32 returns the exact value as a float32.
func (f F16) Float32() float32 {
	sign := uint32(f>>15) << 31
	exponent, fraction := uint32(f>>10)&0x1f, uint32(f)&0x3ff
	switch exponent {
	case 0:
		magnitude := float32(fraction) * (1.0 / (1 << 24))
		return math.Float32frombits(sign | math.Float32bits(magnitude))
	case 0x1f:
		return math.Float32frombits(sign | 0x7f800000 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}

// String returns the value as a decimal number.
func (f F16) String() string { return strconv.FormatFloat(float64(f.Float32()), 'g', -1, 32) }

// BF16 is an element of dtype BFloat16, the upper 16 bits of a float32.
type BF16 uint16

// BF16FromFloat32 returns the nearest BF16, which is even if there are two, or an infinity if x is too large.
func BF16FromFloat32(x float32) BF16 {
	bits := math.Float32bits(x)
	if bits&0x7fffffff > 0x7f800000 { // NaN: keep the upper bits of its payload, and make it quiet
		return BF16(bits>>16) | 0x40
	}
	return BF16((bits + 0x7fff + bits>>16&1) >> 16)
}

// Float32 returns the exact value as a float32.
func (b BF16) Float32() float32 { return math.Float32frombits(uint32(b) << 16) }

// String returns the value as a decimal number.
func (b BF16) String() string { return strconv.FormatFloat(float64(b.Float32()), 'g', -1, 32) }

// Element is the set of Go types that correspond to a dtype.
type Element interface {
	bool | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 |
		F16 | BF16 | float32 | float64 | complex64 | complex128
}

// elementTypes has the Go type of each dtype that has one.
var elementTypes = map[Dtype]reflect.Type{
	Bool:       reflect.TypeFor[bool](),
	Int8:       reflect.TypeFor[int8](),
	Int16:      reflect.TypeFor[int16](),
	Int32:      reflect.TypeFor[int32](),
	Int64:      reflect.TypeFor[int64](),
	Uint8:      reflect.TypeFor[uint8](),
	Uint16:     reflect.TypeFor[uint16](),
	Uint32:     reflect.TypeFor[uint32](),
	Uint64:     reflect.TypeFor[uint64](),
	Float16:    reflect.TypeFor[F16](),
	BFloat16:   reflect.TypeFor[BF16](),
	Float32:    reflect.TypeFor[float32](),
	Float64:    reflect.TypeFor[float64](),
	Complex64:  reflect.TypeFor[complex64](),
	Complex128: reflect.TypeFor[complex128](),
}

// dtypes is the inverse of elementTypes.
var dtypes = func() map[reflect.Type]Dtype {
	inverse := make(map[reflect.Type]Dtype, len(elementTypes))
	for dtype, kind := range elementTypes {
		inverse[kind] = dtype
	}
	return inverse
}()

// DtypeOf returns the dtype whose elements have the Go type T.
func DtypeOf[T Element]() Dtype {
	var zero T
	switch any(zero).(type) {
	case bool:
		return Bool
	case int8:
		return Int8
	case int16:
		return Int16
	case int32:
		return Int32
	case int64:
		return Int64
	case uint8:
		return Uint8
	case uint16:
		return Uint16
	case uint32:
		return Uint32
	case uint64:
		return Uint64
	case F16:
		return Float16
	case BF16:
		return BFloat16
	case float32:
		return Float32
	case float64:
		return Float64
	case complex64:
		return Complex64
	}
	return Complex128
}

// element returns the element at an address as its Go type, or nil if dtype has none.
func (d Dtype) element(at unsafe.Pointer) any {
	switch d {
	case Bool:
		return *(*byte)(at) != 0
	case Int8:
		return *(*int8)(at)
	case Int16:
		return *(*int16)(at)
	case Int32:
		return *(*int32)(at)
	case Int64:
		return *(*int64)(at)
	case Uint8:
		return *(*uint8)(at)
	case Uint16:
		return *(*uint16)(at)
	case Uint32:
		return *(*uint32)(at)
	case Uint64:
		return *(*uint64)(at)
	case Float16:
		return *(*F16)(at)
	case BFloat16:
		return *(*BF16)(at)
	case Float32:
		return *(*float32)(at)
	case Float64:
		return *(*float64)(at)
	case Complex64:
		return *(*complex64)(at)
	case Complex128:
		return *(*complex128)(at)
	}
	return nil
}

// bytesOf returns the memory of elements as bytes.
func bytesOf[T Element](elements []T) []byte {
	if len(elements) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(elements))), len(elements)*int(unsafe.Sizeof(elements[0])))
}

// elementsOf returns bytes as elements. It fails if they are misaligned, end within an element, or are not valid
// values.
func elementsOf[T Element](bytes []byte) ([]T, error) {
	var zero T
	size := int(unsafe.Sizeof(zero))
	if len(bytes) == 0 {
		return []T{}, nil
	}
	start := unsafe.Pointer(unsafe.SliceData(bytes))
	if uintptr(start)%unsafe.Alignof(zero) != 0 || len(bytes)%size != 0 {
		return nil, newError(ErrInvalidArgument, "%d bytes at this address cannot hold elements of %v", len(bytes), DtypeOf[T]())
	}
	if _, ok := any(zero).(bool); ok {
		if err := checkBools(bytes); err != nil {
			return nil, err
		}
	}
	return unsafe.Slice((*T)(start), len(bytes)/size), nil
}

// checkBools checks that bytes are valid elements of a []bool.
func checkBools(bytes []byte) error {
	for _, b := range bytes {
		if b > 1 {
			return newError(ErrType, "the array has bool elements that are neither 0 nor 1")
		}
	}
	return nil
}

// text returns bytes as a string without a copy, which is how the C layer takes a pointer and a length.
func text(bytes []byte) string { return unsafe.String(unsafe.SliceData(bytes), len(bytes)) }
