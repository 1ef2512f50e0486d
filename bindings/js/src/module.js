// The WebAssembly module: loading it, its memory, and calls of the C ABI.

/** The exported functions of the module, once init() has succeeded. */
export let lib;

/** Statuses that this package returns to the library or makes errors of by itself. */
export const STATUS_OK = 0;
export const STATUS_IO = 3;
export const STATUS_NOT_FOUND = 4;

const ENOSYS = 52;
const NO_OFFSET = (1n << 64n) - 1n;
let loading;
// The sources and sinks that the module calls, by their numbers.
const byNumber = new Map();
let lastNumber = 0;
let system = { crypto: globalThis.crypto };
const names = new Map();

/** A failure of the library, or of the source that it reads from. */
export class TensorfileError extends Error {
  /**
   * @param {string} status what kind of failure it is, such as "corrupt" or "not_found"
   * @param {string} message
   * @param {{offset?: number, array?: string, cause?: unknown}} [details]
   */
  constructor(status, message, details = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'TensorfileError';
    this.status = status;
    this.offset = details.offset;
    this.array = details.array;
  }
}

/** Provides what only Node has: a function that reads a file, and crypto, which is not global in Node 18. */
export function setSystem(provided) {
  system = provided;
}

// What the module imports: see native/glue.c. All of it is here, so that no part of it is lost from a bundle.
const callbacks = {
  read: (number, offset, address, size) => byNumber.get(number).serve(offset, bytesAt(address, size)),
  resolve: (number, name, out) => byNumber.get(number).resolve(textOf(name), out),
  write(number, address, size) {
    byNumber.get(number).push(bytesAt(address, size).slice());
    return STATUS_OK;
  },
  release(number) {
    byNumber.delete(number);
  },
};

/** Registers a source or sink under a new number, by which the module calls it until it releases the number. */
export function register(object) {
  lastNumber = (lastNumber + 1) & 0x7fffffff;
  byNumber.set(lastNumber, object);
  return lastNumber;
}

/** Returns how many sources and sinks the module has not released. */
export function registeredCount() {
  return byNumber.size;
}

// The library reads no files by path, so the functions of the system that it imports only need to fail.
function systemStub({ module, name }) {
  if (name === 'getentropy') {
    return (address, size) => {
      system.crypto.getRandomValues(bytesAt(address, size));
      return 0;
    };
  }
  return module === 'env' ? () => -ENOSYS : () => ENOSYS;
}

function importsOf(compiled) {
  const made = {};
  for (const wanted of WebAssembly.Module.imports(compiled)) {
    made[wanted.module] ??= {};
    made[wanted.module][wanted.name] = wanted.module === 'tensorfile' ? callbacks[wanted.name] : systemStub(wanted);
  }
  return made;
}

async function compile(given) {
  if (given instanceof WebAssembly.Module) return given;
  const url = given === undefined ? new URL('./tensorfile.wasm', import.meta.url) : given;
  if (url instanceof ArrayBuffer || ArrayBuffer.isView(url)) return WebAssembly.compile(url);
  if (system.readFile && String(url).startsWith('file:')) return WebAssembly.compile(await system.readFile(new URL(url)));
  const response = url instanceof Response ? url : await fetch(url);
  if (!response.ok) {
    throw new TensorfileError('io', `${response.url || url}: the server answered ${response.status}`);
  }
  // compileStreaming() insists on this type, which not every server sends.
  const streaming = response.headers.get('content-type') === 'application/wasm';
  return streaming ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
}

async function start(given) {
  const compiled = await compile(given);
  const instance = await WebAssembly.instantiate(compiled, importsOf(compiled));
  instance.exports._initialize();
  lib = instance.exports;
}

/**
 * Loads the module. The other functions do so themselves; call it first to load it early or from elsewhere.
 * @param {{wasm?: string | URL | Response | BufferSource | WebAssembly.Module}} [options]
 */
