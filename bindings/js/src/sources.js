// Sources of the library over sources of bytes.
//
// The library reads by calling a function, which has to return the bytes at once, but the bytes of a Blob, a file or a URL
// arrive later. So the function serves what is in memory and notes what is not; run() then reads that, and repeats the
// call. Opening a file takes few repetitions, because the library reads headers in few pieces.

import { requireSize } from './bytes.js';
import { STATUS_IO, STATUS_NOT_FOUND, STATUS_OK, check, lib, readPointer, register, scoped, writePointer } from './module.js';
import { Ranges, merge } from './ranges.js';

const MEBIBYTE = 1 << 20;
const FIRST_READ = MEBIBYTE / 4;
const LARGEST_READ = 16 * MEBIBYTE;
const CONCURRENT = 6;

/** A source while a file uses it. */
class Feed {
  constructor(source) {
    this.source = source;
    this.headers = source.known ?? new Ranges();
    this.growth = FIRST_READ;
    this.begin(null, false);
  }

  /** Prepares for a call of the library. With `guess`, bytes that are not in memory are zeros, so that one call notes all. */
  begin(data, guess) {
    this.data = data;
    this.guess = guess;
    this.missed = [];
    this.requested = 0;
  }

  /** Returns the parts of a range that are neither in the headers nor in the given bytes of a call. */
  gaps(offset, size, data) {
    const gaps = this.headers.gaps(offset, size);
    return data === null ? gaps : gaps.flatMap(([begin, length]) => data.gaps(begin, length));
  }

  /** Reads for the library. */
  serve(offset, target) {
    this.requested += target.length;
    if (this.source.readSync) {
      this.source.readSync(offset, target);
      return STATUS_OK;
    }
    const gaps = this.gaps(offset, target.length, this.data);
    if (gaps.length === 0) {
      this.headers.copy(offset, target);
      this.data?.copy(offset, target);
      return STATUS_OK;
    }
    this.missed.push(...gaps);
    if (!this.guess) return STATUS_IO;
    target.fill(0);
    return STATUS_OK;
  }

  /** Reads ranges of the source into memory. Other calls can run until it has. */
  async fetch(ranges, into, signal) {
    if (this.source.readSync) return;
    const wanted = merge(ranges.flatMap(([offset, size]) => this.gaps(offset, size, into)), this.source.gap);
    const pieces = wanted.flatMap(([offset, size]) => {
      const count = Math.ceil(size / this.source.piece);
      return Array.from({ length: count }, (_, index) => {
        const begin = index * this.source.piece;
        return [offset + begin, Math.min(this.source.piece, size - begin)];
      });
    });
    const worker = async () => {
      for (let piece = pieces.shift(); piece !== undefined; piece = pieces.shift()) {
        signal?.throwIfAborted();
        const bytes = await this.source.read(piece[0], piece[1], signal);
        requireSize(this.source, piece[0], piece[1], bytes.length);
        into.add(piece[0], bytes);
      }
    };
    await Promise.all(Array.from({ length: Math.min(CONCURRENT, pieces.length) }, worker));
  }

  /** Reads what the last call lacked. Where it reads on and on, each read is larger than the one before. */
  async fetchMissed(signal) {
    const ranges = this.missed.map(([offset, size]) => {
      if (this.guess) return [offset, size];
      const follows = this.headers.before(offset) > 0 || this.data?.before(offset) > 0;
      const least = follows ? this.growth : 0;
      if (follows) this.growth = Math.min(LARGEST_READ, this.growth * 4);
      return [offset, Math.min(Math.max(size, least), this.source.size - offset)];
    });
    await this.fetch(ranges, this.data ?? this.headers, signal);
  }
}

// Sets *out to a new source of the library, which calls a feed.
function createSource(out, feed) {
  const { size, gap } = feed.source;
  const number = register(feed);
  const status = lib.js_source_new(out, size, gap, number);
  if (status !== STATUS_OK || feed.source.name === '') return status;
  return scoped((scope) => lib.tf_source_set_name(readPointer(out), ...scope.text(feed.source.name)));
}

/** The sources of an open file: one, or those of a set. */
export class SourceSet {
  constructor(source) {
    this.first = new Feed(source);
    this.others = new Map();
    this.wanted = new Set();
  }

  get feeds() {
    return [this.first, ...[...this.others.values()].filter((other) => other instanceof Feed)];
  }

  /** Returns a source of the library for the first file. The scope releases it. */
  handle(scope) {
    return scope.made((out) => {
      const status = createSource(out, this.first);
      if (status !== STATUS_OK || !this.first.source.sibling) return status;
      return lib.js_source_set_resolver(readPointer(out), register(this));
    }, lib.tf_source_release);
  }

  /** Finds another file of the set for the library, or notes that it has to be opened. */
  resolve(name, out) {
    const other = this.others.get(name);
    if (other instanceof Feed) return createSource(out, other);
    writePointer(out, 0);
    if (other === undefined) this.wanted.add(name);
    return STATUS_NOT_FOUND;
  }

  async openWanted() {
    const names = [...this.wanted];
    this.wanted.clear();
    await Promise.all(names.map(async (name) => {
      try {
        this.others.set(name, new Feed(await this.first.source.sibling(name)));
      } catch (error) {
        if (error.status !== 'not_found') throw error;
        this.others.set(name, null);
      }
    }));
  }

  /**
   * Calls the library until it has had all bytes that it reads. Returns how many it read in the last call.
   * @param {() => number} call returns the status; if it creates anything, it must release it before it is called again
   * @param {{guess?: boolean, data?: Map<Feed, Ranges>, signal?: AbortSignal}} how
   */
  async run(call, { guess = false, data, signal } = {}) {
    for (;;) {
      signal?.throwIfAborted();
      for (const feed of this.feeds) feed.begin(data ? cacheOf(data, feed) : null, guess);
      const status = call();
      const feeds = this.feeds;
      const missed = feeds.filter((feed) => feed.missed.length > 0);
      if (missed.length === 0 && this.wanted.size === 0) {
        for (const feed of feeds) feed.data = null; // so that nothing keeps what was read
        check(status);
        return feeds.reduce((sum, feed) => sum + feed.requested, 0);
      }
      await Promise.all([this.openWanted(), ...missed.map((feed) => feed.fetchMissed(signal))]);
    }
  }

  async close() {
    await Promise.all(this.feeds.map((feed) => feed.source.close?.()));
  }
}

/** Returns the bytes of a feed that a call has read. */
export function cacheOf(data, feed) {
  if (!data.has(feed)) data.set(feed, new Ranges());
  return data.get(feed);
}
