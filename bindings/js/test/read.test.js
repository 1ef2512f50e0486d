// Reading parts, large arrays and large files.

import assert from 'node:assert/strict';
import { mkdtemp, open as openHandle, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'node:test';

import { golden, packageFile, tf } from './support.js';

const GIB = 2 ** 30;
const module = await import(packageFile('src/module.js'));

async function inFolder(body) {
  const folder = await mkdtemp(join(tmpdir(), 'tensorfile-'));
  try {
    await body(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Returns the bytes of a .npy in version 1.0. */
function npyHeader(descr, fortran, shape) {
  const text = `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${shape.join(', ')},), }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const header = Buffer.from(`\x93NUMPY\x01\x00..${text.padEnd(length - 1)}\n`, 'latin1');
  header.writeUInt16LE(length, 8);
  return header;
}

async function copyOf(bytes, name) {
  return (await tf.load(bytes)).arrays.get(name);
}

test('slices select what Python selects', async () => {
  const shape = [4, 5, 6];
  const values = Int32Array.from({ length: 120 }, (_, index) => index);
  const file = await tf.open(await tf.save('npy', new tf.NdArray('int32', shape, values)));
  const at = (i, j, k) => (i * 5 + j) * 6 + k;
  const cases = [
    [[], shape, [...values]],
    [[1], [5, 6], [...values.slice(30, 60)]],
    [[-1, -1, -1], [], [119]],
    [[null, [1, 3], [null, null, 5]], [4, 2, 2], [0, 1, 2, 3].flatMap((i) => [1, 2].flatMap((j) => [0, 5].map((k) => at(i, j, k))))],
    [[[null, null, -1], 0, 0], [4], [3, 2, 1, 0].map((i) => at(i, 0, 0))],
    [[[2, 100], 4, [-2]], [2, 2], [2, 3].flatMap((i) => [4, 5].map((k) => at(i, 4, k)))],
    [[[3, 1]], [0, 5, 6], []],
    [[0, 0, [4, null, -2]], [3], [4, 2, 0]],
  ];
  for (const [slice, expectedShape, expected] of cases) {
    const { shape: found, data } = await file.read('', { slice });
    assert.deepEqual([found, [...data]], [expectedShape, expected], JSON.stringify(slice));
  }
  await assert.rejects(file.read('', { slice: [4] }), { name: 'RangeError', message: 'axis 0: index 4 is out of range, the size is 4' });
  await assert.rejects(file.read('', { slice: [null, null, null, null] }), { name: 'RangeError' });
  await assert.rejects(file.read('', { slice: [[0, 1, 0]] }), { name: 'RangeError' });
  await assert.rejects(file.read('', { slice: [1.5] }), { name: 'TypeError' });
});

test('shared arrays are views of the bytes, where these have the elements as the typed array does', async () => {
  const matrix = Int16Array.of(1, 2, 3, 4, 5, 6);
  const given = { matrix: new tf.NdArray('int16', [3, 2], matrix), w: Float64Array.of(0.5, -2), flags: new tf.NdArray('bool', [2], Uint8Array.of(1, 0)) };
  for (const format of ['safetensors', 'gguf', 'npz']) {
    const arrays = format === 'gguf' ? { matrix: given.matrix, w: given.w } : given;
    const { buffer } = await tf.save(format, arrays);
    const shared = (await tf.load(buffer, { share: true })).arrays;
    for (const [name, array] of shared) {
      assert.deepEqual([array.dtype, array.shape, array.data], [...Object.values(await copyOf(buffer, name))], `${format} ${name}`);
      assert.equal(array.data.buffer === buffer, name !== 'flags', `${format} ${name}`);
    }
    const compressed = format === 'npz' && (await tf.save(format, arrays, { compress: true })).buffer;
    if (compressed) assert.notEqual((await tf.load(compressed, { share: true })).arrays.get('w').data.buffer, compressed);

    const file = await tf.open(buffer);
    const parts = [[[1], true, [3, 4]], [[[1]], true, [3, 4, 5, 6]], [[2, [1]], true, [6]], [[null, 1], false, [2, 4, 6]], [[[null, null, 2]], false, [1, 2, 5, 6]]];
    for (const [slice, isView, expected] of parts) {
      const { data } = await file.read('matrix', { slice, share: true });
      assert.deepEqual([...data], expected, JSON.stringify(slice));
      assert.equal(data.buffer === buffer, isView, JSON.stringify(slice));
    }
    assert.notEqual((await file.read('matrix')).data.buffer, buffer);
    assert.deepEqual((await file.read('matrix', { dtype: 'float32', share: true })).data, Float32Array.from(matrix));
  }

  // Bytes of the file from an odd address on.
  const bytes = await tf.save('safetensors', { w: given.w });
  const shifted = new Uint8Array(bytes.length + 1);
  shifted.set(bytes, 1);
  assert.deepEqual((await tf.load(shifted.subarray(1), { share: true })).arrays.get('w').data, given.w);
  assert.deepEqual((await tf.load(new Blob([bytes]), { share: true })).arrays.get('w').data, given.w);
  for (const name of ['np_float32_be', 'np_float32_fortran_2d', 'np_fortran_be', 'crafted_bool_bytes', 'np_0d', 'mx_zero']) {
    const file = Uint8Array.from(golden(`npy/${name}.npy`));
    const [read, again] = [await tf.load(file), await tf.load(file, { share: true })];
    assert.deepEqual(again.arrays.get(''), read.arrays.get(''), name);
  }
  const blocks = Uint8Array.from(golden('gguf/py_Q4_K.gguf'));
  const file = await tf.open(blocks, { decode: 'keep' });
  for (const name of file.names) {
    const read = await file.read(name, { share: true });
    assert.deepEqual(read, await file.read(name));
    assert.equal(read.data.buffer, blocks.buffer);
  }
});

test('a cast while reading', async () => {
  const file = await tf.open(await tf.save('npy', Float64Array.of(1.5, -2.5, 1e300)));
  assert.deepEqual((await file.read('', { dtype: 'int8' })).data, Int8Array.of(1, -2, 127));
  assert.deepEqual((await file.read('', { dtype: 'float32' })).data, Float32Array.of(1.5, -2.5, Infinity));
  await assert.rejects(file.read('', { dtype: 'float31' }), { name: 'TypeError', message: 'there is no dtype "float31"' });
});

test('a file of 3 GiB is read in parts, as a path, a FileHandle, a Blob and a source of the caller', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'large.safetensors');
    const header = Buffer.from(JSON.stringify({
      large: { dtype: 'U8', shape: [3, GIB], data_offsets: [0, 3 * GIB] },
      last: { dtype: 'F32', shape: [2], data_offsets: [3 * GIB, 3 * GIB + 8] },
    }));
    const handle = await openHandle(path, 'w+');
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(header.length));
    const start = 8 + header.length;
    await handle.write(Buffer.concat([size, header]), 0, start, 0);
    await handle.write(Buffer.from([1, 2, 3]), 0, 3, start + 2 * GIB + 1000);
    await handle.write(Buffer.from(Float32Array.of(1.25, -8).buffer), 0, 8, start + 3 * GIB);
    const total = (await handle.stat()).size;
    assert.ok(total > 3 * GIB);
    const read = async (offset, bytes) => {
      const buffer = Buffer.alloc(bytes);
      await handle.read(buffer, 0, bytes, offset);
      return buffer;
    };
    const zeros = (bytes) => new Uint8Array(bytes);
    // A Blob of a file on the disk, as a page gets from an <input>; Node 18 has none.
    const { openAsBlob } = await import('node:fs');
    const inputs = { path, handle, source: { size: total, read } };
    if (openAsBlob) inputs.blob = await openAsBlob(path);
    for (const [kind, input] of Object.entries(inputs)) {
      const file = await tf.open(input);
      assert.deepEqual((await file.read('last')).data, Float32Array.of(1.25, -8), kind);
      const row = await file.read('large', { slice: [2, [998, 1005]] });
      assert.deepEqual(row.data, Uint8Array.of(0, 0, 1, 2, 3, 0, 0), kind);
      assert.deepEqual((await file.read('large', { slice: [[null, null, 2], [-4]] })).data, zeros(8), kind);
      await file.close();
    }
    await handle.close();
  });
});

test('arrays above the size of a band are whole, in C and in Fortran order', async () => {
  const rows = 7000;
  const columns = 1300;
  const value = (row, column) => (row * 31 + column * 7) % 65536;
  const build = (fortran) => {
    const data = new Float32Array(rows * columns);
    for (let row = 0; row < rows; ++row) {
      for (let column = 0; column < columns; ++column) {
        data[fortran ? column * rows + row : row * columns + column] = value(row, column);
      }
    }
    return Buffer.concat([npyHeader('<f4', fortran, [rows, columns]), Buffer.from(data.buffer)]);
  };
  const expected = build(false).subarray(-4 * rows * columns);
  await inFolder(async (folder) => {
    for (const fortran of [false, true]) {
      const bytes = build(fortran);
      const path = join(folder, `${fortran}.npy`);
      await writeFile(path, bytes);
      let asked = 0;
      const counted = { size: bytes.length, async read(offset, size) {
        asked += size;
        return bytes.subarray(offset, offset + size);
      } };
      for (const input of [bytes, path, new Blob([bytes]), counted]) {
        const file = await tf.open(input);
        const { data, shape } = await file.read('');
        assert.deepEqual(shape, [rows, columns]);
        assert.ok(Buffer.from(data.buffer).equals(expected), `fortran ${fortran}`);
        const reversed = await file.read('', { slice: [[null, null, -1], [null, null, -1]] });
        assert.equal(reversed.data[0], value(rows - 1, columns - 1));
        assert.equal(reversed.data.at(-1), value(0, 0));
        assert.equal(reversed.data[rows * columns - 2], value(0, 1));
        await file.close();
      }
      // Two arrays were read, each of which in Fortran order can take a first band in vain.
      assert.ok(asked < (fortran ? 4.5 : 2.1) * bytes.length, `${asked} of ${bytes.length} bytes`);
    }
  });
});

test('a compressed array above the size of a band', async () => {
  const numbers = Int32Array.from({ length: 6e6 }, (_, index) => index % 1000);
  const array = new tf.NdArray('int32', [6000, 1000], numbers);
  const bytes = await tf.save('npz', { array }, { compress: true });
  assert.ok(bytes.length < numbers.byteLength / 2);
  assert.deepEqual((await tf.load(bytes)).arrays.get('array').data, numbers);
  assert.deepEqual((await tf.load(new Blob([bytes]))).arrays.get('array').data, numbers);
});

test('data is read into buffers of JavaScript, which growing memory does not detach', async () => {
  const bytes = await tf.save('npy', Float32Array.of(1, 2, 3));
  const { data } = (await tf.load(bytes)).arrays.get('');
  const before = module.lib.memory.buffer.byteLength;
  await tf.save('npy', new Uint8Array(before + 1e6));
  assert.ok(module.lib.memory.buffer.byteLength > before);
  assert.deepEqual(data, Float32Array.of(1, 2, 3));
  assert.notEqual(data.buffer, module.lib.memory.buffer);
});

test('what does not fit in 4 GiB of memory is an error, and the next call works', async () => {
  const large = new Uint8Array(2 ** 31);
  await assert.rejects(tf.save('npz', { a: large, b: large }), { name: 'TensorfileError', status: 'out_of_memory' });
  assert.equal((await tf.save('npy', Uint8Array.of(1))).length, 129);
});

test('a closed file', async () => {
  const file = await tf.open(await tf.save('npz', { a: Float32Array.of(1) }));
  const reading = file.read('a');
  await file.close();
  await file.close();
  await reading.catch(() => {});
  await assert.rejects(file.read('a'), { status: 'invalid_argument', message: 'the file is closed' });
  assert.throws(() => file.metadata, { message: 'the file is closed' });
});

test('Symbol.dispose and Symbol.asyncDispose close', async () => {
  const bytes = await tf.save('npz', { a: Float32Array.of(1) });
  assert.ok(Symbol.dispose && Symbol.asyncDispose, 'this version of Node has the symbols');
  const file = await tf.open(bytes);
  file[Symbol.dispose]();
  await assert.rejects(file.read('a'), { message: 'the file is closed' });
  const another = await tf.open(bytes);
  await another[Symbol.asyncDispose]();
  await assert.rejects(another.read('a'), { message: 'the file is closed' });
});

test('files that are not closed are released when they are collected', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  const bytes = await tf.save('npz', { a: new Float32Array(1000) });
  await Promise.all(Array.from({ length: 200 }, () => tf.open(bytes)));
  const limit = Date.now() + 20000;
  const alive = module.registeredCount;
  const before = alive();
  assert.ok(before >= 200, `${before}`);
  while (alive() > before - 200 && Date.now() < limit) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(alive() <= before - 200, `${alive()} of ${before} sources are left`);
});

test('errors have a status, an offset and the name of the array', async () => {
  await assert.rejects(tf.load(golden('npz/reject_bad_crc.npz')), (error) => {
    assert.ok(error instanceof tf.TensorfileError && error instanceof Error);
    assert.equal(error.status, 'corrupt');
    assert.ok(error.message.includes(error.array), error.message);
    return true;
  });
  await assert.rejects(tf.open(golden('gguf/reject_version0.gguf')), (error) => typeof error.offset === 'number');
  await assert.rejects(tf.open('/nowhere/model.gguf'), { status: 'not_found', message: /\/nowhere\/model\.gguf/ });
  const file = await tf.open(golden('safetensors/st_all.safetensors'), { name: 'weights.safetensors' });
  await assert.rejects(file.read('nothing'), { status: 'not_found', array: 'nothing' });
  await assert.rejects(tf.open({}), { name: 'TypeError' });
  await assert.rejects(tf.open(Buffer.alloc(100), { maxRanks: 3 }), { name: 'TypeError', message: 'there is no option "maxRanks"' });
});

test('arrays of unknown types are listed, and their bytes can be read', async () => {
  const file = await tf.open(golden('npy/reject_unicode.npy'));
  const info = file.info('');
  assert.equal(info.dtype, 'unsupported');
  assert.match(info.type, /^<U/);
  assert.equal((await file.readRaw('')).length, info.nbytes);
  await assert.rejects(file.read(''), { status: 'unsupported' });
  const { arrays } = await tf.load(golden('npz/crafted_object_member.npz'), { skipUnsupported: true });
  assert.ok(arrays.size > 0);
});