export function init(options = {}) {
  if (options.wasm !== undefined && loading) {
    return Promise.reject(new TypeError('init(): the module has been loaded; call init({wasm}) before anything else'));
  }
  loading ??= start(options.wasm).catch((error) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

// Memory is looked up for each access, because its buffer is replaced when it grows. Addresses from 2 GiB on arrive as
// negative numbers.

/** Returns a view of the module's memory, valid until the next call of the library. */
export function bytesAt(address, size) {
  return new Uint8Array(lib.memory.buffer, address >>> 0, size);
}

function memory() {
  return new DataView(lib.memory.buffer);
}

export function readPointer(address) {
  return memory().getUint32(address >>> 0, true);
}

export function readInt32(address) {
  return memory().getInt32(address >>> 0, true);
}

export function readInt64(address) {
  return memory().getBigInt64(address >>> 0, true);
}

export function writePointer(address, value) {
  memory().setUint32(address >>> 0, value, true);
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Returns the text of some bytes; bytes that are not UTF-8 become U+FFFD. */
export function textAt(address, size) {
  return decoder.decode(bytesAt(address, size));
}

/** Returns the text of a NUL-terminated string. */
export function textOf(address) {
  const all = new Uint8Array(lib.memory.buffer);
  return textAt(address, all.indexOf(0, address >>> 0) - (address >>> 0));
}

/** Returns the name of a dtype, status or other constant. The functions that name them return static strings. */
export function nameOf(naming, number) {
  const key = naming(number);
  if (!names.has(key)) names.set(key, textOf(key));
  return names.get(key);
}

/** Returns an error that describes the last failure of the library. */
export function lastError(status) {
  const offset = lib.tf_error_offset();
  const array = textOf(lib.tf_error_name());
  return new TensorfileError(nameOf(lib.tf_status_name, status), textOf(lib.tf_error_message()), {
    offset: BigInt.asUintN(64, offset) === NO_OFFSET ? undefined : Number(offset),
    array: array === '' ? undefined : array,
  });
}

/** Throws the error of a status that is not OK. */
export function check(status) {
  if (status !== STATUS_OK) throw lastError(status);
}

function allocate(size) {
  const address = lib.malloc(Math.max(size, 1)) >>> 0;
  if (address === 0) {
    throw new TensorfileError('out_of_memory', `${size} bytes do not fit in the 4 GiB that WebAssembly can have`);
  }
  return address;
}

/** Memory and handles of a call, which are released together. */
class Scope {
  #undo = [];

  /** Returns the address of uninitialized memory. */
  memory(size) {
    const address = allocate(size);
    this.#undo.push(() => lib.free(address));
    return address;
  }

  /** Returns the address of zeroed memory for outputs of up to 8 bytes each. */
  out(count = 1) {
    const address = this.memory(8 * count);
    bytesAt(address, 8 * count).fill(0);
    return address;
  }

  /** Copies a string, and returns its address and size, which are two arguments of most functions. */
  text(value) {
    const encoded = encoder.encode(value);
    const address = this.memory(encoded.length + 1);
    bytesAt(address, encoded.length + 1).set(encoded);
    bytesAt(address + encoded.length, 1)[0] = 0;
    return [address, encoded.length];
  }

  /** Copies numbers as an array of int64_t. */
  int64s(values) {
    const address = this.memory(8 * values.length);
    const view = memory();
    values.forEach((value, index) => view.setBigInt64(address + 8 * index, BigInt(value), true));
    return address;
  }

  /** Calls a function that creates an object; returns the object, which the scope releases. */
  made(create, release) {
    const out = this.out();
    const status = create(out);
    const object = readPointer(out);
    if (object !== 0) this.#undo.push(() => release(object));
    check(status);
    return object;
  }

  close() {
    for (const undo of this.#undo.reverse()) undo();
  }
}

/** Calls body with a scope, and then releases what the scope has. */
export function scoped(body) {
  const scope = new Scope();
  try {
    return body(scope);
  } finally {
    scope.close();
  }
}
