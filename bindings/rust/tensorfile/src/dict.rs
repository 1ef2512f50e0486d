//! Maps from names to arrays, strings, lists of strings and dicts.

use std::borrow::Borrow;
use std::cell::UnsafeCell;
use std::ffi::c_char;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut, Index};
use std::ptr::{self, NonNull};
use std::{fmt, slice, str};

use crate::array::{Array, ArrayRef};
use crate::call::{check, handle, make, release};
use crate::dtype::{Dtype, Element};
use crate::error::{Error, Result, Status};
use crate::sys;

/// Maps names to arrays, strings, lists of strings, and dicts. It keeps the order of insertion, or that of the file.
///
/// ```
/// use tensorfile::{Array, Dict, Value};
///
/// let mut dict = Dict::new()?;
/// dict.insert("weight", Array::from_slice([2, 2], &[1.0f32, 2.0, 3.0, 4.0])?)?;
/// dict.insert("general.name", "a model")?;
/// dict.insert("layers", 12)?;
/// dict.insert("tokens", ["<s>", "</s>"])?;
///
/// assert_eq!(dict["weight"].shape(), [2, 2]);
/// assert_eq!(dict.get_str("general.name")?, "a model");
/// assert_eq!(dict.get_i64("layers")?, 12);
/// for (name, value) in &dict {
///     match value {
///         Value::Array(array) => println!("{name}: {array:?}"),
///         other => println!("{name} = {other:?}"),
///     }
/// }
/// # Ok::<(), tensorfile::Error>(())
/// ```
#[repr(transparent)]
pub struct Dict(NonNull<sys::tf_dict>);

/// A borrowed dict, such as one in another dict. [`Dict`] dereferences to it.
///
/// [`to_owned`](ToOwned::to_owned) returns a new [`Dict`] with the same values.
#[repr(C)]
pub struct DictRef {
    // The object of the library, of which Rust knows only the address.
    _object: UnsafeCell<[u8; 0]>,
    _marker: PhantomData<*mut u8>,
}

handle!(Dict, tf_dict, tf_dict_release);

// SAFETY: everything that & allows is const in the library, which supports concurrent calls; arrays are Send and Sync.
// A Dict is the only owner of its object.
unsafe impl Send for Dict {}
// SAFETY: Sync holds for the same reasons as Send.
unsafe impl Sync for Dict {}
// SAFETY: it refers to the same kind of object as the owning type.
unsafe impl Send for DictRef {}
// SAFETY: Sync holds for the same reasons as Send.
unsafe impl Sync for DictRef {}

impl Deref for Dict {
    type Target = DictRef;
    fn deref(&self) -> &DictRef {
        // SAFETY: the dict lives as long as `self`.
        unsafe { DictRef::from_ptr(self.0.as_ptr()) }
    }
}

impl DerefMut for Dict {
    fn deref_mut(&mut self) -> &mut DictRef {
        // SAFETY: the dict lives as long as `self`, and belongs to it alone.
        unsafe { DictRef::from_ptr_mut(self.0.as_ptr()) }
    }
}

impl AsRef<DictRef> for Dict {
    fn as_ref(&self) -> &DictRef {
        self
    }
}

impl Borrow<DictRef> for Dict {
    fn borrow(&self) -> &DictRef {
        self
    }
}

/// Returns a new dict with the same values. Arrays share their memory until one side changes it; nested dicts are
/// cloned.
///
/// # Panics
/// Panics if there is not enough memory, like clones of other collections.
impl Clone for Dict {
    fn clone(&self) -> Self {
        (**self).to_owned()
    }
}

impl ToOwned for DictRef {
    type Owned = Dict;
    fn to_owned(&self) -> Dict {
        self.try_clone().unwrap_or_else(|error| panic!("cloning a dict: {error}"))
    }
}

impl Dict {
    /// Creates an empty dict.
    pub fn new() -> Result<Self> {
        // SAFETY: the output is valid.
        make(|out| unsafe { sys::tf_dict_new(out) })
    }
}

