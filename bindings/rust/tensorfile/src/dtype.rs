//! Dtypes, formats, and the Rust types that are elements.

use std::path::Path;
use std::{fmt, str};

use crate::call::c_path;
use crate::error::{Error, ErrorKind, Result, static_text};
use crate::sys;

macro_rules! numbers {
    ($(#[$about:meta])* $kind:ident: $raw_kind:ident, $all:ident { $($(#[$comment:meta])* $name:ident = $raw:ident,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $kind {
            $($(#[$comment])* $name,)*
            /// A number that this version of the crate does not know.
            Unknown(i32),
        }

        impl $kind {
            pub(crate) fn from_raw(raw: sys::$raw_kind) -> Self {
                match raw {
                    $(sys::$raw => $kind::$name,)*
                    other => $kind::Unknown(other),
                }
            }

            pub(crate) fn to_raw(self) -> sys::$raw_kind {
                match self {
                    $($kind::$name => sys::$raw,)*
                    $kind::Unknown(other) => other,
                }
            }
        }

        #[cfg(test)]
        const $all: &[$kind] = &[$($kind::$name),*];
    };
}

pub(crate) use numbers;

numbers! {
    /// The type of an array's elements.
    ///
    /// ```
    /// use tensorfile::Dtype;
    ///
    /// assert_eq!(Dtype::BFloat16.name(), "bfloat16");
    /// assert_eq!("q4_k".parse::<Dtype>()?, Dtype::Q4K);
    /// assert_eq!((Dtype::Q4K.block_size(), Dtype::Q4K.block_bytes()), (256, 144));
    /// # Ok::<(), tensorfile::Error>(())
    /// ```
    Dtype: tf_dtype, DTYPES {
        // BEGIN tf_dtype: generated from tensorfile.h by bindings/swig/generate.sh
        /// A type that the library does not know. Such an array is listed, but only its raw bytes can be read: see
        /// tf_file_type() and tf_file_read_raw().
        Unsupported = TF_DTYPE_UNSUPPORTED,
        /// One byte, 0 or 1.
        Bool = TF_DTYPE_BOOL,
        /// 8-bit signed integer.
        Int8 = TF_DTYPE_INT8,
        /// 16-bit signed integer.
        Int16 = TF_DTYPE_INT16,
        /// 32-bit signed integer.
        Int32 = TF_DTYPE_INT32,
        /// 64-bit signed integer.
        Int64 = TF_DTYPE_INT64,
        /// 8-bit unsigned integer.
        UInt8 = TF_DTYPE_UINT8,
        /// 16-bit unsigned integer.
        UInt16 = TF_DTYPE_UINT16,
        /// 32-bit unsigned integer.
        UInt32 = TF_DTYPE_UINT32,
        /// 64-bit unsigned integer.
        UInt64 = TF_DTYPE_UINT64,
        /// IEEE 754 binary16.
        Float16 = TF_DTYPE_FLOAT16,
        /// The upper 16 bits of a float32.
        BFloat16 = TF_DTYPE_BFLOAT16,
        /// IEEE 754 binary32.
        Float32 = TF_DTYPE_FLOAT32,
        /// IEEE 754 binary64.
        Float64 = TF_DTYPE_FLOAT64,
        /// Two float32: real and imaginary part.
        Complex64 = TF_DTYPE_COMPLEX64,
        /// Two float64: real and imaginary part.
        Complex128 = TF_DTYPE_COMPLEX128,
        /// F8_E4M3 of safetensors.
        Float8E4M3Fn = TF_DTYPE_FLOAT8_E4M3FN,
        /// F8_E5M2 of safetensors.
        Float8E5M2 = TF_DTYPE_FLOAT8_E5M2,
        /// F8_E4M3FNUZ of safetensors.
        Float8E4M3FnUz = TF_DTYPE_FLOAT8_E4M3FNUZ,
        /// F8_E5M2FNUZ of safetensors.
        Float8E5M2FnUz = TF_DTYPE_FLOAT8_E5M2FNUZ,
        /// F8_E8M0 of safetensors: an exponent without a sign.
        Float8E8M0Fnu = TF_DTYPE_FLOAT8_E8M0FNU,
        /// F6_E2M3 of safetensors, packed: 4 elements in 3 bytes.
        Float6E2M3Fn = TF_DTYPE_FLOAT6_E2M3FN,
        /// F6_E3M2 of safetensors, packed: 4 elements in 3 bytes.
        Float6E3M2Fn = TF_DTYPE_FLOAT6_E3M2FN,
        /// F4 of safetensors, packed: 2 elements in a byte, the first in its lower half.
        Float4E2M1Fn = TF_DTYPE_FLOAT4_E2M1FN,
        /// The block type q4_0 of ggml.
        Q4_0 = TF_DTYPE_Q4_0,
        /// The block type q4_1 of ggml.
        Q4_1 = TF_DTYPE_Q4_1,
        /// The block type q5_0 of ggml.
        Q5_0 = TF_DTYPE_Q5_0,
        /// The block type q5_1 of ggml.
        Q5_1 = TF_DTYPE_Q5_1,
        /// The block type q8_0 of ggml.
        Q8_0 = TF_DTYPE_Q8_0,
        /// The block type q8_1 of ggml.
        Q8_1 = TF_DTYPE_Q8_1,
        /// The block type q2_k of ggml.
        Q2K = TF_DTYPE_Q2_K,
        /// The block type q3_k of ggml.
        Q3K = TF_DTYPE_Q3_K,
        /// The block type q4_k of ggml.
        Q4K = TF_DTYPE_Q4_K,
        /// The block type q5_k of ggml.
        Q5K = TF_DTYPE_Q5_K,
        /// The block type q6_k of ggml.
        Q6K = TF_DTYPE_Q6_K,
        /// The block type q8_k of ggml.
        Q8K = TF_DTYPE_Q8_K,
        /// The block type iq2_xxs of ggml.
        Iq2Xxs = TF_DTYPE_IQ2_XXS,
        /// The block type iq2_xs of ggml.
        Iq2Xs = TF_DTYPE_IQ2_XS,
        /// The block type iq3_xxs of ggml.
        Iq3Xxs = TF_DTYPE_IQ3_XXS,
        /// The block type iq1_s of ggml.
        Iq1S = TF_DTYPE_IQ1_S,
        /// The block type iq4_nl of ggml.
        Iq4Nl = TF_DTYPE_IQ4_NL,
        /// The block type iq3_s of ggml.
        Iq3S = TF_DTYPE_IQ3_S,
        /// The block type iq2_s of ggml.
        Iq2S = TF_DTYPE_IQ2_S,
        /// The block type iq4_xs of ggml.
        Iq4Xs = TF_DTYPE_IQ4_XS,
        /// The block type iq1_m of ggml.
        Iq1M = TF_DTYPE_IQ1_M,
        /// The block type tq1_0 of ggml.
        Tq1_0 = TF_DTYPE_TQ1_0,
        /// The block type tq2_0 of ggml.
        Tq2_0 = TF_DTYPE_TQ2_0,
        /// The block type mxfp4 of ggml.
        Mxfp4 = TF_DTYPE_MXFP4,
        /// The block type nvfp4 of ggml.
        Nvfp4 = TF_DTYPE_NVFP4,
        /// The block type q1_0 of ggml.
        Q1_0 = TF_DTYPE_Q1_0,
        /// The block type q2_0 of ggml.
        Q2_0 = TF_DTYPE_Q2_0,
        // END tf_dtype
    }
}

impl Dtype {
    /// Returns the name as NumPy and ml_dtypes spell it (`"float32"`), or that of ggml in lower case (`"q4_k"`).
    #[must_use]
    pub fn name(self) -> &'static str {
        // SAFETY: the function accepts any number.
        unsafe { static_text(sys::tf_dtype_name(self.to_raw())) }
    }

    /// Returns the number of bits in one element: 8 for bool, 4 for float4, 0 for a block type.
    #[must_use]
    pub fn bits(self) -> u32 {
        // SAFETY: the function accepts any number.
        unsafe { sys::tf_dtype_bits(self.to_raw()) }
    }

    /// Returns the number of elements in the smallest unit of whole bytes: 1 for most dtypes, 2 for float4, 4 for
    /// float6, and the block of a block type (32 to 256).
    #[must_use]
    pub fn block_size(self) -> u32 {
        // SAFETY: the function accepts any number.
        unsafe { sys::tf_dtype_block_size(self.to_raw()) }
    }

    /// Returns the number of bytes in that unit: the item size, 1 for float4, 3 for float6, or the size of a block.
    #[must_use]
    pub fn block_bytes(self) -> u32 {
        // SAFETY: the function accepts any number.
        unsafe { sys::tf_dtype_block_bytes(self.to_raw()) }
    }
}

/// What the elements of a [`Dtype`] are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DtypeKind {
    /// Bools.
    Bool,
    /// Signed integers.
    Signed,
    /// Unsigned integers.
    Unsigned,
    /// Floats of any width.
    Float,
    /// Complex numbers.
    Complex,
    /// Blocks of ggml.
    Block,
}

