//! Values of metadata and trees.

use std::borrow::Cow;
use std::fmt;

use crate::array::Array;
use crate::dtype::Element;
use crate::error::{Error, ErrorKind};
use crate::map::Dict;

/// A value in a [`Dict`]: a number, a string, a list of strings, an array, or another dict.
///
/// A number keeps its type, which is that of the file, and the one that it is saved with. What converts to a value can
/// be inserted into a dict; `TryFrom` converts back, and fails with [`ErrorKind::Type`] if the value has another kind or
/// an integer does not fit.
///
/// ```
/// use tensorfile::Value;
///
/// let value = Value::from(12u32);
/// assert_eq!(value, Value::U32(12));
/// assert_eq!(u64::try_from(&value)?, 12);
/// assert!(f64::try_from(&value).is_err());
/// assert_eq!(format!("{value} {:?}", Value::from(["<s>", "</s>"])), r#"12 ["<s>", "</s>"]"#);
/// # Ok::<(), tensorfile::Error>(())
/// ```
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A bool.
    Bool(bool),
    /// A signed integer of 8 bits.
    I8(i8),
    /// A signed integer of 16 bits.
    I16(i16),
    /// A signed integer of 32 bits.
    I32(i32),
    /// A signed integer of 64 bits.
    I64(i64),
    /// An unsigned integer of 8 bits.
    U8(u8),
    /// An unsigned integer of 16 bits.
    U16(u16),
    /// An unsigned integer of 32 bits.
    U32(u32),
    /// An unsigned integer of 64 bits.
    U64(u64),
    /// A float of 32 bits.
    F32(f32),
    /// A float of 64 bits.
    F64(f64),
    /// A string.
    String(String),
    /// A string that is not UTF-8, because the writer of the file did not follow its format.
    Bytes(Vec<u8>),
    /// A list of strings.
    Strings(Vec<String>),
    /// A list of strings of which at least one is not UTF-8.
    ByteStrings(Vec<Vec<u8>>),
    /// An array.
    Array(Array),
    /// A dict.
    Dict(Dict),
}

impl Value {
    /// Returns the bool, or `None` if this is none.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        self.try_into().ok()
    }

    /// Returns the integer, of any type, if it fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        self.try_into().ok()
    }

    /// Returns the integer, of any type, if it fits.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        self.try_into().ok()
    }

    /// Returns the float, of either type.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        self.try_into().ok()
    }

    /// Returns the string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.try_into().ok()
    }

    /// Returns the bytes of the string, which need not be UTF-8.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        self.try_into().ok()
    }

    /// Returns the list of strings.
    #[must_use]
    pub fn as_strings(&self) -> Option<&[String]> {
        self.try_into().ok()
    }

    /// Returns the list of numbers, which is an array of one dimension, if its elements are of the type `T`.
    ///
    /// ```
    /// let value = tensorfile::Value::from([1u32, 2]);
    /// assert_eq!(value.as_slice::<u32>(), Some(&[1, 2][..]));
    /// assert_eq!(value.as_slice::<i64>(), None);
    /// ```
    #[must_use]
    pub fn as_slice<T: Element>(&self) -> Option<&[T]> {
        self.as_array().filter(|array| array.ndim() == 1)?.as_slice().ok()
    }

    /// Returns the array.
    #[must_use]
    pub fn as_array(&self) -> Option<&Array> {
        self.try_into().ok()
    }

    /// Returns the array to change it.
    #[must_use]
    pub fn as_array_mut(&mut self) -> Option<&mut Array> {
        if let Value::Array(array) = self { Some(array) } else { None }
    }

    /// Returns the dict.
    #[must_use]
    pub fn as_dict(&self) -> Option<&Dict> {
        self.try_into().ok()
    }

    /// Returns the dict to change it.
    #[must_use]
    pub fn as_dict_mut(&mut self) -> Option<&mut Dict> {
        if let Value::Dict(dict) = self { Some(dict) } else { None }
    }

    /// Returns what kind of value this is, for messages.
    fn kind(&self) -> &'static str {
        match self {
            Value::Bool(_) => "a bool",
            Value::I8(_) => "an i8",
            Value::I16(_) => "an i16",
            Value::I32(_) => "an i32",
            Value::I64(_) => "an i64",
            Value::U8(_) => "a u8",
            Value::U16(_) => "a u16",
            Value::U32(_) => "a u32",
            Value::U64(_) => "a u64",
            Value::F32(_) => "an f32",
            Value::F64(_) => "an f64",
            Value::String(_) => "a string",
            Value::Bytes(_) => "a string that is not UTF-8",
            Value::Strings(_) => "a list of strings",
            Value::ByteStrings(_) => "a list of strings that are not UTF-8",
            Value::Array(_) => "an array",
            Value::Dict(_) => "a dict",
        }
    }

    fn is_no(&self, expected: &str) -> Error {
        Error::new(ErrorKind::Type, format!("expected {expected}, found {}", self.kind()))
    }
}