/// A value in a dict.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Value<'a> {
    /// An array; numbers are 0-d arrays.
    Array(&'a ArrayRef),
    /// A string.
    Str(&'a str),
    /// A string that is not UTF-8, since the writer of the file did not follow its format.
    Bytes(&'a [u8]),
    /// A list of strings.
    List(StringList<'a>),
    /// A dict.
    Dict(&'a DictRef),
}

/// Returns a key or text in the form that the library takes.
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
    check(|| call(&mut text, &mut length))?;
    // SAFETY: on success the text is not NULL and has that length; the caller guarantees how long it is valid.
    Ok(unsafe { slice::from_raw_parts(text.cast(), length) })
}

fn as_str<'a>(bytes: &'a [u8], key: &str) -> Result<&'a str> {
    str::from_utf8(bytes).map_err(|_| Error::new(Status::Type, format!("the string of {key:?} is not UTF-8")))
}

impl DictRef {
    /// # Safety
    /// `raw` is a dict that is valid and does not change for 'a.
    pub(crate) unsafe fn from_ptr<'a>(raw: *const sys::tf_dict) -> &'a Self {
        // SAFETY: guaranteed by the caller; nothing of the object is read.
        unsafe { &*raw.cast() }
    }

    /// # Safety
    /// `raw` is a dict that is valid and not used by anything else for 'a.
    unsafe fn from_ptr_mut<'a>(raw: *mut sys::tf_dict) -> &'a mut Self {
        // SAFETY: guaranteed by the caller; nothing of the object is read or written.
        unsafe { &mut *raw.cast() }
    }

    /// Returns the borrowed handle, for functions of `tensorfile-sys`.
    pub fn as_ptr(&self) -> *mut sys::tf_dict {
        ptr::from_ref(self).cast_mut().cast()
    }

    /// Returns the number of values.
    pub fn len(&self) -> usize {
        // SAFETY: the handle is valid.
        unsafe { sys::tf_dict_size(self.as_ptr()) }
    }

    /// Returns `true` if there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the index of a key.
    pub fn position(&self, key: &str) -> Option<usize> {
        let (key, length) = parts(key.as_bytes());
        let mut index = 0;
        // SAFETY: the handle is valid; the pointer has its length.
        check(|| unsafe { sys::tf_dict_find(&mut index, self.as_ptr(), key, length) }).ok()?;
        Some(index)
    }

    /// Returns `true` if there is a value with the key.
    pub fn contains_key(&self, key: &str) -> bool {
        self.position(key).is_some()
    }

    /// Returns the key at an index. Fails with [`Error::InvalidArgument`] if the index is out of range.
    pub fn key_at(&self, index: usize) -> Result<&str> {
        // SAFETY: the handle is valid; the key is valid until the dict changes, which is borrowed for as long.
        let key = unsafe { borrowed_text(|key, length| sys::tf_dict_key_at(key, length, self.as_ptr(), index)) }?;
        str::from_utf8(key).map_err(|_| Error::new(Status::Internal, "a key is not UTF-8"))
    }

    /// Returns the array of a key. Fails with [`Error::NotFound`], or with [`Error::Type`] if the value has another
    /// kind.
    ///
    /// `dict["name"]` is the same, but panics.
    pub fn get(&self, key: &str) -> Result<&ArrayRef> {
        let (key, length) = parts(key.as_bytes());
        // SAFETY: the handle is valid; the pointer has its length.
        let array: Array = make(|out| unsafe { sys::tf_dict_get_array(out, self.as_ptr(), key, length) })?;
        // SAFETY: the dict has its own reference until it changes, and is borrowed for as long.
        Ok(unsafe { ArrayRef::from_ptr(array.as_ptr()) })
    }

    /// Returns the string of a key.
    pub fn get_str(&self, key: &str) -> Result<&str> {
        as_str(self.get_bytes(key)?, key)
    }

    /// Returns the string of a key, which need not be UTF-8.
    pub fn get_bytes(&self, key: &str) -> Result<&[u8]> {
        let (key, key_length) = parts(key.as_bytes());
        // SAFETY: the handle is valid; the string is valid until the dict changes, which is borrowed for as long.
        unsafe { borrowed_text(|text, length| sys::tf_dict_get_string(text, length, self.as_ptr(), key, key_length)) }
    }

    /// Returns the list of strings of a key.
    pub fn get_list(&self, key: &str) -> Result<StringList<'_>> {
        let (raw_key, length) = parts(key.as_bytes());
        let mut count = 0;
        // SAFETY: the handle is valid; the pointer has its length.
        check(|| unsafe { sys::tf_dict_string_list_size(&mut count, self.as_ptr(), raw_key, length) })?;
        // The key in the dict lives as long as the list.
        let index = self.position(key).ok_or_else(|| Error::new(Status::Internal, "a key without an index"))?;
        Ok(StringList { dict: self, key: self.key_at(index)?, count })
    }

    /// Returns the dict of a key.
    pub fn get_dict(&self, key: &str) -> Result<&DictRef> {
        // SAFETY: this dict has its own reference until it changes, and is borrowed for as long.
        Ok(unsafe { DictRef::from_ptr(self.nested(key)?) })
    }

    /// Returns the dict of a key to change it.
    pub fn get_dict_mut(&mut self, key: &str) -> Result<&mut DictRef> {
        // SAFETY: the dict lives as long as its borrow. This is the only reference, since all others would come from
        // this dict, which is borrowed mutably.
        Ok(unsafe { DictRef::from_ptr_mut(self.nested(key)?) })
    }

    fn nested(&self, key: &str) -> Result<*mut sys::tf_dict> {
        let (key, length) = parts(key.as_bytes());
        let mut raw = ptr::null_mut();
        // SAFETY: the handle is valid; the pointer has its length.
        check(|| unsafe { sys::tf_dict_get_dict(&mut raw, self.as_ptr(), key, length) })?;
        // SAFETY: this function owns the reference; the dict has its own.
        release(|| unsafe { sys::tf_dict_release(raw) });
        Ok(raw)
    }

    /// Returns the value of a 0-d array of bool or an integer dtype.
    pub fn get_i64(&self, key: &str) -> Result<i64> {
        let (key, length) = parts(key.as_bytes());
        let mut value = 0;
        // SAFETY: the handle is valid; the pointer has its length.
        check(|| unsafe { sys::tf_dict_get_int64(&mut value, self.as_ptr(), key, length) })?;
        Ok(value)
    }

    /// Returns the value of a 0-d array of any real dtype.
    pub fn get_f64(&self, key: &str) -> Result<f64> {
        let (key, length) = parts(key.as_bytes());
        let mut value = 0.0;
        // SAFETY: the handle is valid; the pointer has its length.
        check(|| unsafe { sys::tf_dict_get_double(&mut value, self.as_ptr(), key, length) })?;
        Ok(value)
    }

    /// Returns the value of a key, whatever its kind.
    pub fn value(&self, key: &str) -> Option<Value<'_>> {
        self.value_at(self.position(key)?)
    }

    /// Returns the value at an index, or `None` if the index is out of range.
    pub fn value_at(&self, index: usize) -> Option<Value<'_>> {
        // SAFETY: the handle is valid.
        let kind = unsafe { sys::tf_dict_kind_at(self.as_ptr(), index) };
        let key = self.key_at(index).ok()?;
        match kind {
            sys::TF_KIND_ARRAY => self.get(key).ok().map(Value::Array),
            sys::TF_KIND_STRING => {
                let bytes = self.get_bytes(key).ok()?;
                Some(str::from_utf8(bytes).map_or(Value::Bytes(bytes), Value::Str))
            }
            sys::TF_KIND_STRING_LIST => self.get_list(key).ok().map(Value::List),
            sys::TF_KIND_DICT => self.get_dict(key).ok().map(Value::Dict),
            _ => None,
        }
    }

    /// Returns an iterator over the names and values in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter { dict: self, next: 0, len: self.len() }
    }

    /// Returns an iterator over the names in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(key, _)| key)
    }

    /// Returns an iterator over the names and arrays in order. It skips values of other kinds.
    pub fn arrays(&self) -> impl Iterator<Item = (&str, &ArrayRef)> {
        self.iter().filter_map(|(key, value)| match value {
            Value::Array(array) => Some((key, array)),
            _ => None,
        })
    }

    /// Stores a value under a key. If the key exists, the new value replaces the old one at the same index.
    ///
    /// A value is an array (by value or reference; the memory is shared), a string, a number (which becomes a 0-d
    /// array), a slice of numbers (which becomes a 1-d array), a list of strings, or a dict.
    pub fn insert(&mut self, key: &str, value: impl IntoValue) -> Result<()> {
        value.put(self, key)
    }

    /// Stores a string that need not be UTF-8.
    pub fn insert_bytes(&mut self, key: &str, bytes: &[u8]) -> Result<()> {
        let ((key, length), (text, text_length)) = (parts(key.as_bytes()), parts(bytes));
        // SAFETY: no other reference to the handle exists; each pointer has its length.
        check(|| unsafe { sys::tf_dict_set_string(self.as_ptr(), key, length, text, text_length) })
    }

    /// Stores an empty list of strings, to be filled by [`push`](DictRef::push).
    pub fn insert_list(&mut self, key: &str) -> Result<()> {
        let (key, length) = parts(key.as_bytes());
        // SAFETY: no other reference to the handle exists; the pointer has its length.
        check(|| unsafe { sys::tf_dict_set_string_list(self.as_ptr(), key, length) })
    }

    /// Appends a string to the list of a key.
    pub fn push(&mut self, key: &str, text: impl AsRef<[u8]>) -> Result<()> {
        let ((key, length), (text, text_length)) = (parts(key.as_bytes()), parts(text.as_ref()));
        // SAFETY: no other reference to the handle exists; each pointer has its length.
        check(|| unsafe { sys::tf_dict_string_list_append(self.as_ptr(), key, length, text, text_length) })
    }

    /// Changes an array in place. The array is taken out of the dict while `change` runs, so that its memory does not
    /// have to be copied if only the dict refers to it.
    ///
    /// ```
    /// # use tensorfile::{Array, Dict};
    /// # let mut dict = Dict::new()?;
    /// # dict.insert("bias", [1.0f32, 2.0])?;
    /// dict.update("bias", |bias| {
    ///     bias.as_slice_mut::<f32>()?.fill(0.0);
    ///     Ok::<_, tensorfile::Error>(())
    /// })??;
    /// # assert_eq!(dict["bias"].as_slice::<f32>()?, [0.0, 0.0]);
    /// # Ok::<(), tensorfile::Error>(())
    /// ```
    pub fn update<R>(&mut self, key: &str, change: impl FnOnce(&mut Array) -> R) -> Result<R> {
        struct Lent<'a> {
            dict: &'a mut DictRef,
            key: &'a str,
            array: Array,
        }
        impl Drop for Lent<'_> {
            fn drop(&mut self) {
                if std::thread::panicking() {
                    // The panic is what the caller gets to know.
                    let _ = self.dict.insert(self.key, &*self.array);
                }
            }
        }
        let array = self.get(key)?.to_owned();
        self.insert(key, Array::zeros(Dtype::Bool, ())?)?;
        let mut lent = Lent { dict: self, key, array };
        let result = change(&mut lent.array);
        lent.dict.insert(lent.key, &*lent.array)?;
        Ok(result)
    }

    /// Removes a value. The indices of the values after it decrease by one, which takes time proportional to their
    /// number.
    pub fn remove(&mut self, key: &str) -> Result<()> {
        let (key, length) = parts(key.as_bytes());
        // SAFETY: no other reference to the handle exists; the pointer has its length.
        check(|| unsafe { sys::tf_dict_remove(self.as_ptr(), key, length) })
    }

    /// Returns a new dict with the same values, like [`to_owned`](ToOwned::to_owned), but fails if there is not enough
    /// memory.
    pub fn try_clone(&self) -> Result<Dict> {
        let mut dict = Dict::new()?;
        for (key, value) in self {
            match value {
                Value::Array(array) => dict.insert(key, array)?,
                Value::Str(text) => dict.insert(key, text)?,
                Value::Bytes(bytes) => dict.insert_bytes(key, bytes)?,
                Value::Dict(nested) => dict.insert(key, nested.try_clone()?)?,
                Value::List(list) => {
                    dict.insert_list(key)?;
                    for text in list {
                        dict.push(key, text)?;
                    }
                }
            }
        }
        Ok(dict)
    }

    /// Returns a flat dict of the same values, with the names of nested dicts joined by '.': `{"layers": {"0": {"w":
    /// x}}}` becomes `{"layers.0.w": x}`. Empty dicts are dropped. Fails with [`Error::Duplicate`] if two paths result
    /// in the same name.
    pub fn flatten(&self) -> Result<Dict> {
        // SAFETY: the handle is valid.
        make(|out| unsafe { sys::tf_dict_flatten(out, self.as_ptr()) })
    }

    /// The inverse of [`flatten`](DictRef::flatten). Fails with [`Error::Duplicate`] if a name is also the prefix of
    /// another.
    pub fn unflatten(&self) -> Result<Dict> {
        // SAFETY: the handle is valid.
        make(|out| unsafe { sys::tf_dict_unflatten(out, self.as_ptr()) })
    }

    /// Compares the names and shapes of the arrays of this tree or flat dict with those expected. Dtypes are ignored.
    pub fn compare(&self, expected: &DictRef) -> Result<Comparison> {
        // SAFETY: the handles are valid.
        let report: Dict = make(|out| unsafe { sys::tf_dict_compare(out, expected.as_ptr(), self.as_ptr()) })?;
        Ok(Comparison {
            missing: report.get_list("missing")?.to_strings()?,
            unexpected: report.get_list("unexpected")?.to_strings()?,
            shape: report.get_list("shape")?.to_strings()?,
        })
    }
}

