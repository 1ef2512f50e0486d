//! Converts between maps and the library's dicts.

use std::ffi::c_char;
use std::ptr::{self, NonNull};
use std::slice;

use crate::array::Array;
use crate::call::{check, handle, make};
use crate::dtype::{Dtype, Element};
use crate::error::{Error, ErrorKind, Result};
use crate::map::{Arrays, Dict, Map};
use crate::sys;
use crate::value::Value;

/// A dict of the library.
#[derive(Debug)]
pub struct RawDict(NonNull<sys::tf_dict>);

handle!(RawDict, tf_dict, tf_dict_release);

/// A type of values that the library has in its dicts.
pub trait Item {
    #[doc(hidden)]
    fn put(&self, dict: &mut RawDict, name: &str) -> Result<()>;
}

/// A map that can be saved.
pub(crate) trait Save {
    fn to_raw(&self) -> Result<RawDict>;
}

impl<V: Item> Save for Map<V> {
    fn to_raw(&self) -> Result<RawDict> {
        RawDict::from_map(self)
    }
}

/// Returns a name or text in the form that the library takes.
fn parts(text: &[u8]) -> (*const c_char, usize) {
    (text.as_ptr().cast(), text.len())
}

/// Runs a call that returns a borrowed text.
///
/// # Safety
/// The text is valid for 'a.
pub(crate) unsafe fn borrowed_text<'a>(
    call: impl FnOnce(*mut *const c_char, *mut usize) -> sys::tf_status,
) -> Result<&'a [u8]> {
    let (mut text, mut length) = (ptr::null(), 0);
    check(|| call(&raw mut text, &raw mut length))?;
    // SAFETY: on success the text is not NULL and has that length; the caller guarantees how long it is valid.
    Ok(unsafe { slice::from_raw_parts(text.cast(), length) })
}

/// Returns text of the library that is always UTF-8.
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes)
        .map_err(|_| Error::new(ErrorKind::Internal, "the library returned text that is not UTF-8"))
}

impl Item for Array {
    fn put(&self, dict: &mut RawDict, name: &str) -> Result<()> {
        let (name, length) = parts(name.as_bytes());
        // SAFETY: no other reference to the dict exists; the array is valid; the pointer has its length.
        check(|| unsafe { sys::tf_dict_set_array(dict.as_ptr(), name, length, self.as_ptr()) })
    }
}

impl Item for Value {
    fn put(&self, dict: &mut RawDict, name: &str) -> Result<()> {
        match self {
            Value::Bool(value) => dict.put_number(name, *value),
            Value::I8(number) => dict.put_number(name, *number),
            Value::I16(number) => dict.put_number(name, *number),
            Value::I32(number) => dict.put_number(name, *number),
            Value::I64(number) => dict.put_number(name, *number),
            Value::U8(number) => dict.put_number(name, *number),
            Value::U16(number) => dict.put_number(name, *number),
            Value::U32(number) => dict.put_number(name, *number),
            Value::U64(number) => dict.put_number(name, *number),
            Value::F32(number) => dict.put_number(name, *number),
            Value::F64(number) => dict.put_number(name, *number),
            Value::String(text) => dict.put_string(name, text.as_bytes()),
            Value::Bytes(bytes) => dict.put_string(name, bytes),
            Value::Strings(list) => dict.put_list(name, list),
            Value::ByteStrings(list) => dict.put_list(name, list),
            Value::Array(array) => array.put(dict, name),
            Value::Dict(nested) => dict.put_dict(name, &RawDict::from_map(nested)?),
        }
    }
}