macro_rules! numbers {
    ($($kind:ty => $variant:ident),*) => {$(
        impl From<$kind> for Value {
            fn from(number: $kind) -> Self {
                Value::$variant(number)
            }
        }
    )*};
}
numbers! {
    bool => Bool, i8 => I8, i16 => I16, i32 => I32, i64 => I64, u8 => U8, u16 => U16, u32 => U32, u64 => U64,
    f32 => F32, f64 => F64
}

/// The number has 64 bits.
impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Value::U64(number as u64)
    }
}

/// The number has 64 bits.
impl From<isize> for Value {
    fn from(number: isize) -> Self {
        Value::I64(number as i64)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::String(text.to_owned())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Value::String(text.clone())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::String(text)
    }
}

impl From<Cow<'_, str>> for Value {
    fn from(text: Cow<'_, str>) -> Self {
        Value::String(text.into_owned())
    }
}

fn strings<S: AsRef<str>>(list: &[S]) -> Value {
    Value::Strings(list.iter().map(|text| text.as_ref().to_owned()).collect())
}

macro_rules! string_lists {
    ($($text:ty),*) => {$(
        impl From<&[$text]> for Value {
            fn from(list: &[$text]) -> Self {
                strings(list)
            }
        }

        impl From<&Vec<$text>> for Value {
            fn from(list: &Vec<$text>) -> Self {
                strings(list)
            }
        }

        impl<const N: usize> From<[$text; N]> for Value {
            fn from(list: [$text; N]) -> Self {
                strings(&list)
            }
        }

        impl<const N: usize> From<&[$text; N]> for Value {
            fn from(list: &[$text; N]) -> Self {
                strings(list)
            }
        }
    )*};
}
string_lists!(&str, String);

impl From<Vec<&str>> for Value {
    fn from(list: Vec<&str>) -> Self {
        strings(&list)
    }
}

impl From<Vec<String>> for Value {
    fn from(list: Vec<String>) -> Self {
        Value::Strings(list)
    }
}

impl From<Array> for Value {
    fn from(array: Array) -> Self {
        Value::Array(array)
    }
}

/// The value shares the memory of the array.
impl From<&Array> for Value {
    fn from(array: &Array) -> Self {
        Value::Array(array.clone())
    }
}

impl From<Dict> for Value {
    fn from(dict: Dict) -> Self {
        Value::Dict(dict)
    }
}

impl From<&Dict> for Value {
    fn from(dict: &Dict) -> Self {
        Value::Dict(dict.clone())
    }
}

impl From<&Value> for Value {
    fn from(value: &Value) -> Self {
        value.clone()
    }
}

/// The value is an array of one dimension.
impl<T: Element> From<Vec<T>> for Value {
    #[track_caller]
    fn from(elements: Vec<T>) -> Self {
        Value::Array(elements.into())
    }
}

macro_rules! element_lists {
    ($($list:ty $(, $count:ident)?;)*) => {$(
        /// The value is an array of one dimension.
        impl<T: Element $(, const $count: usize)?> From<$list> for Value {
            #[track_caller]
            fn from(elements: $list) -> Self {
                Value::Array(elements.into())
            }
        }
    )*};
}
element_lists! {
    &[T];
    &Vec<T>;
    [T; N], N;
    &[T; N], N;
}

macro_rules! integers {
    ($($kind:ident),*) => {$(
        /// Accepts an integer of any type that fits.
        impl TryFrom<&Value> for $kind {
            type Error = Error;

            fn try_from(value: &Value) -> Result<Self, Error> {
                let converted = match value {
                    &Value::I8(number) => number.try_into().ok(),
                    &Value::I16(number) => number.try_into().ok(),
                    &Value::I32(number) => number.try_into().ok(),
                    &Value::I64(number) => number.try_into().ok(),
                    &Value::U8(number) => number.try_into().ok(),
                    &Value::U16(number) => number.try_into().ok(),
                    &Value::U32(number) => number.try_into().ok(),
                    &Value::U64(number) => number.try_into().ok(),
                    other => return Err(other.is_no("an integer")),
                };
                converted.ok_or_else(|| {
                    Error::new(ErrorKind::Type, format!(concat!("{} does not fit into ", stringify!($kind)), value))
                })
            }
        }
    )*};
}
integers!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);

