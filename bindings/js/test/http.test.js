// Files at URLs: how many requests, what is fetched, and what happens when a server misbehaves.

import assert from 'node:assert/strict';
import test from 'node:test';

import { golden, serve, tf } from './support.js';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Returns a .safetensors of uint8 arrays of the given sizes, as the specification says, in bytes. */
function safetensors(sizes) {
  const header = {};
  let end = 0;
  for (const [name, size] of Object.entries(sizes)) {
    header[name] = { dtype: 'U8', shape: [size], data_offsets: [end, end + size] };
    end += size;
  }
  const text = Buffer.from(JSON.stringify(header));
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(BigInt(text.length));
  const data = Buffer.alloc(end);
  for (let at = 0; at < end; ++at) data[at] = (at * 7 + (at >> 8)) & 255;
  return { file: Buffer.concat([head, text, data]), data, start: 8 + text.length };
}

async function withServer(bytes, how, body) {
  const server = await serve(bytes, how);
  try {
    await body(server);
  } finally {
    await server.close();
  }
}

test('a small header takes one request, and an array one more', async () => {
  const { file, data, start } = safetensors({ a: 300 * KIB, b: 5 * MIB, c: 100 });
  await withServer(file, {}, async ({ url, requests }) => {
    const opened = await tf.open(url);
    assert.deepEqual(requests, [[0, 64 * KIB - 1]]);
    const b = await opened.read('b');
    assert.deepEqual(Buffer.from(b.data), data.subarray(300 * KIB, 300 * KIB + 5 * MIB));
    const begin = start + 300 * KIB;
    assert.deepEqual(requests.slice(1), [[begin, begin + 5 * MIB - 1]]);
    const part = await opened.read('b', { slice: [[MIB, MIB + 10]] });
    assert.deepEqual(Buffer.from(part.data), data.subarray(300 * KIB + MIB, 300 * KIB + MIB + 10));
    assert.deepEqual(requests.slice(2), [[begin + MIB, begin + MIB + 9]]);
  });
});

test('a large header takes two requests', async () => {
  const names = Array.from({ length: 20000 }, (_, index) => [`layers.${index}.attention.weight`, 4]);
  const { file, start, data } = safetensors(Object.fromEntries(names));
  assert.ok(start > MIB);
  await withServer(file, {}, async ({ url, requests }) => {
    const opened = await tf.open(url);
    assert.equal(opened.names.length, 20000);
    assert.equal(requests.length, 2);
    assert.deepEqual(requests[1], [64 * KIB, start - 1]);
    const wanted = opened.names.slice(100, 1100);
    const arrays = await opened.readAll(wanted);
    assert.equal(requests.length, 3, 'neighbours are fetched together');
    assert.deepEqual(Buffer.from(arrays.get(wanted[999]).data), data.subarray(4 * 1099, 4 * 1100));
  });
});

test('the header of a gguf of 100,000 arrays takes six requests', async () => {
  const parts = [];
  const number = (value, size) => {
    const bytes = Buffer.alloc(size);
    if (size === 4) bytes.writeUInt32LE(value);
    else bytes.writeBigUInt64LE(BigInt(value));
    parts.push(bytes);
  };
  parts.push(Buffer.from('GGUF'));
  number(3, 4);
  number(100000, 8);
  number(0, 8);
  for (let index = 0; index < 100000; ++index) {
    const name = Buffer.from(`blk.${index}.attn_q.weight`);
    number(name.length, 8);
    parts.push(name);
    number(1, 4);
    number(8, 8);
    number(0, 4); // float32
    number(32 * index, 8);
  }
  const header = Buffer.concat(parts);
  const start = Math.ceil(header.length / 32) * 32;
  const file = Buffer.concat([header, Buffer.alloc(start - header.length + 3200000)]);
  file.writeFloatLE(2.5, start + 32 * 99999);
  await withServer(file, {}, async ({ url, requests }) => {
    const opened = await tf.open(url);
    assert.equal(opened.names.length, 100000);
    assert.ok(requests.length <= 6, `${requests.length} requests`);
    assert.deepEqual([...(await opened.read('blk.99999.attn_q.weight')).data], [2.5, 0, 0, 0, 0, 0, 0, 0]);
  });
});

