//! Dicts.

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

/// Values by name, in insertion or file order: arrays, strings, lists of strings, and dicts.
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

/// A borrowed dict, such as one in another: all that can be done with a [`Dict`], which derefs to it.
///
/// [`to_owned`](ToOwned::to_owned) makes a [`Dict`] of its own with the same values.
#[repr(C)]
pub struct DictRef {
    // The library's object itself, of which Rust knows the address alone.
    _object: UnsafeCell<[u8; 0]>,
    _marker: PhantomData<*mut u8>,
}

handle!(Dict, tf_dict, tf_dict_release);

// SAFETY: what can be done through & is const in the library, which allows it from all threads at once; arrays are Send
// and Sync themselves. A Dict is the only owner of what it points to.
unsafe impl Send for Dict {}
// SAFETY: as above.
unsafe impl Sync for Dict {}
// SAFETY: as above.
unsafe impl Send for DictRef {}
// SAFETY: as above.
unsafe impl Sync for DictRef {}

impl Deref for Dict {
    type Target = DictRef;
    fn deref(&self) -> &DictRef {
        // SAFETY: the dict lives as long as this.
        unsafe { DictRef::from_ptr(self.0.as_ptr()) }
    }
}

impl DerefMut for Dict {
    fn deref_mut(&mut self) -> &mut DictRef {
        // SAFETY: the dict lives as long as this, and is nobody else's.
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

/// A dict of its own with the same values: arrays are shared, which nobody notices, and dicts in it are cloned.
///
/// # Panics
/// When memory runs out, as clones of other collections do.
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
    /// An empty dict.
    pub fn new() -> Result<Self> {
        // SAFETY: takes nothing but the output.
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
    /// A string that is not UTF-8, from a writer that did not keep to its format.
    Bytes(&'a [u8]),
    /// A list of strings.
    List(StringList<'a>),
    /// A dict.
    Dict(&'a DictRef),
}

/// A key or text as the library takes it.
fn parts(text: &[u8]) -> (*const c_char, usize) {
    (text.as_ptr().cast(), text.len())
}

/// Runs a call that gives a borrowed text.
///
/// # Safety
/// The text that the call gives lives for 'a.
unsafe fn borrowed_text<'a>(call: impl FnOnce(*mut *const c_char, *mut usize) -> sys::tf_status) -> Result<&'a [u8]> {
    let (mut text, mut length) = (ptr::null(), 0);
    check(|| call(&mut text, &mut length))?;
    // SAFETY: on success the text is not NULL and has that length; it lives as the caller promises.
    Ok(unsafe { slice::from_raw_parts(text.cast(), length) })
}

fn as_str<'a>(bytes: &'a [u8], key: &str) -> Result<&'a str> {
    str::from_utf8(bytes).map_err(|_| Error::new(Status::Type, format!("the string of {key:?} is not UTF-8")))
}

impl DictRef {
    /// # Safety
    /// `raw` is a dict that lives, and that nobody changes, for 'a.
    pub(crate) unsafe fn from_ptr<'a>(raw: *const sys::tf_dict) -> &'a Self {
        // SAFETY: the caller's promise; nothing of the object is read.
        unsafe { &*raw.cast() }
    }

    /// # Safety
    /// `raw` is a dict that lives, and that nobody else uses, for 'a.
    unsafe fn from_ptr_mut<'a>(raw: *mut sys::tf_dict) -> &'a mut Self {
        // SAFETY: the caller's promise; nothing of the object is read or written.
        unsafe { &mut *raw.cast() }
    }

    /// The library's handle, for calls of `tensorfile-sys`; borrowed.
    pub fn as_ptr(&self) -> *mut sys::tf_dict {
        ptr::from_ref(self).cast_mut().cast()
    }

    /// The number of values.
    pub fn len(&self) -> usize {
        // SAFETY: the handle lives.
        unsafe { sys::tf_dict_size(self.as_ptr()) }
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The place of a key, 0 to len - 1.
    pub fn position(&self, key: &str) -> Option<usize> {
        let (key, length) = parts(key.as_bytes());
        let mut index = 0;
        // SAFETY: the handle lives; the pointer comes with its length.
        check(|| unsafe { sys::tf_dict_find(&mut index, self.as_ptr(), key, length) }).ok()?;
        Some(index)
    }

    /// Whether there is a value of that name.
    pub fn contains_key(&self, key: &str) -> bool {
        self.position(key).is_some()
    }

    /// The key at a place, in order. Fails with [`Error::InvalidArgument`] beyond the last.
    pub fn key_at(&self, index: usize) -> Result<&str> {
        // SAFETY: the handle lives; the key lives until the dict is changed, which is borrowed as long.
        let key = unsafe { borrowed_text(|key, length| sys::tf_dict_key_at(key, length, self.as_ptr(), index)) }?;
        str::from_utf8(key).map_err(|_| Error::new(Status::Internal, "a key is not UTF-8"))
    }

    /// The array of a name. Fails with [`Error::NotFound`], and with [`Error::Type`] for a value of another kind.
    ///
    /// `dict["name"]` is the same, but panics.
    pub fn get(&self, key: &str) -> Result<&ArrayRef> {
        let (key, length) = parts(key.as_bytes());
        // SAFETY: the handle lives; the pointer comes with its length.
        let array: Array = make(|out| unsafe { sys::tf_dict_get(out, self.as_ptr(), key, length) })?;
        // SAFETY: the dict has a reference of its own until it is changed, and is borrowed as long.
        Ok(unsafe { ArrayRef::from_ptr(array.as_ptr()) })
    }

    /// The string of a name.
    pub fn get_str(&self, key: &str) -> Result<&str> {
        as_str(self.get_bytes(key)?, key)
    }

    /// The string of a name, which may be no UTF-8.
    pub fn get_bytes(&self, key: &str) -> Result<&[u8]> {
        let (key, key_length) = parts(key.as_bytes());
        // SAFETY: the handle lives; the string lives until the dict is changed, which is borrowed as long.
        unsafe { borrowed_text(|text, length| sys::tf_dict_get_string(text, length, self.as_ptr(), key, key_length)) }
    }

    /// The list of strings of a name.
    pub fn get_list(&self, key: &str) -> Result<StringList<'_>> {
        let (raw_key, length) = parts(key.as_bytes());
        let mut count = 0;
        // SAFETY: the handle lives; the pointer comes with its length.
        check(|| unsafe { sys::tf_dict_string_list_size(&mut count, self.as_ptr(), raw_key, length) })?;
        // The dict's own copy of the key lives as long as the list.
        let index = self.position(key).ok_or_else(|| Error::new(Status::Internal, "a key without a place"))?;
        Ok(StringList { dict: self, key: self.key_at(index)?, count })
    }

    /// The dict of a name.
    pub fn get_dict(&self, key: &str) -> Result<&DictRef> {
        // SAFETY: this dict has a reference of its own until it is changed, and is borrowed as long.
        Ok(unsafe { DictRef::from_ptr(self.nested(key)?) })
    }

    /// The dict of a name, to be changed.
    pub fn get_dict_mut(&mut self, key: &str) -> Result<&mut DictRef> {
        // SAFETY: as above; nobody else has a reference, since all come from this dict, which is borrowed mutably.
        Ok(unsafe { DictRef::from_ptr_mut(self.nested(key)?) })
    }

    fn nested(&self, key: &str) -> Result<*mut sys::tf_dict> {
        let (key, length) = parts(key.as_bytes());
        let mut raw = ptr::null_mut();
        // SAFETY: the handle lives; the pointer comes with its length.
        check(|| unsafe { sys::tf_dict_get_dict(&mut raw, self.as_ptr(), key, length) })?;
        // SAFETY: the reference is ours; this dict has another.
        release(|| unsafe { sys::tf_dict_release(raw) });
        Ok(raw)
    }

    /// A number: the value of a 0-d array of bool or an integer dtype.
    pub fn get_i64(&self, key: &str) -> Result<i64> {
        let (key, length) = parts(key.as_bytes());
        let mut value = 0;
        // SAFETY: the handle lives; the pointer comes with its length.
        check(|| unsafe { sys::tf_dict_get_int64(&mut value, self.as_ptr(), key, length) })?;
        Ok(value)
    }

    /// A number: the value of a 0-d array of any real dtype.
    pub fn get_f64(&self, key: &str) -> Result<f64> {
        let (key, length) = parts(key.as_bytes());
        let mut value = 0.0;
        // SAFETY: the handle lives; the pointer comes with its length.
        check(|| unsafe { sys::tf_dict_get_double(&mut value, self.as_ptr(), key, length) })?;
        Ok(value)
    }

    /// The value of a name, of whatever kind.
    pub fn value(&self, key: &str) -> Option<Value<'_>> {
        self.value_at(self.position(key)?)
    }

    /// The value at a place, in order; `None` beyond the last.
    pub fn value_at(&self, index: usize) -> Option<Value<'_>> {
        // SAFETY: the handle lives.
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

    /// All names and values, in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter { dict: self, next: 0, len: self.len() }
    }

    /// All names, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(key, _)| key)
    }

