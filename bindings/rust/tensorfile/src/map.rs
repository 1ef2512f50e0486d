//! Maps from names to arrays or values.

use std::fmt;
use std::ops::{Index, IndexMut};

use indexmap::IndexMap;

use crate::array::Array;
use crate::error::{Error, ErrorKind, Result, in_terms_of_rust};
use crate::raw::{Item, RawDict};
use crate::value::Value;

/// Arrays by name, in the order of insertion or of the file.
///
/// ```
/// use tensorfile::{Array, Arrays};
///
/// let mut arrays = Arrays::new();
/// arrays.insert("weight", Array::from_slice([2, 2], &[1.0f32, 2.0, 3.0, 4.0])?);
/// arrays.insert("bias", [0.5f32, -0.5]);
///
/// assert_eq!(arrays["weight"].shape(), [2, 2]);
/// arrays["bias"].as_slice_mut::<f32>()?[0] = 0.0;
/// for (name, array) in &arrays {
///     println!("{name}: {} {:?}", array.dtype(), array.shape());
/// }
/// # Ok::<(), tensorfile::Error>(())
/// ```
pub type Arrays = Map<Array>;

/// Values by name, in the order of insertion or of the file: metadata, or a tree of arrays.
///
/// ```
/// use tensorfile::{Dict, Value};
///
/// let mut metadata = Dict::from([("general.name", Value::from("a model"))]);
/// metadata.insert("model.layers", 12u32);
/// metadata.insert("tokens", ["<s>", "</s>"]);
///
/// assert_eq!(metadata["model.layers"], Value::U32(12));
/// let layers: usize = metadata.try_get("model.layers")?;
/// let name: &str = metadata.try_get("general.name")?;
/// assert_eq!((name, layers), ("a model", 12));
/// # Ok::<(), tensorfile::Error>(())
/// ```
pub type Dict = Map<Value>;

/// A map from names to values that keeps the order of insertion, or that of the file. [`Arrays`] and [`Dict`] are maps.
#[derive(Clone)]
pub struct Map<V>(IndexMap<String, V>);

impl<V> Map<V> {
    /// Creates an empty map.
    #[must_use]
    pub fn new() -> Self {
        Map(IndexMap::new())
    }

    /// Creates an empty map with memory for some values.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Map(IndexMap::with_capacity(capacity))
    }

    /// Returns the number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns `true` if there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns `true` if there is a value with the name.
    #[must_use]
    pub fn contains_key(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Returns the value with a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&V> {
        self.0.get(name)
    }

    /// Returns the value with a name to change it.
    #[must_use]
    pub fn get_mut(&mut self, name: &str) -> Option<&mut V> {
        self.0.get_mut(name)
    }

    /// Returns the name and value at an index.
    #[must_use]
    pub fn get_index(&self, index: usize) -> Option<(&str, &V)> {
        self.0.get_index(index).map(|(name, value)| (name.as_str(), value))
    }

    /// Returns the index of a name.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.0.get_index_of(name)
    }

    /// Inserts a value. If the name exists, the new value replaces the old one at the same index, and the old one is
    /// returned.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<V>) -> Option<V> {
        self.0.insert(name.into(), value.into())
    }

    /// Removes a value and returns it. The values after it move up, which takes time proportional to their number.
    pub fn remove(&mut self, name: &str) -> Option<V> {
        self.0.shift_remove(name)
    }

    /// Removes all values for which `keep` returns `false`.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut V) -> bool) {
        self.0.retain(|name, value| keep(name, value));
    }

    /// Removes all values.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns an iterator over the names and values in order.
    #[must_use]
    pub fn iter(&self) -> Iter<'_, V> {
        Iter(self.0.iter())
    }

    /// Returns an iterator over the names and values in order, to change the values.
    #[must_use]
    pub fn iter_mut(&mut self) -> IterMut<'_, V> {
        IterMut(self.0.iter_mut())
    }

    /// Returns an iterator over the names in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> + DoubleEndedIterator {
        self.0.keys().map(String::as_str)
    }

    /// Returns an iterator over the values in order.
    #[must_use]
    pub fn values(&self) -> impl ExactSizeIterator<Item = &V> + DoubleEndedIterator {
        self.0.values()
    }

    /// Returns an iterator over the values in order, to change them.
    pub fn values_mut(&mut self) -> impl ExactSizeIterator<Item = &mut V> + DoubleEndedIterator {
        self.0.values_mut()
    }
}

