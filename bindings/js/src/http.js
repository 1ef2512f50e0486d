// Files at a URL, read by HTTP with ranges.

import { MemorySource, requireSize } from './bytes.js';
import { TensorfileError } from './module.js';
import { Ranges } from './ranges.js';

const MEBIBYTE = 1 << 20;
// The first request also reads the header of most files.
const HEAD = MEBIBYTE / 16;
const MAX_DOWNLOAD = 256 * MEBIBYTE;
const MISSING = new Set([404, 410]);

// Where a URL ends up in a message: without what may be secret, such as a signature.
function publicUrl(url) {
  return url.protocol === 'data:' ? 'data URL' : `${url.origin === 'null' ? url.protocol : url.origin}${url.pathname}`;
}

function failure(name, text, cause) {
  return new TensorfileError('io', `${name}: ${text}`, { cause });
}

/** What identifies the contents of a file. Those headers that are not exposed to the page are null. */
function identity(response) {
  return response.headers.get('etag') ?? response.headers.get('last-modified');
}

// The whole body, for a server that does not know ranges. It is read in pieces so that it ends at the limit.
async function download(response, name, limit) {
  const refuse = () => failure(name, `the server sends only the whole file, which has more than ${limit} bytes; ` +
    'the option maxDownload allows more, or fetch the file and pass its Blob');
  if (Number(response.headers.get('content-length')) > limit) {
    await response.body?.cancel();
    throw refuse();
  }
  const parts = [];
  let size = 0;
  const reader = response.body.getReader();
  for (let { value, done } = await reader.read(); !done; { value, done } = await reader.read()) {
    size += value.length;
    if (size > limit) {
      await reader.cancel();
      throw refuse();
    }
    parts.push(value);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

class HttpSource {
  constructor(url, options) {
    this.url = url;
    this.name = publicUrl(url);
    this.size = 0;
    this.gap = MEBIBYTE;
    this.piece = 8 * MEBIBYTE;
    this.options = options;
    this.known = new Ranges();
  }

  async request(method, headers, signal) {
    const { fetch: fetching = globalThis.fetch, headers: more } = this.options;
    const all = new Headers(more);
    for (const [name, value] of Object.entries(headers)) all.set(name, value);
    const attempt = () => fetching(this.url.href, { method, headers: all, signal });
    // A server can close an idle connection at the moment when a request is sent on it, so a request that fails is sent once more.
    const response = await attempt().catch(attempt).catch((error) => {
      throw signal?.aborted ? error : failure(this.name, 'the request failed', error);
    });
    if (response.ok || response.status === 416) return response;
    await response.body?.cancel();
    const status = MISSING.has(response.status) ? 'not_found' : 'io';
    throw new TensorfileError(status, `${this.name}: the server answered ${response.status} ${response.statusText}`);
  }

  /** Makes the first request, and returns the source for what the server can do. */
  async open() {
    const { signal, maxDownload = MAX_DOWNLOAD } = this.options;
    const response = await this.request('GET', { Range: `bytes=0-${HEAD - 1}` }, signal);
    if (response.status === 200) {
      const whole = new MemorySource(await download(response, this.name, maxDownload), this.name);
      whole.sibling = (name) => this.sibling(name);
      return whole;
    }
    this.identity = identity(response);
    this.size = await this.#sizeOf(response);
    if (response.status === 416) {
      await response.body?.cancel();
      return this;
    }
    const bytes = new Uint8Array(await response.arrayBuffer());
    requireSize(this, 0, Math.min(HEAD, this.size), bytes.length);
    this.known.add(0, bytes);
    return this;
  }

  // Other origins must expose Content-Range; Content-Length is always visible, and is the size of the file for HEAD.
  async #sizeOf(response) {
    const range = response.headers.get('content-range');
    const total = /^bytes (?:\*|\d+-\d+)\/(\d+)$/.exec(range ?? '');
    if (total) return Number(total[1]);
    const head = await this.request('HEAD', {}, this.options.signal);
    const length = head.headers.get('content-length');
    if (length === null) throw failure(this.name, 'the server does not say how large the file is');
    return Number(length);
  }

  async read(offset, size, signal) {
    const last = offset + size - 1;
    const response = await this.request('GET', { Range: `bytes=${offset}-${last}` }, signal);
    const now = identity(response);
    const begin = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '');
    if (response.status !== 206 || now !== this.identity || (begin && Number(begin[1]) !== offset)) {
      await response.body?.cancel();
      throw failure(this.name, response.status === 206 && now === this.identity
        ? `asked for byte ${offset}, got byte ${begin[1]}` : 'the file changed while it was read; open it again');
    }
    return new Uint8Array(await response.arrayBuffer());
  }

  sibling(name) {
    const path = name.split('/').map(encodeURIComponent).join('/');
    return openUrl(new URL(path, this.url), this.options);
  }
}

/** Opens the file at a URL. */
export function openUrl(url, options) {
  return new HttpSource(url, options).open();
}
