// Arrays, metadata and saving. Other libraries read what is saved here in tests/dist/test_npm.py.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { golden, packageFile, tf } from './support.js';

const { NdArray, Scalar } = tf;
await tf.init();
const { lib, textOf } = await import(packageFile('src/module.js'));
const { typedArrayOf } = await import(packageFile('src/arrays.js'));

test('every dtype has a typed array whose items have its size, and a name in the types', () => {
  const types = readFileSync(packageFile('src/index.d.ts'), 'utf8');
  const declared = types.slice(0, types.indexOf('export type Dtype =')).match(/(?<=\| ')\w+/g);
  const names = [];
  for (let number = 1; number < 200; ++number) {
    const name = textOf(lib.tf_dtype_name(number));
    if (name === 'unsupported') continue;
    names.push(name);
    const items = name.startsWith('complex') ? 2 : 1;
    const expected = typedArrayOf(name) === Uint8Array ? 1 : lib.tf_dtype_block_bytes(number) / items;
    assert.equal(typedArrayOf(name).BYTES_PER_ELEMENT, expected, name);
  }
  assert.ok(names.length > 45, `${names.length}`);
  assert.deepEqual(declared, names);
});

test('the types declare what the package exports', () => {
  const types = readFileSync(packageFile('src/index.d.ts'), 'utf8');
  const declared = [...types.matchAll(/^export (?:class|function) (\w+)/gm)].map(([, name]) => name);
  assert.deepEqual([...new Set(declared)].sort(), Object.keys(tf).sort());
});

test('the version is that of the library', () => {
  const { version } = JSON.parse(readFileSync(packageFile('package.json'), 'utf8'));
  const header = /TENSORFILE_VERSION_STRING "(.*)"/.exec(readFileSync(new URL('../../../include/tensorfile.h', import.meta.url), 'utf8'));
  assert.equal(version, header[1]);
});

const arrays = {
  bool: Uint8Array.of(0, 1), int8: Int8Array.of(-128, 127), int16: Int16Array.of(-32768, 3), int32: Int32Array.of(-1, 2),
  int64: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n), uint8: Uint8Array.of(0, 255), uint16: Uint16Array.of(0, 65535),
  uint32: Uint32Array.of(0, 2 ** 32 - 1), uint64: BigUint64Array.of(0n, 2n ** 64n - 1n), float16: Uint16Array.of(0x3c00, 0xfe01),
  bfloat16: Uint16Array.of(0x3f80, 0x7fc1), float32: Float32Array.of(-0, NaN), float64: Float64Array.of(1e-310, Infinity),
  complex64: Float32Array.of(1, 2, -3, 4), complex128: Float64Array.of(1, 2, -3, 4),
};
const without = { safetensors: ['complex128'],
  gguf: ['bool', 'uint8', 'uint16', 'uint32', 'uint64', 'complex64', 'complex128'] };

for (const format of ['npz', 'safetensors', 'gguf']) {
  test(`what is saved as ${format} is loaded again`, async () => {
    const saved = new Map(Object.entries(arrays).filter(([dtype]) => !without[format]?.includes(dtype))
      .map(([dtype, data]) => [dtype, new NdArray(dtype, [1, 2], data)]));
    for (const options of [{}, { compress: true, compressionLevel: 9 }]) {
      const loaded = await tf.load(await tf.save(format, saved, options));
      assert.equal(loaded.format, format);
      for (const [name, { dtype, shape, data }] of saved) {
        const found = loaded.arrays.get(name);
        assert.deepEqual([found.dtype, found.shape], [dtype, shape]);
        assert.deepEqual(Buffer.from(found.data.buffer), Buffer.from(data.buffer), name);
      }
      assert.equal(loaded.arrays.size, saved.size);
    }
    const blob = await tf.saveBlob(format, saved);
    assert.ok(blob instanceof Blob);
    assert.deepEqual(Buffer.from(await blob.arrayBuffer()), Buffer.from(await tf.save(format, saved)));
    for (const dtype of without[format] ?? []) {
      const refused = tf.save(format, { [dtype]: new NdArray(dtype, [2], arrays[dtype]) });
      await assert.rejects(refused, { status: 'unsupported', message: new RegExp(dtype) });
    }
  });
}

test('the files of NumPy and safetensors are saved byte for byte', async () => {
  for (const [file, format] of [['npy/np_float32_c.npy', 'npy'], ['npy/np_bool_c.npy', 'npy'], ['npy/np_zero.npy', 'npy'],
    ['npy/np_0d.npy', 'npy'], ['npy/np_int64_c.npy', 'npy'], ['npy/np_bfloat16_c.npy', 'npy']]) {
    const { arrays: loaded } = await tf.load(golden(file));
    assert.deepEqual(Buffer.from(await tf.save(format, loaded)), golden(file), file);
    assert.deepEqual(Buffer.from(await tf.save(format, loaded.get(''))), golden(file), file);
  }
});

test('block types are kept, and saved again byte for byte', async () => {
  const bytes = golden('gguf/py_Q4_0.gguf');
  const loaded = await tf.load(bytes, { decode: 'keep' });
  const again = await tf.load(await tf.save('gguf', loaded.arrays, { metadata: loaded.metadata }), { decode: 'keep' });
  assert.deepEqual(again, loaded);
  assert.equal([...again.arrays.values()][0].dtype, 'q4_0');
});

test('encoding is what ggml does', async () => {
  const input = (await tf.load(golden('gguf/encode_input.npy'))).arrays.get('');
  for (const type of ['Q4_0', 'Q4_1', 'Q5_0', 'Q5_1', 'Q8_0', 'BF16', 'MXFP4']) {
    const encoded = await tf.cast(input, type === 'BF16' ? 'bfloat16' : type.toLowerCase());
    const { buffer, byteOffset, byteLength } = encoded.data;
    assert.deepEqual(Buffer.from(buffer, byteOffset, byteLength), golden(`gguf/encoded_${type}.bin`), type);
  }
});

test('metadata keeps its types', async () => {
  const metadata = new Map([['general.architecture', 'demo'], ['demo.layers', new Scalar('uint32', 32)], ['demo.on', true],
    ['demo.big', new Scalar('uint64', 2n ** 64n - 1n)], ['demo.epsilon', new Scalar('float32', 0.5)], ['demo.tags', ['a', 'ß']],
    ['demo.scores', Float32Array.of(1, 2.5)], ['demo.none', []]]);
  const loaded = (await tf.load(await tf.save('gguf', { w: Float32Array.of(1) }, { metadata }))).metadata;
  assert.deepEqual([...loaded.keys()], [...metadata.keys()]);
  assert.equal(loaded.get('general.architecture'), 'demo');
  assert.deepEqual(loaded.get('demo.layers'), new Scalar('uint32', 32));
  assert.equal(loaded.get('demo.layers') + 1, 33);
  assert.equal(loaded.get('demo.on').value, true);
  assert.equal(loaded.get('demo.big').value, 2n ** 64n - 1n);
  assert.equal(JSON.stringify(loaded.get('demo.epsilon')), '0.5');
  assert.deepEqual(loaded.get('demo.tags'), ['a', 'ß']);
  assert.deepEqual(loaded.get('demo.scores'), new NdArray('float32', [2], Float32Array.of(1, 2.5)));
  assert.deepEqual(loaded.get('demo.none'), []);
  const strings = { metadata: { author: 'Ada', __proto__x: 'y' } };
  const again = await tf.load(await tf.save('safetensors', { w: Uint8Array.of(1) }, strings));
  assert.deepEqual(again.metadata, new Map(Object.entries(strings.metadata)));
});

test('names are data, whatever they are', async () => {
  const names = ['__proto__', 'constructor', '10', '2', '', 'ключ', '..', 'x'.repeat(1000)];
  const saved = new Map(names.map((name, index) => [name, Uint8Array.of(index)]));
  const loaded = (await tf.load(await tf.save('safetensors', saved))).arrays;
  assert.deepEqual([...loaded.keys()].sort(), [...names].sort());
  for (const [name, data] of saved) assert.deepEqual(loaded.get(name).data, data);
});

test('mistakes name what is wrong', async () => {
  const w = Float32Array.of(1, 2);
  const rejects = (call, expected) => assert.rejects(async () => call(), expected);
  await rejects(() => tf.save('zip', { w }), { name: 'TypeError', message: 'there is no format "zip"' });
  await rejects(() => tf.save('npz', { w: [1, 2] }), { name: 'TypeError', message: /^array "w": expected an NdArray, a typed array/ });
  await rejects(() => tf.save('npz', { w }, { compression: 3 }), { name: 'TypeError', message: 'there is no option "compression"' });
  await rejects(() => tf.save('npz', { w }, { compressionLevel: 12 }), { status: 'invalid_argument', message: /compression_level/ });
  await rejects(() => tf.save('gguf', { w }, { metadata: { layers: 3 } }), { name: 'TypeError',
    message: `metadata "layers": a number needs a dtype, such as new Scalar('uint32', 3)` });
  await rejects(() => tf.save('safetensors', { w }, { metadata: { tags: ['a'] } }), { status: 'type', array: 'tags' });
  await rejects(() => tf.save('npy', { a: w, b: w }), { status: 'unsupported' });
  await rejects(() => tf.save('npz', null), { name: 'TypeError', message: 'expected a Map or an object, got null' });
  await rejects(() => tf.cast(new NdArray('complex64', [1], w), 'float32'), { status: 'type' });
  await rejects(() => tf.init({ wasm: 'elsewhere.wasm' }), { name: 'TypeError' });
  assert.throws(() => new NdArray('float32', [3], w), { name: 'RangeError', message: 'float32 of shape [3] needs 3 items, got 2' });
  assert.throws(() => new NdArray('float32', [-2], w), { name: 'RangeError' });
  assert.throws(() => new NdArray('int32', [2], w), { name: 'TypeError', message: 'the data of int32 is a Int32Array, got a Float32Array' });
  assert.throws(() => new NdArray('int64', [2], Float64Array.of(1, 2)), { name: 'TypeError' });
  assert.throws(() => new Scalar('uint8', 256), { name: 'RangeError', message: 'uint8 cannot hold 256' });
  assert.throws(() => new Scalar('int32', 1.5), { name: 'RangeError' });
  assert.throws(() => new Scalar('complex64', 1), { name: 'TypeError' });
  await rejects(() => tf.save('gguf', { w: new NdArray('q4_0', [32], new Uint8Array(17)) }), { name: 'RangeError',
    message: 'q4_0 of shape [32] needs 18 bytes, got 17' });
});

test('a part of the package works by itself, as a bundler may leave it', () => {
  const url = packageFile('src/arrays.js').href;
  const program = `import { cast } from '${url}'; import { setSystem } from '${packageFile('src/module.js').href}';` +
    `import { readFile } from 'node:fs/promises'; import { webcrypto as crypto } from 'node:crypto';` +
    `setSystem({ readFile, crypto }); console.log((await cast(Float32Array.of(1.5), 'int8')).data[0]);`;
  const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', program]);
  assert.equal(printed.toString(), '1\n');
});

test('half floats as float32', () => {
  assert.deepEqual(tf.bfloat16ToFloat32(Uint16Array.of(0x3f80, 0xc000, 0x7f80)), Float32Array.of(1, -2, Infinity));
  assert.deepEqual(tf.float16ToFloat32(Uint16Array.of(0x3c00, 0xc000, 0x7c00, 0x7e00, 1, 0x7bff, 0x8000)),
    Float32Array.of(1, -2, Infinity, NaN, 2 ** -24, 65504, -0));
});

test('a part of a typed array is saved, not all of its memory', async () => {
  const part = Float32Array.of(1, 2, 3, 4).subarray(1, 3);
  assert.deepEqual((await tf.load(await tf.save('npy', part))).arrays.get('').data, Float32Array.of(2, 3));
});