/// The result of [`DictRef::compare`]. Each list is sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Comparison {
    /// Names that were expected but are absent.
    pub missing: Vec<String>,
    /// Names that were not expected.
    pub unexpected: Vec<String>,
    /// Names of arrays with another shape than expected.
    pub shape: Vec<String>,
}

/// Returns the array of a key.
///
/// # Panics
/// Panics if there is no such key, or if its value has another kind. [`DictRef::get`] returns an error instead.
impl Index<&str> for DictRef {
    type Output = ArrayRef;
    fn index(&self, key: &str) -> &ArrayRef {
        self.get(key).unwrap_or_else(|error| panic!("{error}"))
    }
}

/// See [`DictRef`].
impl Index<&str> for Dict {
    type Output = ArrayRef;
    fn index(&self, key: &str) -> &ArrayRef {
        &(**self)[key]
    }
}

/// A list of strings in a dict.
#[derive(Clone, Copy)]
pub struct StringList<'a> {
    dict: &'a DictRef,
    key: &'a str,
    count: usize,
}

impl<'a> StringList<'a> {
    /// Returns the number of strings.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Returns `true` if there are no strings.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns a string. Fails with [`Error::InvalidArgument`] if the index is out of range, and with [`Error::Type`]
    /// if the string is not UTF-8.
    pub fn get(&self, index: usize) -> Result<&'a str> {
        as_str(self.get_bytes(index)?, self.key)
    }

    /// Returns a string, which need not be UTF-8.
    pub fn get_bytes(&self, index: usize) -> Result<&'a [u8]> {
        let (key, key_length) = parts(self.key.as_bytes());
        let dict = self.dict.as_ptr();
        // SAFETY: the dict is borrowed for 'a, and the string is valid until it changes.
        unsafe { borrowed_text(|text, length| sys::tf_dict_string_list_at(text, length, dict, key, key_length, index)) }
    }

    /// Returns copies of all strings. Fails with [`Error::Type`] if one of them is not UTF-8.
    pub fn to_strings(&self) -> Result<Vec<String>> {
        (0..self.count).map(|index| self.get(index).map(str::to_owned)).collect()
    }
}

