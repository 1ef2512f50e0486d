// The golden files, whose contents other libraries wrote, from each kind of source.

import assert from 'node:assert/strict';
import { open as openHandle } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import test from 'node:test';

import { crc32, golden, goldenPath, manifest, serve, statusOf, tf, verdicts } from './support.js';

// Each kind is a function that returns an input and a function that disposes of it.
const kinds = {
  bytes: async (file) => [golden(file), { name: file }],
  blob: async (file) => [new Blob([golden(file)]), {}],
  path: async (file) => [goldenPath(file), {}],
  URL: async (file) => {
    const server = await serve(golden(file));
    return [server.url, {}, server.close];
  },
  'URL without ranges': async (file) => {
    const server = await serve(golden(file), { ranges: false });
    return [new URL(server.url), {}, server.close];
  },
  FileHandle: async (file) => {
    const handle = await openHandle(goldenPath(file));
    return [handle, {}, () => handle.close()];
  },
  'source of the caller': async (file) => {
    const bytes = golden(file);
    return [{ size: bytes.length, read: async (offset, size) => bytes.subarray(offset, offset + size) }, {}];
  },
};

async function compare(expected, input, options) {
  assert.equal(await statusOf(tf.open(input, options).then((file) => file.close())), expected.open, 'open');
  const loading = tf.load(input, { ...options, decode: 'keep' });
  assert.equal(await statusOf(loading), expected.load, 'load');
  if (expected.load !== 'ok') return 0;
  const { arrays } = await loading;
  const found = [...arrays].map(([name, { dtype, shape, data }]) => ({ name, dtype, shape: shape.join(), crc: crc32(data) }));
  const byName = (a, b) => (a.name < b.name ? -1 : 1);
  assert.deepEqual(found.sort(byName), expected.arrays.sort(byName));
  return found.length;
}

for (const [kind, make] of Object.entries(kinds)) {
  test(`golden files as ${kind}`, async () => {
    let count = 0;
    for (const expected of verdicts()) {
      const [input, options, close] = await make(expected.file);
      try {
        count += await compare(expected, input, options);
      } catch (error) {
        error.message = `${expected.file}: ${error.message}`;
        throw error;
      }
      await close?.();
    }
    assert.ok(count > 200, `${count} arrays`);
  });
}

test('block types are decoded to float32 and float16', async () => {
  let count = 0;
  for (const { file, arrays, expect } of manifest.files.filter(({ format }) => format === 'gguf')) {
    for (const { name, f32_crc32: f32, f16_crc32: f16 } of expect === 'ok' ? arrays : []) {
      if (f32 === undefined || !verdicts().some((known) => known.file === file && known.load === 'ok')) continue;
      const opened = await tf.open(golden(file));
      const isBlocks = opened.info(name).dtype !== 'bfloat16';
      const array = await opened.read(name, isBlocks ? {} : { dtype: 'float32' });
      assert.equal(array.dtype, 'float32', file);
      assert.equal(crc32(array.data), f32, file);
      if (f16) assert.equal(crc32((await opened.read(name, { dtype: 'float16' })).data), f16, file);
      const kept = await opened.read(name, { decode: 'keep' });
      assert.equal(crc32(await array.toFloat32()), f32);
      assert.equal(crc32(await kept.toFloat32()), f32, `${file}: cast`);
      assert.equal(crc32(await opened.readRaw(name)), crc32(kept.data), file);
      ++count;
    }
  }
  assert.ok(count >= 20, `${count} arrays`);
});

const GGUF_TYPES = { UINT8: 'uint8', INT8: 'int8', UINT16: 'uint16', INT16: 'int16', UINT32: 'uint32', INT32: 'int32',
  FLOAT32: 'float32', BOOL: 'bool', UINT64: 'uint64', INT64: 'int64', FLOAT64: 'float64' };

test('metadata of gguf files have their values and types', async () => {
  let count = 0;
  for (const { file, kv } of manifest.files.filter((entry) => entry.kv && entry.expect === 'ok')) {
    if (!verdicts().some((known) => known.file === file && known.open === 'ok')) continue;
    const opened = await tf.open(golden(file));
    for (const [key, type, value] of kv) {
      const found = opened.metadata.get(key);
      if (type === 'STRING') assert.equal(found, value, key);
      if (!(type in GGUF_TYPES)) continue;
      assert.equal(found.dtype, GGUF_TYPES[type], `${file}: ${key}`);
      const wanted = type === 'FLOAT32' ? Math.fround(value) : value;
      assert.equal(typeof found.value === 'bigint' ? Number(found.value) : found.value, wanted, `${file}: ${key}`);
      ++count;
    }
  }
  assert.ok(count > 20, `${count} values`);
});

test('a set of files is opened by its index, as a path and as a URL', async () => {
  const index = 'sharded/model.safetensors.index.json';
  const expected = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
  const shards = await Promise.all(expected.map((name) => tf.load(golden(`sharded/${name}`))));
  const wanted = new Map(shards.flatMap(({ arrays }) => [...arrays]));
  assert.deepEqual((await tf.load(goldenPath(index))).arrays, wanted);
  assert.deepEqual((await tf.load(pathToFileURL(goldenPath(index)))).arrays, wanted);

  const asked = [];
  const fetch = async (url, init) => {
    asked.push(url);
    const name = new URL(url).pathname.slice(1);
    const server = await serve(golden(name), { ranges: !url.includes('unranged') });
    try {
      const response = await globalThis.fetch(server.url, init);
      const bytes = await response.arrayBuffer();
      return new Response(bytes, { status: response.status, headers: response.headers });
    } finally {
      await server.close();
    }
  };
  const file = await tf.open(`http://example.org/${index}?signature=x`, { fetch });
  assert.deepEqual(asked.length, 3, `${asked}`);
  assert.ok(asked.slice(1).every((url) => !url.includes('signature')));
  assert.deepEqual(await file.readAll(), wanted);
  assert.deepEqual((await tf.load(`http://example.org/${index}?unranged`, { fetch })).arrays, wanted);
  const one = file.names[0];
  assert.deepEqual((await file.read(one)).data, wanted.get(one).data);
});