    /// The arrays and their names, in order, without the values of other kinds.
    pub fn arrays(&self) -> impl Iterator<Item = (&str, &ArrayRef)> {
        self.iter().filter_map(|(key, value)| match value {
            Value::Array(array) => Some((key, array)),
            _ => None,
        })
    }

    /// Puts a value under a name; one that is there gives way, and the new one takes its place.
    ///
    /// Values are arrays (by value or reference; the memory is shared), strings, numbers (which become 0-d arrays),
    /// slices of numbers (1-d arrays), lists of strings, and dicts.
    pub fn insert(&mut self, key: &str, value: impl IntoValue) -> Result<()> {
        value.put(self, key)
    }

    /// Puts a string under a name that need not be UTF-8.
    pub fn insert_bytes(&mut self, key: &str, bytes: &[u8]) -> Result<()> {
        let ((key, length), (text, text_length)) = (parts(key.as_bytes()), parts(bytes));
        // SAFETY: the handle is ours alone; pointers come with their lengths.
        check(|| unsafe { sys::tf_dict_set_string(self.as_ptr(), key, length, text, text_length) })
    }

    /// Puts an empty list of strings under a name; [`push`](DictRef::push) fills it.
    pub fn insert_list(&mut self, key: &str) -> Result<()> {
        let (key, length) = parts(key.as_bytes());
        // SAFETY: the handle is ours alone; the pointer comes with its length.
        check(|| unsafe { sys::tf_dict_set_string_list(self.as_ptr(), key, length) })
    }