impl<'a> IntoIterator for StringList<'a> {
    type Item = &'a [u8];
    type IntoIter = Strings<'a>;
    fn into_iter(self) -> Strings<'a> {
        Strings { list: self, next: 0 }
    }
}

impl fmt::Debug for StringList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.into_iter().map(String::from_utf8_lossy)).finish()
    }
}

/// The strings of a [`StringList`], as bytes.
#[derive(Clone, Debug)]
pub struct Strings<'a> {
    list: StringList<'a>,
    next: usize,
}

impl<'a> Iterator for Strings<'a> {
    type Item = &'a [u8];
    fn next(&mut self) -> Option<&'a [u8]> {
        let text = if self.next < self.list.count { self.list.get_bytes(self.next).ok()? } else { return None };
        self.next += 1;
        Some(text)
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.list.count - self.next, Some(self.list.count - self.next))
    }
}

impl ExactSizeIterator for Strings<'_> {}

/// An iterator over the names and values of a dict in order.
#[derive(Clone)]
pub struct Iter<'a> {
    dict: &'a DictRef,
    next: usize,
    len: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, Value<'a>);
    fn next(&mut self) -> Option<Self::Item> {
        // Kinds that a newer library has and this crate does not know are skipped.
        while self.next < self.len {
            let index = self.next;
            self.next += 1;
            if let (Ok(key), Some(value)) = (self.dict.key_at(index), self.dict.value_at(index)) {
                return Some((key, value));
            }
        }
        None
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.len - self.next))
    }
}