impl Dict {
    /// Returns a value as a type of Rust: an integer, `f32`, `f64`, `bool`, `&str`, `&[String]`, [`&Array`](Array) or
    /// [`&Dict`](Dict). A list of numbers is a `Vec` of their type, such as `Vec<u32>`.
    ///
    /// Fails with [`ErrorKind::NotFound`] if there is no such value, and with [`ErrorKind::Type`] if it has another kind
    /// or an integer does not fit.
    pub fn try_get<'a, T>(&'a self, name: &str) -> Result<T>
    where
        T: TryFrom<&'a Value, Error = Error>,
    {
        let value = self
            .get(name)
            .ok_or_else(|| Error::new(ErrorKind::NotFound, format!("there is no value '{name}'")).with_name(name))?;
        T::try_from(value).map_err(|error| Error::new(error.kind(), format!("value '{name}': {error}")).with_name(name))
    }
}

impl<V: Item> Map<V> {
    /// Returns the arrays of nested dicts, with their names joined by '.': `{"layers": {"0": {"w": x}}}` becomes
    /// `{"layers.0.w": x}`. Empty dicts are dropped.
    ///
    /// Fails with [`ErrorKind::Duplicate`] if two paths result in the same name, and with [`ErrorKind::Type`] if a leaf
    /// is neither an array nor a number.
    pub fn flatten(&self) -> Result<Arrays> {
        RawDict::from_map(self)?.flatten()?.arrays()
    }

    /// The inverse of [`flatten`](Map::flatten): splits names at '.'. Fails with [`ErrorKind::Duplicate`] if a name is
    /// also the prefix of another.
    pub fn unflatten(&self) -> Result<Dict> {
        RawDict::from_map(self)?.unflatten()?.tree()
    }

    /// Compares the names and shapes of the arrays of this tree or flat map with those expected. Dtypes are ignored.
    pub fn compare<W: Item>(&self, expected: &Map<W>) -> Result<Comparison> {
        let mut report = RawDict::from_map(expected)?.compare(&RawDict::from_map(self)?)?.tree()?;
        Ok(Comparison {
            missing: report.take_list("missing")?,
            unexpected: report.take_list("unexpected")?,
            shape: report.take_list("shape")?,
        })
    }
}

impl Dict {
    /// Removes a list of strings that the library made.
    pub(crate) fn take_list(&mut self, name: &str) -> Result<Vec<String>> {
        self.remove(name).map_or_else(|| Ok(Vec::new()), Vec::try_from)
    }

    /// Removes a list of messages that the library made.
    pub(crate) fn take_messages(&mut self, name: &str) -> Result<Vec<String>> {
        Ok(self.take_list(name)?.iter().map(|message| in_terms_of_rust(message)).collect())
    }
}

/// The result of [`Map::compare`]. Each list is sorted.
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

impl Comparison {
    /// Returns `true` if all names and shapes are the expected ones.
    #[must_use]
    pub fn is_match(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty() && self.shape.is_empty()
    }
}

/// Fails with [`ErrorKind::Type`] if a value is neither an array nor a number.
impl TryFrom<Dict> for Arrays {
    type Error = Error;

    fn try_from(dict: Dict) -> Result<Self> {
        RawDict::from_map(&dict)?.arrays()
    }
}

impl From<Arrays> for Dict {
    fn from(arrays: Arrays) -> Self {
        arrays.into_iter().collect()
    }
}

impl<V> Default for Map<V> {
    fn default() -> Self {
        Map::new()
    }
}

/// Maps are equal if they have the same values by name, in any order.
impl<V: PartialEq> PartialEq for Map<V> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