test('an npz whose members are apart takes a request for each, and two for its directory', async () => {
  const arrays = Object.fromEntries(['a', 'b', 'c'].map((name) => [name, new Uint8Array(3 * MIB).fill(name.charCodeAt(0))]));
  const file = Buffer.from(await tf.save('npz', arrays));
  await withServer(file, {}, async ({ url, requests }) => {
    const opened = await tf.open(url);
    assert.ok(requests.length <= 2 + 3, `${requests.length} requests`);
    const header = requests.length;
    assert.deepEqual((await opened.read('b')).data, arrays.b);
    assert.equal(requests.length, header + 1);
    const fetched = requests.reduce((sum, [first, last]) => sum + last - first + 1, 0);
    assert.ok(fetched < 5 * MIB, `${fetched} bytes`);
  });
});

test('a deflated member of another writer is fetched once', async () => {
  await withServer(golden('npz/np_deflated.npz'), {}, async ({ url }) => {
    const expected = await tf.load(golden('npz/np_deflated.npz'));
    assert.deepEqual((await tf.load(url)).arrays, expected.arrays);
  });
});

test('a slice of a compressed array fetches only the chunks that it needs', async () => {
  let seed = 1;
  const noise = Float32Array.from({ length: 4 * MIB }, () => (seed = (seed * 48271) % 2147483647) / 2147483647);
  const file = Buffer.from(await tf.save('npz', { noise }, { compress: true }));
  await withServer(file, {}, async ({ url, requests }) => {
    const opened = await tf.open(url);
    assert.equal(opened.info('noise').deflated, true);
    const { data } = await opened.read('noise', { slice: [[3 * MIB, 3 * MIB + 5]] });
    assert.deepEqual(data, noise.slice(3 * MIB, 3 * MIB + 5));
    const fetched = requests.reduce((sum, [first, last]) => sum + last - first + 1, 0);
    assert.ok(fetched < file.length / 2, `${fetched} of ${file.length} bytes`);
    assert.deepEqual((await opened.read('noise')).data, noise);
  });
});

test('a compressed array is fetched with one request, each time that it is read', async () => {
  let seed = 1;
  const noise = Uint8Array.from({ length: 2 * MIB }, () => (seed = (seed * 48271) % 2147483647) & 127);
  const file = Buffer.from(await tf.save('npz', { noise }, { compress: true }));
  await withServer(file, {}, async ({ url, requests }) => {
    const opened = await tf.open(url);
    for (let time = 0; time < 3; ++time) {
      const before = requests.length;
      assert.deepEqual((await opened.read('noise')).data, noise);
      assert.equal(requests.length, before + 1, `time ${time}`);
    }
    const before = requests.length;
    await Promise.all([opened.read('noise'), opened.readAll(), opened.read('noise')]);
    assert.equal(requests.length, before + 3);
  });
});

test('a server without ranges is read as a whole, up to a limit', async () => {
  const { file, data } = safetensors({ a: MIB });
  await withServer(file, { ranges: false }, async ({ url, requests }) => {
    const { arrays } = await tf.load(url);
    assert.deepEqual(Buffer.from(arrays.get('a').data), data);
    assert.equal(requests.length, 1);
    await assert.rejects(tf.load(url, { maxDownload: 1000 }), { name: 'TensorfileError', status: 'io',
      message: /sends only the whole file, which has more than 1000 bytes; the option maxDownload allows more/ });
  });
  // Without a Content-Length the limit is met while the body arrives.
  const fault = (answer) => delete answer.headers['content-length'];
  await withServer(file, { ranges: false, fault }, async ({ url }) => {
    assert.equal((await tf.load(url)).arrays.size, 1);
    await assert.rejects(tf.load(url, { maxDownload: 1000 }), { status: 'io', message: /more than 1000 bytes/ });
  });
});

