// Files whose arrays are read on request.

import { bytesFor, dtypeName, dtypeNumber, emptyArray, isBlockType, fromLibrary, sharedArray } from './arrays.js';
import { borrowedText, mapOf } from './dicts.js';
import { TensorfileError, bytesAt, check, init, lib, nameOf, readInt32, readInt64, readPointer, scoped, textOf } from './module.js';
import { optionsOf } from './options.js';
import { firstOf, indicesOf, partOf } from './slices.js';
import { SourceSet, cacheOf } from './sources.js';

// Arrays above this size are read in bands of it, because the memory of WebAssembly never shrinks.
const BAND = 16 << 20;
// Arrays that are read together are fetched in groups of this size.
const GROUP = 32 << 20;

const abandoned = new FinalizationRegistry(({ handle, set }) => {
  lib.tf_file_release(handle);
  set.close().catch(() => {});
});

// The numbers at the start of the block that tf_file_listing() returns.
const COUNT = 0;
const DTYPES = 1;
const NBYTES = 2;
const SHAPE_STARTS = 3;
const SHAPES = 4;
const NAME_STARTS = 5;
const NAMES = 6;

/** Returns what the block of tf_file_listing() says about each array. */
function entriesOf(block) {
  const head = new BigInt64Array(block, 0, NAMES + 1);
  const count = Number(head[COUNT]);
  const column = (Class, which, size) => new Class(block, Number(head[which]), size);
  const dtypes = column(Int32Array, DTYPES, count);
  const nbytes = column(BigUint64Array, NBYTES, count);
  const shapeStarts = column(BigInt64Array, SHAPE_STARTS, count + 1);
  const nameStarts = column(BigInt64Array, NAME_STARTS, count + 1);
  const sizes = column(BigInt64Array, SHAPES, Number(shapeStarts[count]));
  const names = column(Uint8Array, NAMES, Number(nameStarts[count]));
  const decoder = new TextDecoder();
  const part = (starts, of, index) => of.subarray(Number(starts[index]), Number(starts[index + 1]));
  return Array.from(dtypes, (number, index) => ({
    name: decoder.decode(part(nameStarts, names, index)),
    dtype: dtypeName(number),
    number,
    shape: Array.from(part(shapeStarts, sizes, index), Number),
    nbytes: Number(nbytes[index]),
    index,
  }));
}

/** An open file: its header is in memory, its arrays are read on request. */
export class TensorFile {
  #handle;
  #set;
  #entries;
  #metadata;
  #decode;

  constructor(handle, set, decode) {
    this.#handle = handle;
    this.#set = set;
    this.#decode = decode;
    abandoned.register(this, { handle, set }, this);
    const block = scoped((scope) => {
      const buffer = scope.made((out) => lib.tf_file_listing(out, handle), lib.tf_buffer_release);
      const address = lib.tf_buffer_data(buffer) >>> 0;
      return lib.memory.buffer.slice(address, address + lib.tf_buffer_size(buffer));
    });
    this.#entries = new Map(entriesOf(block).map((entry) => [entry.name, entry]));
    /** "npy", "npz", "safetensors" or "gguf". */
    this.format = nameOf(lib.tf_format_name, lib.tf_file_format(handle));
    /** The names of the arrays, in the order of the file. That of a .npy is "". */
    this.names = [...this.#entries.keys()];
  }

  /** Strings, lists of strings, scalars and arrays, by key. */
  get metadata() {
    this.#metadata ??= mapOf(lib.tf_file_metadata(this.#open()));
    return this.#metadata;
  }

  #open() {
    if (this.#handle === 0) throw new TensorfileError('invalid_argument', 'the file is closed');
    return this.#handle;
  }

  #entry(name) {
    const handle = this.#open();
    const entry = this.#entries.get(name);
    if (entry) return entry;
    throw new TensorfileError('not_found', `${nameOf(lib.tf_format_name, lib.tf_file_format(handle))}: there is no array ` +
      JSON.stringify(name), { array: name });
  }

