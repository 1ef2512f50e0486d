// Saving: arrays of JavaScript to the bytes of a file.

import { NdArray, arrayOf, toLibrary } from './arrays.js';
import { dictOf, entriesOf } from './dicts.js';
import { check, init, lib, register, scoped } from './module.js';
import { formatNumber, optionsOf } from './options.js';

// A single array is that of a .npy, which has no name.
function namedOf(arrays) {
  const single = arrays instanceof NdArray || ArrayBuffer.isView(arrays) || ArrayBuffer.isView(arrays?.data);
  return single ? [['', arrays]] : entriesOf(arrays);
}

function setArray(dict, name, value) {
  let array;
  try {
    array = arrayOf(value);
  } catch (error) {
    throw new TypeError(`array ${JSON.stringify(name)}: ${error.message}`);
  }
  scoped((scope) => check(lib.tf_dict_set_array(dict, ...scope.text(name), toLibrary(array, scope))));
}

async function chunksOf(format, arrays, options) {
  await init();
  const chunks = [];
  scoped((scope) => {
    const number = formatNumber(format);
    const chosen = optionsOf(options, scope);
    const metadata = options.metadata === undefined ? 0 : dictOf(options.metadata, scope);
    const dict = scope.made((out) => lib.tf_dict_new(out), lib.tf_dict_release);
    for (const [name, value] of namedOf(arrays)) setArray(dict, name, value);
    const sink = scope.made((out) => lib.js_sink_new(out, register(chunks)), lib.tf_sink_release);
    check(lib.tf_save_sink(sink, number, 0, dict, metadata, chosen));
  });
  return chunks;
}

/**
 * Returns the bytes of a file.
 * @param {string} format "npy", "npz", "safetensors" or "gguf"
 * @param {object} arrays by name, as a Map or an object; for a .npy one array
 * @param {object} [options] metadata, and options of the library
 */
export async function save(format, arrays, options = {}) {
  const chunks = await chunksOf(format, arrays, options);
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

/** Does the same as save(), and returns a Blob. */
export async function saveBlob(format, arrays, options = {}) {
  return new Blob(await chunksOf(format, arrays, options), { type: 'application/octet-stream' });
}