test('an origin that hides Content-Range takes one request more', async () => {
  const { file, data } = safetensors({ a: MIB });
  const fault = (answer) => delete answer.headers['content-range'];
  await withServer(file, { fault }, async ({ url, requests }) => {
    const { arrays } = await tf.load(url);
    assert.deepEqual(Buffer.from(arrays.get('a').data), data);
    assert.deepEqual(requests[1], 'HEAD');
  });
});

test('a file that changes while it is read is an error', async () => {
  const { file } = safetensors({ a: MIB });
  const fault = (answer, count) => Object.assign(answer.headers, count > 1 && { etag: '"two"' });
  await withServer(file, { fault }, async ({ url }) => {
    const opened = await tf.open(url);
    await assert.rejects(opened.read('a'), { status: 'io', message: /the file changed while it was read; open it again$/ });
  });
});

const misbehaviours = {
  'too few bytes': [(answer) => {
    answer.body = answer.body.subarray(0, 1000);
    answer.headers['content-length'] = 1000;
  }, { status: 'truncated', message: /expected \d+ bytes at byte \d+, got 1000/ }],
  'other bytes than asked for': [(answer) => {
    answer.headers['content-range'] = `bytes 5-100/${10 * MIB}`;
  }, { status: 'io', message: /asked for byte \d+, got byte 5$/ }],
  'the whole file instead of a range': [(answer) => Object.assign(answer, { status: 200 }), { status: 'io' }],
  'an error': [(answer) => Object.assign(answer, { status: 503 }), { status: 'io', message: /the server answered 503/ }],
};
for (const [name, [misbehave, expected]] of Object.entries(misbehaviours)) {
  test(`a server that sends ${name} once the file is open`, async () => {
    const { file } = safetensors({ a: MIB });
    const fault = (answer, count) => count > 1 && misbehave(answer);
    await withServer(file, { fault }, async ({ url }) => {
      const opened = await tf.open(url);
      await assert.rejects(opened.read('a'), { name: 'TensorfileError', ...expected });
      await opened.close();
    });
  });
}

test('a missing file, an empty file, and no server', async () => {
  const missing = (answer) => Object.assign(answer, { status: 404 });
  let url;
  await withServer(Buffer.from('x'), { fault: missing }, async (server) => {
    url = `${server.url}?token=secret`;
    await assert.rejects(tf.open(url), (error) => error.status === 'not_found' && !error.message.includes('secret'));
  });
  await assert.rejects(tf.open(url), (error) => error.status === 'io' && !error.message.includes('secret'));
  await withServer(Buffer.alloc(0), {}, async (server) => {
    await assert.rejects(tf.open(server.url), { status: 'format' });
  });
});

test('headers, a fetch of the caller, and a signal', async () => {
  const { file } = safetensors({ a: MIB });
  await withServer(file, {}, async ({ url }) => {
    const seen = [];
    const fetch = (address, init) => {
      seen.push(init.headers.get('authorization'));
      return globalThis.fetch(address, init);
    };
    const opened = await tf.open(url, { headers: { authorization: 'Bearer x' }, fetch });
    await opened.read('a');
    assert.deepEqual(seen, ['Bearer x', 'Bearer x']);
    const controller = new AbortController();
    controller.abort();
    await assert.rejects(opened.read('a', { signal: controller.signal }), { name: 'AbortError' });
    await assert.rejects(tf.open(url, { signal: controller.signal }), { name: 'AbortError' });
  });
});

test('reads of one file at the same time do not disturb each other', async () => {
  const { file, data } = safetensors({ a: MIB, b: 2 * MIB, c: 3 * MIB });
  await withServer(file, {}, async ({ url }) => {
    const opened = await tf.open(url);
    const [a, b, c, part] = await Promise.all([opened.read('a'), opened.read('b'), opened.read('c'),
      opened.read('c', { slice: [[null, null, -1]] })]);
    assert.deepEqual(Buffer.concat([a.data, b.data, c.data]), data);
    assert.deepEqual(Buffer.from(part.data).reverse(), data.subarray(3 * MIB));
  });
});