    /// Adds a string to the list of a name.
    pub fn push(&mut self, key: &str, text: impl AsRef<[u8]>) -> Result<()> {
        let ((key, length), (text, text_length)) = (parts(key.as_bytes()), parts(text.as_ref()));
        // SAFETY: the handle is ours alone; pointers come with their lengths.
        check(|| unsafe { sys::tf_dict_string_list_append(self.as_ptr(), key, length, text, text_length) })
    }

    /// Changes the array of a name. While `change` runs the dict has none there, so that the array can be changed without
    /// a copy when nobody else shares it.
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
                    // The panic is what is told.
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

    /// Removes a value; those behind it move up, which takes time in proportion to the dict.
    pub fn remove(&mut self, key: &str) -> Result<()> {
        let (key, length) = parts(key.as_bytes());
        // SAFETY: the handle is ours alone; the pointer comes with its length.
        check(|| unsafe { sys::tf_dict_remove(self.as_ptr(), key, length) })
    }

    /// A dict of its own with the same values, as [`to_owned`](ToOwned::to_owned), but running out of memory is an error.
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

    /// A flat dict of the same values, names joined with '.': `{"layers": {"0": {"w": x}}}` gives `{"layers.0.w": x}`.
    /// Empty dicts vanish. Fails with [`Error::Duplicate`] when two paths join to one name.
    pub fn flatten(&self) -> Result<Dict> {
        // SAFETY: the handle lives.
        make(|out| unsafe { sys::tf_dict_flatten(out, self.as_ptr()) })
    }

