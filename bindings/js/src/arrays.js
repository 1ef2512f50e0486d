// Arrays and numbers with a dtype.

import { bytesAt, check, init, lib, nameOf, readPointer, scoped } from './module.js';

const Float16 = globalThis.Float16Array ?? Uint16Array;

// The dtypes whose elements have a typed array: its class, and the number of its items in an element. The elements of all
// other dtypes are bytes, which the library knows the number of.
const TYPED = {
  bool: [Uint8Array, 1],
  int8: [Int8Array, 1],
  int16: [Int16Array, 1],
  int32: [Int32Array, 1],
  int64: [BigInt64Array, 1],
  uint8: [Uint8Array, 1],
  uint16: [Uint16Array, 1],
  uint32: [Uint32Array, 1],
  uint64: [BigUint64Array, 1],
  float16: [Float16, 1],
  bfloat16: [Uint16Array, 1],
  float32: [Float32Array, 1],
  float64: [Float64Array, 1],
  complex64: [Float32Array, 2],
  complex128: [Float64Array, 2],
};
const KIND_BLOCK = 6;

/** Returns the class of the typed arrays that hold elements of a dtype. */
export function typedArrayOf(dtype) {
  return TYPED[dtype]?.[0] ?? Uint8Array;
}

function dtypeOf(data) {
  if (data instanceof Uint8ClampedArray) return 'uint8';
  const found = Object.keys(TYPED).find((dtype) => dtype !== 'bool' && data.constructor.name === TYPED[dtype][0].name);
  if (found === undefined) throw new TypeError(`expected a typed array, got ${data?.constructor?.name ?? typeof data}`);
  // Where there is no Float16Array, both 16-bit integers and float16 are Uint16Array.
  return data instanceof Uint16Array ? 'uint16' : found;
}

function sizeOf(shape) {
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`a shape has sizes of 0 or more, got ${size}`);
  }
  return shape.reduce((product, size) => product * size, 1);
}

/** Returns a typed array of another class on the same memory, or the array itself if it has the class. */
function viewAs(Class, data) {
  if (data.constructor === Class) return data;
  return new Class(data.buffer, data.byteOffset, data.byteLength / Class.BYTES_PER_ELEMENT);
}

/** An n-dimensional array in C order. */
export class NdArray {
  /**
   * @param {string} dtype
   * @param {readonly number[]} shape
   * @param {ArrayBufferView} data the elements; the array does not copy them
   */
  constructor(dtype, shape, data) {
    const [Class, items] = TYPED[dtype] ?? [Uint8Array, undefined];
    if (!ArrayBuffer.isView(data) || data instanceof DataView) {
      throw new TypeError(`the data of an array is a typed array, got ${data?.constructor?.name ?? typeof data}`);
    }
    const compatible = data.BYTES_PER_ELEMENT === Class.BYTES_PER_ELEMENT;
    if (!compatible || (data.constructor !== Class && !/^Uint|^Float16/.test(data.constructor.name))) {
      throw new TypeError(`the data of ${dtype} is a ${Class.name}, got a ${data.constructor.name}`);
    }
    const size = sizeOf(shape);
    if (items !== undefined && data.length !== size * items) {
      throw new RangeError(`${dtype} of shape [${shape}] needs ${size * items} items, got ${data.length}`);
    }
    this.dtype = dtype;
    this.shape = [...shape];
    this.data = viewAs(Class, data);
  }

  /** The number of elements. */
  get size() {
    return sizeOf(this.shape);
  }

  /** Returns the elements as float32, converted if they have another type. */
  async toFloat32() {
    return (await cast(this, 'float32')).data;
  }
}

/** A number or boolean with a dtype, as the metadata of a .gguf has it. */
export class Scalar {
  /**
   * @param {string} dtype
   * @param {number | bigint | boolean} value
   */
  constructor(dtype, value) {
    const [Class, items] = TYPED[dtype] ?? [];
    if (items !== 1 || dtype === 'bfloat16' || dtype === 'float16') {
      throw new TypeError(`a scalar is a bool, an integer, float32 or float64, not ${dtype}`);
    }
    const item = new Class(1);
    item[0] = dtype === 'bool' ? Number(value) : dtype.endsWith('int64') ? BigInt(value) : Number(value);
    const stored = dtype === 'bool' ? Boolean(item[0]) : item[0];
    const exact = dtype.startsWith('float') || stored === value || BigInt(stored) === BigInt(value);
    if (!exact) throw new RangeError(`${dtype} cannot hold ${value}`);
    this.dtype = dtype;
    this.value = stored;
  }

  valueOf() {
    return this.value;
  }

  toString() {
    return String(this.value);
  }

  toJSON() {
    return typeof this.value === 'bigint' ? String(this.value) : this.value;
  }
}

