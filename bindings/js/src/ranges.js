// Ranges of bytes of a source that have been read.

/** Returns [offset, size] pairs in ascending order, where ranges that are at most gap bytes apart are one. */
export function merge(ranges, gap) {
  const merged = [];
  for (const [offset, size] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last !== undefined && offset <= last[0] + last[1] + gap) {
      last[1] = Math.max(last[1], offset + size - last[0]);
    } else {
      merged.push([offset, size]);
    }
  }
  return merged;
}

/** Bytes of a source by their offsets. The chunks are in ascending order and do not overlap. */
export class Ranges {
  #chunks = []; // [offset, Uint8Array]

  /** Returns the index of the first chunk that ends after an offset. */
  #first(offset) {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const [begin, bytes] = this.#chunks[middle];
      if (begin + bytes.length > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Returns the parts of a range that are not here. */
  gaps(offset, size) {
    const gaps = [];
    const end = offset + size;
    for (let index = this.#first(offset); offset < end; ++index) {
      const [begin, bytes] = this.#chunks[index] ?? [end, { length: 0 }];
      if (begin > offset) gaps.push([offset, Math.min(begin, end) - offset]);
      offset = Math.max(offset, begin + bytes.length);
      if (index >= this.#chunks.length) break;
    }
    return gaps;
  }

  /** Adds bytes; those that are here already are left out. */
  add(offset, bytes) {
    for (const [begin, size] of this.gaps(offset, bytes.length)) {
      this.#chunks.splice(this.#first(begin), 0, [begin, bytes.subarray(begin - offset, begin - offset + size)]);
    }
  }

  /** Copies those bytes of a range that are here. */
  copy(offset, target) {
    const end = offset + target.length;
    for (let index = this.#first(offset); index < this.#chunks.length && this.#chunks[index][0] < end; ++index) {
      const [begin, bytes] = this.#chunks[index];
      const from = Math.max(offset, begin);
      const to = Math.min(end, begin + bytes.length);
      target.set(bytes.subarray(from - begin, to - begin), from - offset);
    }
  }

  /** Returns how many bytes up to an offset are here without a gap. */
  before(offset) {
    const chunk = this.#chunks[this.#first(offset - 1)];
    return chunk !== undefined && chunk[0] < offset ? offset - chunk[0] : 0;
  }
}
