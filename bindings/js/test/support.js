// What the tests share. TENSORFILE_JS is the folder of the package to test, by default this one.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath, pathToFileURL } from 'node:url';

const folder = process.env.TENSORFILE_JS ?? fileURLToPath(new URL('..', import.meta.url));
export const packageFile = (name) => new URL(name, pathToFileURL(`${folder}/`));
export const tf = await import(packageFile('src/node.js'));

const goldenFolder = new URL('../../../tests/golden/', import.meta.url);
export const goldenPath = (name) => fileURLToPath(new URL(name, goldenFolder));
export const golden = (name) => readFileSync(goldenPath(name));
export const manifest = JSON.parse(golden('manifest.json'));

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; ++bit) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** Returns the CRC-32 of a typed array as the golden files' tables have it. */
export function crc32(data) {
  let crc = 0xffffffff;
  for (const byte of new Uint8Array(data.buffer, data.byteOffset, data.byteLength)) {
    crc = (crc >>> 8) ^ table[(crc ^ byte) & 255];
  }
  return ((crc ^ 0xffffffff) >>> 0).toString(16).padStart(8, '0');
}

/** Returns the golden files with their statuses and arrays: make_verdicts.py describes the table. */
export function verdicts() {
  const files = [];
  for (const line of golden('verdicts.tsv').toString().trimEnd().split('\n')) {
    const parts = line.split('\t');
    if (parts.length === 3) files.push({ file: parts[0], open: parts[1], load: parts[2], arrays: [] });
    else files.at(-1).arrays.push({ name: JSON.parse(parts[1]), dtype: parts[2], shape: parts[3], crc: parts[4] });
  }
  return files;
}

/** Returns the status that a promise is rejected with, or "ok". */
export async function statusOf(promise) {
  try {
    await promise;
    return 'ok';
  } catch (error) {
    if (error instanceof tf.TensorfileError) return error.status;
    throw error;
  }
}

function rangeOf(request, size) {
  const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
  return match && [Number(match[1]), Math.min(Number(match[2]), size - 1)];
}

/**
 * A server of one file. `requests` has the range of each request, or the method where there is none.
 * @param {Uint8Array} bytes
 * @param {{ranges?: boolean, fault?: (answer: object, count: number) => void}} [how] fault changes an answer before it is sent
 */
export async function serve(bytes, { ranges = true, fault = () => {} } = {}) {
  const requests = [];
  const server = createServer((request, response) => {
    const range = ranges ? rangeOf(request, bytes.length) : null;
    requests.push(range ?? request.method);
    const answer = { status: 200, headers: { 'content-length': bytes.length, etag: '"one"' }, body: bytes };
    if (range && range[0] >= bytes.length) {
      Object.assign(answer, { status: 416, body: Buffer.alloc(0) });
      answer.headers = { 'content-range': `bytes */${bytes.length}` };
    } else if (range) {
      answer.status = 206;
      answer.body = bytes.subarray(range[0], range[1] + 1);
      answer.headers['content-range'] = `bytes ${range[0]}-${range[1]}/${bytes.length}`;
      answer.headers['content-length'] = answer.body.length;
    }
    fault(answer, requests.length);
    response.writeHead(answer.status, answer.headers);
    response.end(request.method === 'HEAD' ? undefined : answer.body);
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const close = () => new Promise((closed) => {
    server.close(closed);
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${server.address().port}/model`, requests, close };
}