/** Returns what can be saved as an array: an NdArray as it is, or one of a typed array or {dtype, shape, data}. */
export function arrayOf(value) {
  if (value instanceof NdArray) return value;
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    return new NdArray(dtypeOf(value), [value.length], value);
  }
  if (value?.data !== undefined && value.shape !== undefined) {
    return new NdArray(value.dtype ?? dtypeOf(value.data), value.shape, value.data);
  }
  throw new TypeError('expected an NdArray, a typed array, or an object with dtype, shape and data');
}

/** Returns the number of a dtype. */
export function dtypeNumber(dtype) {
  const number = scoped((scope) => lib.tf_dtype_from_name(scope.text(dtype)[0]));
  if (number === 0) throw new TypeError(`there is no dtype ${JSON.stringify(dtype)}`);
  return number;
}

/** Returns the name of a dtype by its number. */
export function dtypeName(number) {
  return nameOf(lib.tf_dtype_name, number);
}

export function isBlockType(number) {
  return lib.tf_dtype_kind(number) === KIND_BLOCK;
}

/** Returns the number of bytes of some elements of a dtype. */
export function bytesFor(number, elements) {
  return (elements / lib.tf_dtype_block_size(number)) * lib.tf_dtype_block_bytes(number);
}

/** Returns an array on its bytes, which it does not copy. They are aligned to its items. */
function arrayOn(dtype, shape, bytes) {
  return new NdArray(dtype, shape, viewAs(typedArrayOf(dtype), bytes));
}

/** Returns a new array for elements of a dtype, and its bytes. */
export function emptyArray(number, shape, elements) {
  const bytes = new Uint8Array(bytesFor(number, elements));
  return { array: arrayOn(dtypeName(number), shape, bytes), bytes };
}

/**
 * Returns an array on bytes that hold its elements. It is undefined if a typed array cannot begin there, or if the dtype is
 * bool, since bytes other than 0 and 1 must become 1.
 */
export function sharedArray(number, shape, bytes) {
  const dtype = dtypeName(number);
  if (dtype === 'bool' || bytes.byteOffset % typedArrayOf(dtype).BYTES_PER_ELEMENT !== 0) return undefined;
  return arrayOn(dtype, shape, bytes);
}

/** Copies an array to the module's memory. The scope releases it. */
export function toLibrary(array, scope) {
  const shape = scope.int64s(array.shape);
  const number = dtypeNumber(array.dtype);
  const made = scope.made((out) => lib.tf_array_new(out, number, shape, array.shape.length), lib.tf_array_release);
  const nbytes = Number(lib.tf_array_nbytes(made));
  if (nbytes !== array.data.byteLength) {
    throw new RangeError(`${array.dtype} of shape [${array.shape}] needs ${nbytes} bytes, got ${array.data.byteLength}`);
  }
  const out = scope.out();
  check(lib.tf_array_data_mut(out, made));
  bytesAt(readPointer(out), nbytes).set(new Uint8Array(array.data.buffer, array.data.byteOffset, nbytes));
  return made;
}

/** Copies a C-contiguous array out of the module's memory. */
export function fromLibrary(handle) {
  const ndim = lib.tf_array_ndim(handle);
  const address = lib.tf_array_shape(handle) >>> 0;
  const shape = Array.from(new BigInt64Array(lib.memory.buffer.slice(address, address + 8 * ndim)), Number);
  const { array, bytes } = emptyArray(lib.tf_array_dtype(handle), shape, sizeOf(shape));
  bytes.set(bytesAt(lib.tf_array_data(handle), bytes.length));
  return array;
}

/**
 * Casts an array to another dtype, also to and from block types, with the library's rules.
 * @param {NdArray} array
 * @param {string} dtype
 */
export async function cast(array, dtype) {
  await init();
  const given = arrayOf(array);
  if (given.dtype === dtype) return given;
  return scoped((scope) => {
    const handle = toLibrary(given, scope);
    const number = dtypeNumber(dtype);
    return fromLibrary(scope.made((out) => lib.tf_array_cast(out, handle, number, 0), lib.tf_array_release));
  });
}

/** Returns bfloat16 elements as float32. */
export function bfloat16ToFloat32(data) {
  const bits = Uint32Array.from(data, (half) => half << 16);
  return new Float32Array(bits.buffer);
}

/** Returns float16 elements, of a Float16Array or as bits in a Uint16Array, as float32. */
export function float16ToFloat32(data) {
  if (!(data instanceof Uint16Array)) return Float32Array.from(data);
  return Float32Array.from(data, (bits) => {
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const sign = bits & 0x8000 ? -1 : 1;
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return exponent ? sign * 2 ** (exponent - 25) * (1024 + fraction) : sign * 2 ** -24 * fraction;
  });
}
