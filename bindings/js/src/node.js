// The package for Node: files by path and by FileHandle.

import { webcrypto } from 'node:crypto';
import { open as openFile, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { TensorfileError, setSystem } from './module.js';
import { addOpener } from './open.js';

export * from './index.js';

const MEBIBYTE = 1 << 20;

class FileSource {
  constructor(handle, size, name, owned) {
    this.handle = handle;
    this.size = size;
    this.name = name;
    this.gap = MEBIBYTE / 16;
    this.piece = 8 * MEBIBYTE;
    if (owned) {
      this.close = () => handle.close();
      this.sibling = (other) => openPath(join(dirname(name), other));
    }
  }

  async read(offset, size) {
    const bytes = new Uint8Array(size);
    let done = 0;
    while (done < size) {
      const { bytesRead } = await this.handle.read(bytes, done, size - done, offset + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return bytes.subarray(0, done);
  }
}

async function openPath(path) {
  try {
    const handle = await openFile(path);
    const status = await handle.stat();
    if (status.isFile()) return new FileSource(handle, status.size, path, true);
    await handle.close();
  } catch (error) {
    throw new TensorfileError(error.code === 'ENOENT' ? 'not_found' : 'io', `${path}: ${error.message}`, { cause: error });
  }
  throw new TensorfileError('io', `${path}: expected a regular file`);
}

async function openHandle(handle, name = '') {
  return new FileSource(handle, (await handle.stat()).size, name, false);
}

addOpener((input, options) => {
  if (typeof input === 'string' && !/^https?:\/\//.test(input)) return openPath(input);
  if (input instanceof URL && input.protocol === 'file:') return openPath(fileURLToPath(input));
  if (typeof input?.stat === 'function' && typeof input.fd === 'number') return openHandle(input, options.name);
  return undefined;
});
setSystem({ readFile, crypto: webcrypto });