impl Dtype {
    /// Returns what the elements are, or `None` if the dtype is unsupported or unknown.
    #[must_use]
    pub fn kind(self) -> Option<DtypeKind> {
        // SAFETY: the function accepts any number.
        match unsafe { sys::tf_dtype_kind(self.to_raw()) } {
            sys::TF_DTYPE_KIND_BOOL => Some(DtypeKind::Bool),
            sys::TF_DTYPE_KIND_SIGNED => Some(DtypeKind::Signed),
            sys::TF_DTYPE_KIND_UNSIGNED => Some(DtypeKind::Unsigned),
            sys::TF_DTYPE_KIND_FLOAT => Some(DtypeKind::Float),
            sys::TF_DTYPE_KIND_COMPLEX => Some(DtypeKind::Complex),
            sys::TF_DTYPE_KIND_BLOCK => Some(DtypeKind::Block),
            _ => None,
        }
    }

    /// Returns `true` if [`Array::cast`](crate::Array::cast) can make arrays of the dtype from floats. Some block types
    /// can only be decoded.
    #[must_use]
    pub fn can_encode(self) -> bool {
        // SAFETY: the function accepts any number.
        unsafe { sys::tf_dtype_can_encode(self.to_raw()) != 0 }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl str::FromStr for Dtype {
    type Err = Error;

    /// Parses the name of a dtype. The names of ggml are accepted in any case.
    fn from_str(name: &str) -> Result<Self> {
        let unknown = || Error::new(ErrorKind::InvalidArgument, format!("no dtype is named {name:?}"));
        let c_name = std::ffi::CString::new(name).map_err(|_| unknown())?;
        // SAFETY: the name is NUL-terminated.
        match Dtype::from_raw(unsafe { sys::tf_dtype_from_name(c_name.as_ptr()) }) {
            Dtype::Unsupported => Err(unknown()),
            dtype => Ok(dtype),
        }
    }
}

numbers! {
    /// A file format.
    Format: tf_format, FORMATS {
        // BEGIN tf_format: generated from tensorfile.h by bindings/swig/generate.sh
        /// Detect the format: by the path's extension, or else by the content.
        Auto = TF_FORMAT_AUTO,
        /// The .npy format.
        Npy = TF_FORMAT_NPY,
        /// The .npz format.
        Npz = TF_FORMAT_NPZ,
        /// The .safetensors format.
        Safetensors = TF_FORMAT_SAFETENSORS,
        /// The .gguf format.
        Gguf = TF_FORMAT_GGUF,
        /// For reading: detect the format by the content, and ignore the path's extension.
        ByContent = TF_FORMAT_BY_CONTENT,
        // END tf_format
    }
}

impl Format {
    /// Returns `"npy"`, `"npz"`, `"safetensors"`, `"gguf"` or `"auto"`.
    #[must_use]
    pub fn name(self) -> &'static str {
        // SAFETY: the function accepts any number.
        unsafe { static_text(sys::tf_format_name(self.to_raw())) }
    }

    /// Returns the format of a path's extension, ignoring case, or [`Format::Auto`] if there is no such format.
    pub fn from_path(path: impl AsRef<Path>) -> Self {
        match c_path(path.as_ref()) {
            // SAFETY: the path is NUL-terminated.
            Ok(path) => Format::from_raw(unsafe { sys::tf_format_from_path(path.as_ptr()) }),
            Err(_) => Format::Auto,
        }
    }

    /// Returns the format of a file that starts with `head`, or [`Format::Auto`] if it is unknown. 16 bytes are enough.
    #[must_use]
    pub fn probe(head: &[u8]) -> Self {
        // SAFETY: the pointer has its length.
        Format::from_raw(unsafe { sys::tf_format_probe(head.as_ptr().cast(), head.len()) })
    }
}

/// What a [`Format`] can hold and do.
#[allow(clippy::struct_excessive_bools)] // Each is an ability of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Abilities {
    /// A file holds exactly one array, which has no name.
    pub single_array: bool,
    /// Which metadata a file can hold.
    pub metadata: Metadata,
    /// The largest number of files that a set can have, or 0 if the format has no sets.
    pub max_parts: u64,
    /// Arrays can be compressed.
    pub compression: bool,
    /// Metadata values are members next to the arrays, which some readers refuse.
    pub text_members: bool,
    /// Readers expect metadata that describe a model, `general.architecture` above all.
    pub model_keys: bool,
    /// The header can end in spaces, so that [`save_metadata`](crate::Options::save_metadata) can write a longer one in
    /// place.
    pub header_slack: bool,
}