impl<'a> IntoIterator for &'a DictRef {
    type Item = (&'a str, Value<'a>);
    type IntoIter = Iter<'a>;
    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &'a Dict {
    type Item = (&'a str, Value<'a>);
    type IntoIter = Iter<'a>;
    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl fmt::Debug for DictRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl fmt::Debug for Dict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// A type whose values [`DictRef::insert`] accepts.
pub trait IntoValue {
    #[doc(hidden)]
    fn put(self, dict: &mut DictRef, key: &str) -> Result<()>;
}

impl IntoValue for &ArrayRef {
    fn put(self, dict: &mut DictRef, key: &str) -> Result<()> {
        let (key, length) = parts(key.as_bytes());
        // SAFETY: no other reference to the dict exists; the array is valid; the pointer has its length.
        check(|| unsafe { sys::tf_dict_set_array(dict.as_ptr(), key, length, self.as_ptr()) })
    }
}

impl IntoValue for &Array {
    fn put(self, dict: &mut DictRef, key: &str) -> Result<()> {
        (**self).put(dict, key)
    }
}

impl IntoValue for Array {
    fn put(self, dict: &mut DictRef, key: &str) -> Result<()> {
        (*self).put(dict, key)
    }
}

impl IntoValue for &str {
    fn put(self, dict: &mut DictRef, key: &str) -> Result<()> {
        dict.insert_bytes(key, self.as_bytes())
    }
}

impl IntoValue for &String {
    fn put(self, dict: &mut DictRef, key: &str) -> Result<()> {
        self.as_str().put(dict, key)
    }
}

impl IntoValue for String {
    fn put(self, dict: &mut DictRef, key: &str) -> Result<()> {
        self.as_str().put(dict, key)
    }
}

impl IntoValue for Dict {
    fn put(self, dict: &mut DictRef, key: &str) -> Result<()> {
        let (key, length) = parts(key.as_bytes());
        // SAFETY: no other references to the dicts exist; the outer dict has the remaining one.
        check(|| unsafe { sys::tf_dict_set_dict(dict.as_ptr(), key, length, self.as_ptr()) })
    }
}

impl IntoValue for &DictRef {
    fn put(self, dict: &mut DictRef, key: &str) -> Result<()> {
        self.try_clone()?.put(dict, key)
    }
}

impl IntoValue for i64 {
    fn put(self, dict: &mut DictRef, key: &str) -> Result<()> {
        let (key, length) = parts(key.as_bytes());
        // SAFETY: no other reference to the dict exists; the pointer has its length.
        check(|| unsafe { sys::tf_dict_set_int64(dict.as_ptr(), key, length, self) })
    }
}

impl IntoValue for f64 {
    fn put(self, dict: &mut DictRef, key: &str) -> Result<()> {
        let (key, length) = parts(key.as_bytes());
        // SAFETY: no other reference to the dict exists; the pointer has its length.
        check(|| unsafe { sys::tf_dict_set_double(dict.as_ptr(), key, length, self) })
    }
}

macro_rules! scalars {
    ($($kind:ty),*) => {$(
        impl IntoValue for $kind {
            fn put(self, dict: &mut DictRef, key: &str) -> Result<()> {
                Array::scalar(self)?.put(dict, key)
            }
        }
    )*};
}
scalars!(bool, i8, i16, i32, u8, u16, u32, u64, f32);

impl<T: Element> IntoValue for &[T] {
    fn put(self, dict: &mut DictRef, key: &str) -> Result<()> {
        Array::from_slice([self.len()], self)?.put(dict, key)
    }
}

impl<T: Element, const N: usize> IntoValue for [T; N] {
    fn put(self, dict: &mut DictRef, key: &str) -> Result<()> {
        self.as_slice().put(dict, key)
    }
}

impl<T: Element> IntoValue for Vec<T> {
    fn put(self, dict: &mut DictRef, key: &str) -> Result<()> {
        Array::from_vec([self.len()], self)?.put(dict, key)
    }
}

/// Stores a list of strings. If there is not enough memory the list is shorter.
fn put_list<S: AsRef<str>>(strings: &[S], dict: &mut DictRef, key: &str) -> Result<()> {
    dict.insert_list(key)?;
    for text in strings {
        dict.push(key, text.as_ref())?;
    }
    Ok(())
}

impl IntoValue for &[&str] {
    fn put(self, dict: &mut DictRef, key: &str) -> Result<()> {
        put_list(self, dict, key)
    }
}

impl<const N: usize> IntoValue for [&str; N] {
    fn put(self, dict: &mut DictRef, key: &str) -> Result<()> {
        put_list(&self, dict, key)
    }
}

impl IntoValue for &[String] {
    fn put(self, dict: &mut DictRef, key: &str) -> Result<()> {
        put_list(self, dict, key)
    }
}

impl IntoValue for Vec<String> {
    fn put(self, dict: &mut DictRef, key: &str) -> Result<()> {
        put_list(&self, dict, key)
    }
}
