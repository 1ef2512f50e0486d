// Metadata: dicts of the library as maps, and the reverse.

import { NdArray, Scalar, arrayOf, fromLibrary, toLibrary, typedArrayOf } from './arrays.js';
import { check, lib, readPointer, scoped, textAt } from './module.js';

const KIND_ARRAY = 1;
const KIND_STRING = 2;
const KIND_STRING_LIST = 3;

/** Calls a function that gets a borrowed string, and returns the string. */
export function borrowedText(scope, get) {
  const out = scope.out(2);
  check(get(out, out + 8));
  return textAt(readPointer(out), readPointer(out + 8));
}

/** Returns the list of strings that a dict has at an index. */
function stringsAt(scope, dict, index) {
  const count = scope.out();
  check(lib.tf_dict_string_list_size_at(count, dict, index));
  const item = (_, at) => scoped((inner) =>
    borrowedText(inner, (text, size) => lib.tf_dict_string_list_item_at(text, size, dict, index, at)));
  return Array.from({ length: readPointer(count) }, item);
}

function numberOf(array) {
  if (array.shape.length !== 0) return array;
  return new Scalar(array.dtype, array.dtype === 'bool' ? array.data[0] === 1 : array.data[0]);
}

function valueAt(scope, dict, index) {
  switch (lib.tf_dict_kind_at(dict, index)) {
    case KIND_STRING:
      return borrowedText(scope, (text, size) => lib.tf_dict_string_at(text, size, dict, index));
    case KIND_STRING_LIST:
      return stringsAt(scope, dict, index);
    case KIND_ARRAY:
      return numberOf(fromLibrary(scope.made((out) => lib.tf_dict_array_at(out, dict, index), lib.tf_array_release)));
    default:
      return mapOf(scope.made((out) => lib.tf_dict_dict_at(out, dict, index), lib.tf_dict_release));
  }
}

/** Returns the values of a dict by key, in its order. */
export function mapOf(dict) {
  const map = new Map();
  const size = lib.tf_dict_size(dict);
  for (let index = 0; index < size; ++index) {
    scoped((scope) => {
      const key = borrowedText(scope, (text, length) => lib.tf_dict_key_at(text, length, dict, index));
      map.set(key, valueAt(scope, dict, index));
    });
  }
  return map;
}

/** Returns the entries of a map or of a plain object. */
export function entriesOf(values) {
  if (values instanceof Map) return [...values];
  if (values !== null && typeof values === 'object') return Object.entries(values);
  throw new TypeError(`expected a Map or an object, got ${values === null ? 'null' : typeof values}`);
}

function setStrings(dict, key, strings, scope) {
  check(lib.tf_dict_set_string_list(dict, ...key));
  for (const text of strings) check(lib.tf_dict_string_list_append(dict, ...key, ...scope.text(text)));
}

function scalarArray({ dtype, value }) {
  return new NdArray(dtype, [], typedArrayOf(dtype).of(dtype === 'bool' ? Number(value) : value));
}

function setValue(dict, name, value, scope) {
  const key = scope.text(name);
  if (typeof value === 'string') return check(lib.tf_dict_set_string(dict, ...key, ...scope.text(value)));
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) {
    return setStrings(dict, key, value, scope);
  }
  if (typeof value === 'boolean') return setValue(dict, name, new Scalar('bool', value), scope);
  if (typeof value === 'number' || typeof value === 'bigint') {
    throw new TypeError(`metadata ${JSON.stringify(name)}: a number needs a dtype, such as new Scalar('uint32', ${value})`);
  }
  if (value instanceof Map) return check(lib.tf_dict_set_dict(dict, ...key, dictOf(value, scope)));
  const array = value instanceof Scalar ? scalarArray(value) : arrayOf(value);
  return check(lib.tf_dict_set_array(dict, ...key, toLibrary(array, scope)));
}

/** Returns a dict of the library with the values of a map or object. The scope releases it. */
export function dictOf(values, scope) {
  const dict = scope.made((out) => lib.tf_dict_new(out), lib.tf_dict_release);
  for (const [name, value] of entriesOf(values)) scoped((inner) => setValue(dict, name, value, inner));
  return dict;
}