macro_rules! kinds {
    ($($(#[$comment:meta])* $target:ty, $expected:literal: $($pattern:pat => $result:expr),+;)*) => {$(
        $(#[$comment])*
        impl<'a> TryFrom<&'a Value> for $target {
            type Error = Error;

            fn try_from(value: &'a Value) -> Result<Self, Error> {
                match value {
                    $($pattern => Ok($result),)+
                    other => Err(other.is_no($expected)),
                }
            }
        }
    )*};
}
kinds! {
    bool, "a bool": Value::Bool(value) => *value;
    f32, "an f32": Value::F32(number) => *number;
    /// Accepts an f32 too.
    f64, "an f32 or f64": Value::F64(number) => *number, Value::F32(number) => (*number).into();
    &'a str, "a string": Value::String(text) => text;
    String, "a string": Value::String(text) => text.clone();
    &'a [u8], "a string": Value::String(text) => text.as_bytes(), Value::Bytes(bytes) => bytes;
    &'a [String], "a list of strings": Value::Strings(list) => list;
    &'a Array, "an array": Value::Array(array) => array;
    &'a Dict, "a dict": Value::Dict(dict) => dict;
}

/// Accepts an array of one dimension whose elements are of the type `T`.
impl<T: Element> TryFrom<&Value> for Vec<T> {
    type Error = Error;

    fn try_from(value: &Value) -> Result<Self, Error> {
        let found = match value {
            Value::Array(array) if array.ndim() == 1 && array.dtype() == T::DTYPE => return array.to_vec(),
            Value::Array(array) => format!("{}{:?}", array.dtype(), array.shape()),
            other => other.kind().to_owned(),
        };
        Err(Error::new(ErrorKind::Type, format!("expected a list of {}, found {found}", T::DTYPE)))
    }
}

/// Accepts an array of one dimension whose elements are of the type `T`.
impl<T: Element> TryFrom<Value> for Vec<T> {
    type Error = Error;

    fn try_from(value: Value) -> Result<Self, Error> {
        (&value).try_into()
    }
}

macro_rules! owned {
    ($($target:ty, $expected:literal: $pattern:pat => $result:expr;)*) => {$(
        impl TryFrom<Value> for $target {
            type Error = Error;

            fn try_from(value: Value) -> Result<Self, Error> {
                match value {
                    $pattern => Ok($result),
                    other => Err(other.is_no($expected)),
                }
            }
        }
    )*};
}
owned! {
    String, "a string": Value::String(text) => text;
    Vec<String>, "a list of strings": Value::Strings(list) => list;
    Array, "an array": Value::Array(array) => array;
    Dict, "a dict": Value::Dict(dict) => dict;
}

/// Prints a list with at most 16 of its items.
fn list<T: fmt::Debug>(f: &mut fmt::Formatter<'_>, items: impl ExactSizeIterator<Item = T>) -> fmt::Result {
    const MOST: usize = 16;
    let count = items.len();
    let mut out = f.debug_list();
    out.entries(items.take(MOST));
    if count > MOST {
        out.entry(&format_args!("... {} more", count - MOST));
    }
    out.finish()
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Bool(value) => value.fmt(f),
            Value::I8(number) => number.fmt(f),
            Value::I16(number) => number.fmt(f),
            Value::I32(number) => number.fmt(f),
            Value::I64(number) => number.fmt(f),
            Value::U8(number) => number.fmt(f),
            Value::U16(number) => number.fmt(f),
            Value::U32(number) => number.fmt(f),
            Value::U64(number) => number.fmt(f),
            Value::F32(number) => number.fmt(f),
            Value::F64(number) => number.fmt(f),
            Value::String(text) => text.fmt(f),
            Value::Bytes(bytes) => String::from_utf8_lossy(bytes).fmt(f),
            Value::Strings(strings) => list(f, strings.iter()),
            Value::ByteStrings(strings) => list(f, strings.iter().map(|bytes| String::from_utf8_lossy(bytes))),
            Value::Array(array) => array.fmt(f),
            Value::Dict(dict) => dict.fmt(f),
        }
    }
}

/// Prints a string as it is, and other values as `Debug` does.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::String(text) => f.pad(text),
            other => fmt::Debug::fmt(other, f),
        }
    }
}
