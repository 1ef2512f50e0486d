// Where bytes come from. A source has a size, a name, and read(offset, size, signal), which returns a promise of exactly
// that many bytes, or readSync(offset, target). Where it has view(offset, size), this returns the bytes themselves. gap is
// the number of bytes that are worth reading to save a read, and piece the size of an efficient read. sibling(name) opens
// another file of the same set.

import { TensorfileError } from './module.js';

const MEBIBYTE = 1 << 20;

/** Bytes in the memory of JavaScript, which are not copied. */
export class MemorySource {
  constructor(bytes, name = '') {
    this.size = bytes.length;
    this.name = name;
    this.gap = 0;
    this.piece = MEBIBYTE;
    this.bytes = bytes;
  }

  readSync(offset, target) {
    target.set(this.bytes.subarray(offset, offset + target.length));
  }

  view(offset, size) {
    return this.bytes.subarray(offset, offset + size);
  }
}

/** A Blob or File of the browser. */
export class BlobSource {
  constructor(blob) {
    this.size = blob.size;
    this.name = blob.name ?? '';
    this.gap = MEBIBYTE / 16;
    this.piece = 8 * MEBIBYTE;
    this.blob = blob;
  }

  async read(offset, size) {
    return new Uint8Array(await this.blob.slice(offset, offset + size).arrayBuffer());
  }
}

/** An object of the caller with size and read(). */
export class CustomSource {
  constructor(given) {
    if (!Number.isSafeInteger(given.size) || given.size < 0) {
      throw new TypeError(`the size of a source is a number of bytes, got ${given.size}`);
    }
    this.size = given.size;
    this.name = given.name ?? '';
    this.gap = given.gap ?? MEBIBYTE / 16;
    this.piece = given.piece ?? 8 * MEBIBYTE;
    this.given = given;
  }

  async read(offset, size, signal) {
    const bytes = await this.given.read(offset, size, signal);
    return bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes;
  }
}

/** Fails unless a source has returned what it was asked for. */
export function requireSize(source, offset, wanted, found) {
  if (found === wanted) return;
  throw new TensorfileError('truncated', `${source.name || 'the source'}: expected ${wanted} bytes at byte ${offset}, got ` +
    `${found}; did the file change while it was read?`, { offset: offset + Math.min(wanted, found) });
}
