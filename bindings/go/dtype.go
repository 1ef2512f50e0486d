package tensorfile

import (
	"fmt"
	"math"
	"strings"
	"unsafe"

	"github.com/tensorfile/tensorfile/bindings/go/internal/capi"
)

// Dtype is the type of an array's elements.
type Dtype int32

// The dtypes. Values are frozen; later versions append more.
const (
	Unsupported    Dtype = 0  // a type of a file that the library does not know: listed, never read
	Bool           Dtype = 1  // one byte, 0 or 1; as Go's bool
	Int8           Dtype = 2  // as Go's int8
	Int16          Dtype = 3  // as Go's int16
	Int32          Dtype = 4  // as Go's int32
	Int64          Dtype = 5  // as Go's int64
	Uint8          Dtype = 6  // as Go's uint8
	Uint16         Dtype = 7  // as Go's uint16
	Uint32         Dtype = 8  // as Go's uint32
	Uint64         Dtype = 9  // as Go's uint64
	Float16        Dtype = 10 // IEEE binary16; F16
	BFloat16       Dtype = 11 // the upper half of a float32; BF16
	Float32        Dtype = 12 // as Go's float32
	Float64        Dtype = 13 // as Go's float64
	Complex64      Dtype = 14 // two float32: real, imaginary; as Go's complex64
	Complex128     Dtype = 15 // two float64; as Go's complex128
	Float8E4M3FN   Dtype = 16 // safetensors F8_E4M3
	Float8E5M2     Dtype = 17 // safetensors F8_E5M2
	Float8E4M3FNUZ Dtype = 18 // safetensors F8_E4M3FNUZ
	Float8E5M2FNUZ Dtype = 19 // safetensors F8_E5M2FNUZ
	Float8E8M0FNU  Dtype = 20 // safetensors F8_E8M0: an exponent, no sign
	Float6E2M3FN   Dtype = 21 // safetensors F6_E2M3: 4 elements in 3 bytes
	Float6E3M2FN   Dtype = 22 // safetensors F6_E3M2: 4 elements in 3 bytes
	Float4E2M1FN   Dtype = 23 // safetensors F4: 2 elements in a byte, the first in the low half
	// ggml's block types; data are whole blocks, little-endian on every host.
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
)

// ParseDtype gives the dtype of a name as NumPy and ml_dtypes write it ("float32"), or of ggml's, letter case ignored
// ("q4_k").
func ParseDtype(name string) (Dtype, error) {
	if !strings.Contains(name, "\x00") {
		if dtype := Dtype(capi.DtypeFromName(name)); dtype != Unsupported {
			return dtype, nil
		}
	}
	return Unsupported, newError(ErrInvalidArgument, "no dtype is named %q", name)
}

// String is the name as NumPy and ml_dtypes write it ("float32"), ggml's in lower case ("q4_k").
func (d Dtype) String() string { return capi.String(capi.DtypeName(int32(d))) }

// Bits of one element: 8 for bool, 4 for float4; 0 for a block type.
func (d Dtype) Bits() int { return int(capi.DtypeBits(int32(d))) }

// BlockSize is the number of elements in the smallest unit of whole bytes: 1, for float4 2, for float6 4, for a block type
// its block (32, 256).
func (d Dtype) BlockSize() int { return int(capi.DtypeBlockSize(int32(d))) }

// BlockBytes is the number of bytes of that unit: the item size, for float4 1, for float6 3, for a block type its block.
func (d Dtype) BlockBytes() int { return int(capi.DtypeBlockBytes(int32(d))) }

// Format is a file format.
type Format int32

// The formats.
const (
	Auto        Format = 0 // find out: by extension, then by content
	NPY         Format = 1 // one array
	NPZ         Format = 2 // a zip archive of them
	Safetensors Format = 3
	GGUF        Format = 4
)

// FormatFromPath gives the format that a path's extension names, letter case ignored; Auto when it names none.
func FormatFromPath(path string) Format {
	if strings.Contains(path, "\x00") {
		return Auto
	}
	return Format(capi.FormatFromPath(path))
}

// ProbeFormat gives the format that the first bytes of a file are of, 16 are enough; Auto when of none.
func ProbeFormat(head []byte) Format { return Format(capi.FormatProbe(text(head))) }

// String is "npy", "npz", "safetensors", "gguf"; "auto"; "unknown" for a number that is none.
func (f Format) String() string { return capi.String(capi.FormatName(int32(f))) }

// F16 is an element of dtype Float16: IEEE binary16, as its bits.
type F16 uint16

// Float32 is the number itself, which every float32 can be.
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

// BF16 is an element of dtype BFloat16: the upper half of a float32, as its bits.
type BF16 uint16

// Float32 is the number itself, which every float32 can be.
func (b BF16) Float32() float32 { return math.Float32frombits(uint32(b) << 16) }

// Element is a Go type that can be an array's element.
type Element interface {
	bool | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 |
		F16 | BF16 | float32 | float64 | complex64 | complex128
}

// DtypeOf is the dtype of elements of a Go type.
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
	case complex128:
		return Complex128
	}
	panic(fmt.Sprintf("%T is no element", zero))
}

// bytesOf gives the bytes of elements.
func bytesOf[T Element](elements []T) []byte {
	if len(elements) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(elements))), len(elements)*int(unsafe.Sizeof(elements[0])))
}

// elementsOf gives bytes as elements, where they lie at an address and in a number that is fit for them, and are values.
func elementsOf[T Element](bytes []byte) ([]T, error) {
	var zero T
	size := int(unsafe.Sizeof(zero))
	if len(bytes) == 0 {
		return []T{}, nil
	}
	start := unsafe.Pointer(unsafe.SliceData(bytes))
	if uintptr(start)%unsafe.Alignof(zero) != 0 || len(bytes)%size != 0 {
		return nil, newError(ErrInvalidArgument, "the memory does not fit elements of %v", DtypeOf[T]())
	}
	if _, ok := any(zero).(bool); ok {
		for _, b := range bytes {
			if b > 1 {
				return nil, newError(ErrType, "some elements are neither 0 nor 1, so they are no bools")
			}
		}
	}
	return unsafe.Slice((*T)(start), len(bytes)/size), nil
}

// text gives bytes as what the C layer takes: a pointer and a length.
func text(bytes []byte) string { return unsafe.String(unsafe.SliceData(bytes), len(bytes)) }