impl RawDict {
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: the output is valid.
        make(|out| unsafe { sys::tf_dict_new(out) })
    }

    pub(crate) fn from_map<V: Item>(map: &Map<V>) -> Result<Self> {
        let mut dict = RawDict::new()?;
        for (name, value) in map {
            value.put(&mut dict, name)?;
        }
        Ok(dict)
    }

    pub(crate) fn as_ptr(&self) -> *mut sys::tf_dict {
        self.0.as_ptr()
    }

    fn put_number<T: Element>(&mut self, name: &str, number: T) -> Result<()> {
        let ((name, length), dtype) = (parts(name.as_bytes()), T::DTYPE.to_raw());
        let number = ptr::from_ref(&number).cast();
        // SAFETY: no other reference to the handle exists; the name has its length, and the number the dtype.
        check(|| unsafe { sys::tf_dict_set_scalar(self.as_ptr(), name, length, dtype, number) })
    }

    fn put_string(&mut self, name: &str, text: &[u8]) -> Result<()> {
        let ((name, length), (text, text_length)) = (parts(name.as_bytes()), parts(text));
        // SAFETY: no other reference to the handle exists; each pointer has its length.
        check(|| unsafe { sys::tf_dict_set_string(self.as_ptr(), name, length, text, text_length) })
    }

    fn put_list<S: AsRef<[u8]>>(&mut self, name: &str, list: &[S]) -> Result<()> {
        let (name, length) = parts(name.as_bytes());
        // SAFETY: no other reference to the handle exists; the pointer has its length.
        check(|| unsafe { sys::tf_dict_set_string_list(self.as_ptr(), name, length) })?;
        for text in list {
            let (text, text_length) = parts(text.as_ref());
            // SAFETY: no other reference to the handle exists; each pointer has its length.
            check(|| unsafe { sys::tf_dict_string_list_append(self.as_ptr(), name, length, text, text_length) })?;
        }
        Ok(())
    }

    fn put_dict(&mut self, name: &str, nested: &RawDict) -> Result<()> {
        let (name, length) = parts(name.as_bytes());
        // SAFETY: no other reference to this handle exists; the pointer has its length.
        check(|| unsafe { sys::tf_dict_set_dict(self.as_ptr(), name, length, nested.as_ptr()) })
    }

    pub(crate) fn flatten(&self) -> Result<Self> {
        // SAFETY: the handle is valid.
        make(|out| unsafe { sys::tf_dict_flatten(out, self.as_ptr()) })
    }

    pub(crate) fn unflatten(&self) -> Result<Self> {
        // SAFETY: the handle is valid.
        make(|out| unsafe { sys::tf_dict_unflatten(out, self.as_ptr()) })
    }

    pub(crate) fn compare(&self, actual: &RawDict) -> Result<Self> {
        // SAFETY: the handles are valid.
        make(|out| unsafe { sys::tf_dict_compare(out, self.as_ptr(), actual.as_ptr()) })
    }

    /// Returns the arrays of a flat dict.
    pub(crate) fn arrays(&self) -> Result<Arrays> {
        // SAFETY: the handle is valid.
        unsafe { Reader::new(self.as_ptr()) }.read(|reader, index, name| match reader.kind(index) {
            sys::TF_KIND_ARRAY => reader.array(index),
            _ => Err(Error::new(ErrorKind::Type, format!("value '{name}' is not an array")).with_name(name)),
        })
    }

    /// Returns a tree, or a report of the library.
    pub(crate) fn tree(&self) -> Result<Dict> {
        // SAFETY: the handle is valid.
        unsafe { values(self.as_ptr(), false) }
    }

    /// Returns metadata, whose arrays without dimensions are numbers.
    pub(crate) fn metadata(&self) -> Result<Dict> {
        // SAFETY: the handle is valid.
        unsafe { values(self.as_ptr(), true) }
    }
}

/// Returns the values of a dict. With `numbers`, arrays without dimensions become numbers if Rust has their type.
///
/// # Safety
/// `dict` is valid, and does not change during the call.
pub(crate) unsafe fn values(dict: *const sys::tf_dict, numbers: bool) -> Result<Dict> {
    // SAFETY: guaranteed by the caller.
    unsafe { Reader::new(dict) }.read(|reader, index, name| match reader.kind(index) {
        sys::TF_KIND_ARRAY => {
            let array = reader.array(index)?;
            let number = if numbers && array.ndim() == 0 { number(&array)? } else { None };
            Ok(number.unwrap_or(Value::Array(array)))
        }
        sys::TF_KIND_STRING => {
            let bytes = reader.string(index)?.to_vec();
            Ok(String::from_utf8(bytes).map_or_else(|error| Value::Bytes(error.into_bytes()), Value::String))
        }
        sys::TF_KIND_STRING_LIST => reader.list(index),
        sys::TF_KIND_DICT => reader.nested(index, numbers).map(Value::Dict),
        kind => Err(Error::new(ErrorKind::Unsupported, format!("value '{name}' has the unknown kind {kind}"))),
    })
}