  /** Returns what the header says about an array. */
  info(name) {
    const { index, dtype, shape, nbytes } = this.#entry(name);
    const type = scoped((scope) =>
      borrowedText(scope, (text, size) => lib.tf_file_type(text, size, this.#open(), index)));
    return { name, dtype, type, shape: [...shape], nbytes, ...this.#location(index) };
  }

  has(name) {
    return this.#entries.has(name);
  }

  #location(index) {
    return scoped((scope) => {
      const out = scope.out(4);
      check(lib.tf_file_location(out, out + 8, out + 16, out + 24, this.#open(), index));
      return { offset: Number(readInt64(out + 8)), storedBytes: Number(readInt64(out + 16)), deflated: readInt32(out + 24) === 1 };
    });
  }

  // The feed that has an array: tf_file_location() names its file, whose name is that of the source.
  #feedOf(index) {
    const { feeds } = this.#set;
    if (feeds.length === 1) return feeds[0];
    const path = scoped((scope) => {
      const out = scope.out();
      check(lib.tf_file_location(out, 0, 0, 0, this.#open(), index));
      return textOf(readPointer(out));
    });
    return feeds.find((feed) => feed.source.name === path);
  }

  #dtypeOf(entry, { dtype, decode = this.#decode }) {
    if (dtype !== undefined) return dtypeNumber(dtype);
    return isBlockType(entry.number) && decode !== 'keep' ? dtypeNumber(decode) : entry.number;
  }

  /**
   * Reads an array or a part of it.
   * @param {string} name
   * @param {{dtype?: string, decode?: string, slice?: unknown[], share?: boolean, signal?: AbortSignal}} [options]
   */
  async read(name, options = {}) {
    return this.#read(this.#entry(name), options, new Map());
  }

  async #read(entry, options, data) {
    const indices = indicesOf(entry.shape, options.slice);
    const { starts, stops, steps, counts, shape } = indices;
    const number = this.#dtypeOf(entry, options);
    if (entry.number === 0) check(scoped((scope) => lib.tf_file_read(scope.out(), this.#open(), entry.index)));
    const elements = counts.reduce((product, count) => product * count, 1);
    const location = this.#location(entry.index);
    const shared = options.share && number === entry.number ? this.#share(entry, indices, elements, location) : undefined;
    if (shared !== undefined) return shared;
    const { array, bytes } = emptyArray(number, shape, elements);
    const plan = { entry, number, starts, steps, counts, stops, bytes, location, data, signal: options.signal };
    if (location.deflated && elements > 0 && elements === entry.shape.reduce((product, size) => product * size, 1)) {
      const feed = this.#feedOf(entry.index);
      await feed.fetch([[location.offset, location.storedBytes]], cacheOf(data, feed), options.signal);
    }
    await this.#readBands(plan);
    return array;
  }

  // Returns an array in the caller's memory, or undefined if the elements are not there as a typed array has them.
  #share(entry, indices, elements, location) {
    const first = firstOf(entry.shape, indices);
    if (first === undefined || elements === 0 || location.deflated) return undefined;
    if (lib.tf_file_is_big_endian(this.#open(), entry.index) || lib.tf_file_is_fortran_order(this.#open(), entry.index)) {
      return undefined;
    }
    // The elements of a block or of a packed type that a slice selects need not begin at a byte.
    if (lib.tf_dtype_block_size(entry.number) > 1 && indices.counts.some((count, axis) => count !== entry.shape[axis])) {
      return undefined;
    }
    const size = bytesFor(entry.number, elements);
    const bytes = this.#feedOf(entry.index).source.view?.(location.offset + bytesFor(entry.number, first), size);
    return bytes && sharedArray(entry.number, indices.shape, bytes);
  }

  // Divides the elements along the outermost axis whose parts fit in a band.
  async #readBands(plan) {
    const { counts, number, bytes } = plan;
    const axis = counts.findIndex((_, at) => bytes.length / counts.slice(0, at + 1).reduce((a, b) => a * b, 1) <= BAND);
    const last = axis < 0 || axis === counts.length - 1;
    // A unit of a packed or block type is a part of a row, so rows of such a type are not divided.
    const whole = bytes.length <= BAND || axis < 0 || (last && Math.max(lib.tf_dtype_block_size(plan.entry.number), lib.tf_dtype_block_size(number)) > 1);
    if (whole) return this.#readPart(plan, plan.starts, plan.stops, bytes);
    const inner = bytesFor(number, counts.slice(axis + 1).reduce((a, b) => a * b, 1));
    const step = Math.max(1, Math.floor(BAND / inner));
    const outer = counts.slice(0, axis).reduce((a, b) => a * b, 1);
    let done = 0;
    for (let row = 0; row < outer; ++row) {
      for (let first = 0; first < counts[axis]; first += step) {
        const size = Math.min(step, counts[axis] - first);
        const [starts, stops] = partOf(plan, axis, row, first, size);
        const read = await this.#readPart(plan, starts, stops, bytes.subarray(done, done + size * inner));
        // The bands of an array in Fortran order each need nearly all of the file's bytes. It is better read at once.
        const share = (plan.location.storedBytes * size) / (outer * counts[axis]);
        if (done === 0 && read > 1.5 * share + BAND / 16) {
          return this.#readPart(plan, plan.starts, plan.stops, bytes);
        }
        done += size * inner;
      }
    }
    return undefined;
  }

  // Returns the number of bytes that the library read.
  async #readPart(plan, starts, stops, target) {
    if (target.length === 0) return 0;
    const { entry, number, steps, data, location, signal } = plan;
    const call = () => scoped((scope) => {
      const handle = this.#open();
      const scratch = scope.memory(target.length);
      const axes = [starts, stops, steps].map((values) => scope.int64s(values));
      const status = lib.tf_file_read_slice_into(handle, entry.index, ...axes, steps.length, number, scratch, target.length);
      if (status === 0) target.set(bytesAt(scratch, target.length));
      return status;
    });
    const read = await this.#set.run(call, { guess: !location.deflated, data, signal });
    // Only an array that is fetched band by band shares no bytes with another band or array.
    if (!location.deflated && location.storedBytes > GROUP) data.clear();
    return read;
  }

  /**
   * Returns the bytes of an array as they are stored, whatever its type.
   * @param {string} name
   * @param {{signal?: AbortSignal}} [options]
   */
  async readRaw(name, { signal } = {}) {
    const { index } = this.#entry(name);
    const { offset, storedBytes, deflated } = this.#location(index);
    const data = new Map();
    const feed = this.#feedOf(index);
    await feed.fetch([[offset, storedBytes]], cacheOf(data, feed), signal);
    let raw;
    const call = () => scoped((scope) => {
      const out = scope.out();
      const status = lib.tf_file_read_raw(out, this.#open(), index);
      if (status !== 0) return status;
      raw = fromLibrary(scope.made((copy) => lib.tf_array_contiguous(copy, readPointer(out)), lib.tf_array_release));
      lib.tf_array_release(readPointer(out));
      return status;
    });
    await this.#set.run(call, { guess: !deflated, data, signal });
    return raw.data;
  }

  /**
   * Reads several arrays, of which those that are close together in the file are fetched together.
   * @param {Iterable<string>} [names] all of them if omitted
   * @param {object} [options] as in read()
   * @returns {Promise<Map<string, import('./arrays.js').NdArray>>}
   */
  async readAll(names = this.names, options = {}) {
    const wanted = [...names].map((name) => this.#entry(name));
    const arrays = new Map(wanted.map(({ name }) => [name, undefined]));
    for (const group of this.#groups(wanted)) {
      const data = new Map();
      const feed = group[0].feed;
      const ranges = group.filter(({ size }) => size > 0 && size <= GROUP).map(({ offset, size }) => [offset, size]);
      await feed.fetch(ranges, cacheOf(data, feed), options.signal);
      for (const { entry } of group) arrays.set(entry.name, await this.#read(entry, options, data));
    }
    return arrays;
  }

  // Divides arrays, in the order of their bytes, into groups of at most GROUP bytes of one file.
  #groups(entries) {
    const { feeds } = this.#set;
    const stored = entries.map((entry) => {
      const { offset, storedBytes } = this.#location(entry.index);
      return { entry, offset, size: storedBytes, feed: this.#feedOf(entry.index) };
    });
    stored.sort((a, b) => feeds.indexOf(a.feed) - feeds.indexOf(b.feed) || a.offset - b.offset);
    const groups = [];
    let bytes = 0;
    for (const item of stored) {
      bytes += item.size;
      if (groups.length === 0 || bytes > GROUP || groups.at(-1)[0].feed !== item.feed) {
        groups.push([]);
        bytes = item.size;
      }
      groups.at(-1).push(item);
    }
    return groups;
  }

  /** Closes the file. Arrays that were read stay valid. */
  async close() {
    if (this.#handle === 0) return;
    abandoned.unregister(this);
    lib.tf_file_release(this.#handle);
    this.#handle = 0;
    await this.#set.close();
  }
}

// Node 18 has neither symbol; where there are `using` declarations, they exist.
if (Symbol.dispose) {
  TensorFile.prototype[Symbol.dispose] = function dispose() {
    this.close().catch(() => {});
  };
  TensorFile.prototype[Symbol.asyncDispose] = function dispose() {
    return this.close();
  };
}

/** Opens a source of bytes as a file. */
export async function openSource(source, options) {
  await init();
  const set = new SourceSet(source);
  try {
    const handle = await openHandle(set, options);
    return new TensorFile(handle, set, options.decode ?? 'float32');
  } catch (error) {
    await set.close().catch(() => {});
    throw error;
  }
}

async function openHandle(set, options) {
  let handle = 0;
  const call = () => scoped((scope) => {
    const chosen = optionsOf(options, scope);
    const out = scope.out();
    // A call for a set can succeed and still be repeated, once its other files have been fetched.
    if (handle !== 0) lib.tf_file_release(handle);
    const status = lib.tf_file_open_source(out, set.handle(scope), 0, chosen);
    handle = readPointer(out);
    return status;
  });
  await set.run(call, { signal: options.signal });
  return handle;
}
