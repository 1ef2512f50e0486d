// Opening and loading files from whatever they are given as.

import { BlobSource, CustomSource, MemorySource } from './bytes.js';
import { openSource } from './file.js';
import { openUrl } from './http.js';

const openers = [];

/** Adds a kind of source: a function that returns a promise of a source, or undefined if it does not know the input. */
export function addOpener(opener) {
  openers.push(opener);
}

async function sourceOf(input, options) {
  for (const opener of openers) {
    const source = opener(input, options);
    if (source !== undefined) return source;
  }
  if (ArrayBuffer.isView(input)) {
    return new MemorySource(new Uint8Array(input.buffer, input.byteOffset, input.byteLength), options.name);
  }
  if (input instanceof ArrayBuffer || Object.prototype.toString.call(input) === '[object SharedArrayBuffer]') {
    return new MemorySource(new Uint8Array(input), options.name);
  }
  if (input instanceof Blob) return new BlobSource(input);
  if (input instanceof URL) return openUrl(input, options);
  if (typeof input === 'string') return openUrl(new URL(input, globalThis.document?.baseURI ?? globalThis.location?.href), options);
  if (typeof input?.read === 'function') return new CustomSource(input);
  throw new TypeError('expected bytes, a Blob, a URL, or an object with size and read()');
}

/**
 * Opens a file and reads its header.
 * @param {unknown} input bytes, a Blob, a URL, in Node a path or a FileHandle, or an object with size and read()
 * @param {object} [options]
 */
export async function open(input, options = {}) {
  return openSource(await sourceOf(input, options), options);
}

/**
 * Loads a whole file.
 * @returns {Promise<{format: string, arrays: Map<string, import('./arrays.js').NdArray>, metadata: Map<string, unknown>}>}
 */
export async function load(input, options = {}) {
  const file = await open(input, options);
  try {
    const skip = options.skipUnsupported;
    const names = skip ? file.names.filter((name) => file.info(name).dtype !== 'unsupported') : file.names;
    const arrays = await file.readAll(names, { dtype: options.dtype, share: options.share, signal: options.signal });
    return { format: file.format, arrays, metadata: file.metadata };
  } finally {
    await file.close();
  }
}