    /// The other way round. Fails with [`Error::Duplicate`] when a name is also the prefix of another.
    pub fn unflatten(&self) -> Result<Dict> {
        // SAFETY: the handle lives.
        make(|out| unsafe { sys::tf_dict_unflatten(out, self.as_ptr()) })
    }

    /// Compares the names and shapes of the arrays of this tree (or flat dict) with those that are expected.
    pub fn compare(&self, expected: &DictRef) -> Result<Comparison> {
        // SAFETY: the handles live.
        let report: Dict = make(|out| unsafe { sys::tf_dict_compare(out, expected.as_ptr(), self.as_ptr()) })?;
        Ok(Comparison {
            missing: report.get_list("missing")?.to_strings()?,
            unexpected: report.get_list("unexpected")?.to_strings()?,
            shape: report.get_list("shape")?.to_strings()?,
        })
    }
}

/// What [`DictRef::compare`] found; each list is sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Comparison {
    /// Names that were expected and are not there.
    pub missing: Vec<String>,
    /// Names that were not expected.
    pub unexpected: Vec<String>,
    /// Names of arrays that are there with another shape.
    pub shape: Vec<String>,
}

/// The array of a name.
///
/// # Panics
/// When there is no such name, or its value is of another kind; [`DictRef::get`] does not.
impl Index<&str> for DictRef {
    type Output = ArrayRef;
    fn index(&self, key: &str) -> &ArrayRef {
        self.get(key).unwrap_or_else(|error| panic!("{error}"))
    }
}

/// As for [`DictRef`].
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
    /// The number of strings.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// A string. Fails with [`Error::InvalidArgument`] beyond the last, with [`Error::Type`] when it is not UTF-8.
    pub fn get(&self, index: usize) -> Result<&'a str> {
        as_str(self.get_bytes(index)?, self.key)
    }

    /// A string, which may be no UTF-8.
    pub fn get_bytes(&self, index: usize) -> Result<&'a [u8]> {
        let (key, key_length) = parts(self.key.as_bytes());
        let dict = self.dict.as_ptr();
        // SAFETY: the dict is borrowed for 'a, and the string lives until it is changed.
        unsafe { borrowed_text(|text, length| sys::tf_dict_string_list_at(text, length, dict, key, key_length, index)) }
    }

    /// Copies of all strings. Fails with [`Error::Type`] when one is not UTF-8.
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

/// The names and values of a dict, in order.
#[derive(Clone)]
pub struct Iter<'a> {
    dict: &'a DictRef,
    next: usize,
    len: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, Value<'a>);
    fn next(&mut self) -> Option<Self::Item> {
        // A kind that a newer library has and this crate does not know is passed over.
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

/// What [`DictRef::insert`] takes.
pub trait IntoValue {
    #[doc(hidden)]
    fn put(self, dict: &mut DictRef, key: &str) -> Result<()>;
}

impl IntoValue for &ArrayRef {
    fn put(self, dict: &mut DictRef, key: &str) -> Result<()> {
        let (key, length) = parts(key.as_bytes());
        // SAFETY: the dict is ours alone; the array lives; the pointer comes with its length.
        check(|| unsafe { sys::tf_dict_set(dict.as_ptr(), key, length, self.as_ptr()) })
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
        // SAFETY: both dicts are ours alone; the reference that stays is the other dict's.
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
        // SAFETY: the dict is ours alone; the pointer comes with its length.
        check(|| unsafe { sys::tf_dict_set_int64(dict.as_ptr(), key, length, self) })
    }
}

impl IntoValue for f64 {
    fn put(self, dict: &mut DictRef, key: &str) -> Result<()> {
        let (key, length) = parts(key.as_bytes());
        // SAFETY: the dict is ours alone; the pointer comes with its length.
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

/// A list of strings. When memory runs out the list is shorter.
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