/// Returns the value with a name.
///
/// # Panics
/// Panics if there is no such value. [`Map::get`] returns an option instead.
impl<V> Index<&str> for Map<V> {
    type Output = V;

    #[track_caller]
    fn index(&self, name: &str) -> &V {
        self.get(name).unwrap_or_else(|| panic!("there is no '{name}' among {} names", self.len()))
    }
}

/// Returns the value with a name to change it.
///
/// # Panics
/// Panics if there is no such value. [`Map::get_mut`] returns an option instead.
impl<V> IndexMut<&str> for Map<V> {
    #[track_caller]
    fn index_mut(&mut self, name: &str) -> &mut V {
        let count = self.len();
        self.get_mut(name).unwrap_or_else(|| panic!("there is no '{name}' among {count} names"))
    }
}

impl<V, K: Into<String>, T: Into<V>> Extend<(K, T)> for Map<V> {
    fn extend<I: IntoIterator<Item = (K, T)>>(&mut self, values: I) {
        self.0.extend(values.into_iter().map(|(name, value)| (name.into(), value.into())));
    }
}

impl<V, K: Into<String>, T: Into<V>> FromIterator<(K, T)> for Map<V> {
    fn from_iter<I: IntoIterator<Item = (K, T)>>(values: I) -> Self {
        Map(values.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl<V, K: Into<String>, T: Into<V>, const N: usize> From<[(K, T); N]> for Map<V> {
    fn from(values: [(K, T); N]) -> Self {
        values.into_iter().collect()
    }
}

/// The iterator of [`Map::iter`].
#[derive(Debug)]
pub struct Iter<'a, V>(indexmap::map::Iter<'a, String, V>);

impl<V> Clone for Iter<'_, V> {
    fn clone(&self) -> Self {
        Iter(self.0.clone())
    }
}

/// The iterator of [`Map::iter_mut`].
#[derive(Debug)]
pub struct IterMut<'a, V>(indexmap::map::IterMut<'a, String, V>);

/// The iterator over a map by value.
#[derive(Debug)]
pub struct IntoIter<V>(indexmap::map::IntoIter<String, V>);

macro_rules! iterators {
    ($([$($parameter:tt)*] $kind:ty, $item:ty, $convert:expr;)*) => {$(
        impl<$($parameter)*> Iterator for $kind {
            type Item = $item;

            fn next(&mut self) -> Option<Self::Item> {
                self.0.next().map($convert)
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                self.0.size_hint()
            }
        }

        impl<$($parameter)*> DoubleEndedIterator for $kind {
            fn next_back(&mut self) -> Option<Self::Item> {
                self.0.next_back().map($convert)
            }
        }

        impl<$($parameter)*> ExactSizeIterator for $kind {}
    )*};
}
iterators! {
    ['a, V] Iter<'a, V>, (&'a str, &'a V), |(name, value)| (name.as_str(), value);
    ['a, V] IterMut<'a, V>, (&'a str, &'a mut V), |(name, value)| (name.as_str(), value);
    [V] IntoIter<V>, (String, V), |pair| pair;
}

impl<'a, V> IntoIterator for &'a Map<V> {
    type Item = (&'a str, &'a V);
    type IntoIter = Iter<'a, V>;

    fn into_iter(self) -> Iter<'a, V> {
        self.iter()
    }
}

impl<'a, V> IntoIterator for &'a mut Map<V> {
    type Item = (&'a str, &'a mut V);
    type IntoIter = IterMut<'a, V>;

    fn into_iter(self) -> IterMut<'a, V> {
        self.iter_mut()
    }
}

impl<V> IntoIterator for Map<V> {
    type Item = (String, V);
    type IntoIter = IntoIter<V>;

    fn into_iter(self) -> IntoIter<V> {
        IntoIter(self.0.into_iter())
    }
}

impl<V: fmt::Debug> fmt::Debug for Map<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

/// See `Debug`.
impl<V: fmt::Debug> fmt::Display for Map<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