/// Which metadata a [`Format`] can hold. Each value includes the previous ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Metadata {
    /// None.
    #[default]
    None,
    /// Strings.
    Strings,
    /// Strings and lists of strings.
    StringLists,
    /// Numbers and arrays too.
    Typed,
}

impl Format {
    /// Returns all formats in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Format> {
        // SAFETY: the function accepts any index.
        let at = |index| Format::from_raw(unsafe { sys::tf_format_at(index) });
        (0..).map(at).take_while(|&format| format != Format::Auto)
    }

    /// Returns the extension with its dot, such as `".npz"`.
    #[must_use]
    pub fn extension(self) -> &'static str {
        // SAFETY: the function accepts any number.
        unsafe { static_text(sys::tf_format_extension(self.to_raw())) }
    }

    /// Returns what the format can hold and do.
    #[must_use]
    pub fn abilities(self) -> Abilities {
        // SAFETY: the function accepts any numbers.
        let ability = |which| unsafe { sys::tf_format_ability(self.to_raw(), which) };
        Abilities {
            single_array: ability(sys::TF_ABILITY_SINGLE_ARRAY) != 0,
            metadata: match i32::try_from(ability(sys::TF_ABILITY_METADATA)) {
                Ok(sys::TF_METADATA_NONE) => Metadata::None,
                Ok(sys::TF_METADATA_STRINGS) => Metadata::Strings,
                Ok(sys::TF_METADATA_STRING_LISTS) => Metadata::StringLists,
                _ => Metadata::Typed,
            },
            max_parts: ability(sys::TF_ABILITY_PARTS).unsigned_abs(),
            compression: ability(sys::TF_ABILITY_COMPRESSION) != 0,
            text_members: ability(sys::TF_ABILITY_TEXT_MEMBERS) != 0,
            model_keys: ability(sys::TF_ABILITY_MODEL_KEYS) != 0,
            header_slack: ability(sys::TF_ABILITY_HEADER_SLACK) != 0,
        }
    }
}