fn number(array: &Array) -> Result<Option<Value>> {
    Ok(Some(match array.dtype() {
        Dtype::Bool => array.as_slice::<bool>()?[0].into(),
        Dtype::Int8 => array.as_slice::<i8>()?[0].into(),
        Dtype::Int16 => array.as_slice::<i16>()?[0].into(),
        Dtype::Int32 => array.as_slice::<i32>()?[0].into(),
        Dtype::Int64 => array.as_slice::<i64>()?[0].into(),
        Dtype::UInt8 => array.as_slice::<u8>()?[0].into(),
        Dtype::UInt16 => array.as_slice::<u16>()?[0].into(),
        Dtype::UInt32 => array.as_slice::<u32>()?[0].into(),
        Dtype::UInt64 => array.as_slice::<u64>()?[0].into(),
        Dtype::Float32 => array.as_slice::<f32>()?[0].into(),
        Dtype::Float64 => array.as_slice::<f64>()?[0].into(),
        _ => return Ok(None),
    }))
}

/// Reads the values of a dict.
struct Reader(*const sys::tf_dict);

impl Reader {
    /// # Safety
    /// `dict` is valid and does not change as long as the reader is used.
    unsafe fn new(dict: *const sys::tf_dict) -> Self {
        Reader(dict)
    }

    fn read<V>(&self, value: impl Fn(&Self, usize, &str) -> Result<V>) -> Result<Map<V>> {
        // SAFETY: the handle is valid.
        let count = unsafe { sys::tf_dict_size(self.0) };
        let mut map = Map::with_capacity(count);
        for index in 0..count {
            // SAFETY: the handle is valid, and the dict does not change.
            let name = unsafe { borrowed_text(|name, length| sys::tf_dict_key_at(name, length, self.0, index)) }?;
            let name = utf8(name)?;
            map.insert(name, value(self, index, name)?);
        }
        Ok(map)
    }

    fn kind(&self, index: usize) -> sys::tf_kind {
        // SAFETY: the handle is valid.
        unsafe { sys::tf_dict_kind_at(self.0, index) }
    }

    fn array(&self, index: usize) -> Result<Array> {
        // SAFETY: the handle is valid.
        make(|out| unsafe { sys::tf_dict_array_at(out, self.0, index) })
    }

    fn string(&self, index: usize) -> Result<&[u8]> {
        // SAFETY: the handle is valid, and the dict does not change.
        unsafe { borrowed_text(|text, length| sys::tf_dict_string_at(text, length, self.0, index)) }
    }

    fn list(&self, index: usize) -> Result<Value> {
        let mut count = 0;
        // SAFETY: the handle is valid.
        check(|| unsafe { sys::tf_dict_string_list_size_at(&raw mut count, self.0, index) })?;
        // SAFETY: the handle is valid, and the dict does not change.
        let string = |item| unsafe {
            borrowed_text(|text, length| sys::tf_dict_string_list_item_at(text, length, self.0, index, item))
        };
        let list = (0..count).map(string).collect::<Result<Vec<&[u8]>>>()?;
        let strings: std::result::Result<Vec<String>, _> =
            list.iter().map(|bytes| std::str::from_utf8(bytes).map(str::to_owned)).collect();
        Ok(strings
            .map_or_else(|_| Value::ByteStrings(list.iter().map(|bytes| bytes.to_vec()).collect()), Value::Strings))
    }

    fn nested(&self, index: usize, numbers: bool) -> Result<Dict> {
        // SAFETY: the handle is valid.
        let nested: RawDict = make(|out| unsafe { sys::tf_dict_dict_at(out, self.0, index) })?;
        // SAFETY: the handle is valid.
        unsafe { values(nested.as_ptr(), numbers) }
    }
}