impl str::FromStr for Format {
    type Err = Error;

    /// Parses the name of a format, such as `"npz"`.
    fn from_str(name: &str) -> Result<Self> {
        let unknown = || Error::new(ErrorKind::InvalidArgument, format!("no format is named {name:?}"));
        Format::all().find(|format| format.name() == name).ok_or_else(unknown)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A Rust type whose values can be elements of an array.
///
/// # Safety
/// Values must have the size and layout of elements of `DTYPE`, no padding, and an alignment that divides the size.
/// Bytes for which `check` returns `true` must be valid values.
pub unsafe trait Element: Copy + Send + Sync + 'static {
    /// The dtype of the elements.
    const DTYPE: Dtype;

    /// `true` if `check` returns `true` for all bytes.
    #[doc(hidden)]
    const ANY_BYTES: bool = true;

    /// Returns `true` if the bytes are valid values.
    #[doc(hidden)]
    #[must_use]
    fn check(bytes: &[u8]) -> bool {
        let _ = bytes;
        true
    }
}

macro_rules! elements {
    ($($(#[$condition:meta])* $kind:ty => $dtype:ident,)*) => {$(
        $(#[$condition])*
        // SAFETY: plain numbers with that layout, for which all bit patterns are valid.
        unsafe impl Element for $kind {
            const DTYPE: Dtype = Dtype::$dtype;
        }
    )*};
}

elements! {
    i8 => Int8,
    i16 => Int16,
    i32 => Int32,
    i64 => Int64,
    u8 => UInt8,
    u16 => UInt16,
    u32 => UInt32,
    u64 => UInt64,
    f32 => Float32,
    f64 => Float64,
    [f32; 2] => Complex64,
    [f64; 2] => Complex128,
    #[cfg(feature = "half")]
    #[cfg_attr(docsrs, doc(cfg(feature = "half")))]
    half::f16 => Float16,
    #[cfg(feature = "half")]
    #[cfg_attr(docsrs, doc(cfg(feature = "half")))]
    half::bf16 => BFloat16,
}

// SAFETY: one byte, and `check` rejects all values except 0 and 1.
unsafe impl Element for bool {
    const DTYPE: Dtype = Dtype::Bool;
    const ANY_BYTES: bool = false;

    fn check(bytes: &[u8]) -> bool {
        bytes.iter().all(|&byte| byte <= 1)
    }
}

/// Returns the memory of elements as bytes.
pub(crate) fn bytes_of<T: Element>(elements: &[T]) -> &[u8] {
    // SAFETY: elements have no padding, and any byte is a u8.
    unsafe { std::slice::from_raw_parts(elements.as_ptr().cast(), size_of_val(elements)) }
}

/// Returns bytes as elements. Fails if they are misaligned, end within an element, or are not valid values.
pub(crate) fn elements_of<T: Element>(bytes: &[u8]) -> Result<&[T]> {
    if bytes.is_empty() {
        return Ok(&[]);
    }
    if bytes.as_ptr().align_offset(align_of::<T>()) != 0 || bytes.len() % size_of::<T>() != 0 {
        let message = format!("{} bytes at this address cannot hold elements of {}", bytes.len(), T::DTYPE);
        return Err(Error::new(ErrorKind::InvalidArgument, message));
    }
    if !T::check(bytes) {
        return Err(Error::new(ErrorKind::Type, format!("the array has elements that are not valid for {}", T::DTYPE)));
    }
    // SAFETY: alignment, length and values were just checked.
    Ok(unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len() / size_of::<T>()) })
}

/// Like [`elements_of`] for mutable bytes. `T` is not bool, or the caller keeps the values valid.
pub(crate) fn elements_of_mut<T: Element>(bytes: &mut [u8]) -> Result<&mut [T]> {
    let count = elements_of::<T>(bytes)?.len();
    if count == 0 {
        return Ok(&mut []);
    }
    // SAFETY: alignment, length and values were just checked; the elements borrow what the bytes borrowed.
    Ok(unsafe { std::slice::from_raw_parts_mut(bytes.as_mut_ptr().cast(), count) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_numbers_stay_numbers() {
        for &dtype in DTYPES {
            assert_eq!(Dtype::from_raw(dtype.to_raw()), dtype);
        }
        for &format in FORMATS {
            assert_eq!(Format::from_raw(format.to_raw()), format);
        }
        assert_eq!(Dtype::from_raw(-5), Dtype::Unknown(-5));
        assert_eq!(Format::from_raw(99), Format::Unknown(99));
    }

    #[test]
    fn elements_and_bytes() {
        let numbers = [1.5f32, -2.0];
        let bytes = bytes_of(&numbers);
        assert_eq!(bytes.len(), 8);
        assert_eq!(elements_of::<f32>(bytes).unwrap(), numbers);
        assert_eq!(elements_of::<f32>(&[]).unwrap(), [0f32; 0]);
        assert!(elements_of::<f32>(&bytes[1..5]).is_err());
        assert!(elements_of::<f32>(&bytes[..6]).is_err());
    }

    #[test]
    fn only_0_and_1_are_bools() {
        assert_eq!(elements_of::<bool>(&[0, 1, 1]).unwrap(), [false, true, true]);
        assert_eq!(elements_of::<bool>(&[0, 2]).unwrap_err().kind(), ErrorKind::Type);
    }

    #[test]
    fn changing_elements_changes_bytes() {
        let mut numbers = [0x0101u16, 0x0202];
        // SAFETY: the array is borrowed as long as its bytes.
        let bytes = unsafe { std::slice::from_raw_parts_mut(numbers.as_mut_ptr().cast::<u8>(), 4) };
        elements_of_mut::<u16>(bytes).unwrap()[1] = 0x0505;
        assert_eq!(numbers, [0x0101, 0x0505]);
    }

    #[test]
    #[cfg_attr(miri, ignore = "calls the library")]
    fn every_dtype_of_the_library_is_here() {
        for raw in 0..1000 {
            let dtype = Dtype::from_raw(raw);
            let known = raw != 0 && dtype.name() != "unsupported";
            assert_eq!(known, !matches!(dtype, Dtype::Unknown(_) | Dtype::Unsupported), "dtype {raw} {dtype}");
            if known {
                assert_eq!(dtype.name().parse::<Dtype>().unwrap(), dtype);
            }
            let format = Format::from_raw(raw);
            assert_eq!(format.name() != "unknown", !matches!(format, Format::Unknown(_)), "format {raw}");
            let status = ErrorKind::from_raw(raw);
            assert_eq!(
                raw != 0 && status.name() != "unknown",
                !matches!(status, ErrorKind::Unknown(_)),
                "status {raw}"
            );
        }
    }
}
