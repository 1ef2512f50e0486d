// Slices as in Python: null, an index, [start, stop] or [start, stop, step] for each axis.

// The number that means "omitted" in a slice of the library.
const OMITTED = -(1n << 63n);

function clamp(value, fallback, size, step) {
  if (value === null || value === undefined) return fallback;
  if (!Number.isSafeInteger(value)) throw new TypeError(`a slice has whole numbers, got ${value}`);
  const low = step < 0 ? -1 : 0;
  const high = step < 0 ? size - 1 : size;
  return Math.min(Math.max(value < 0 ? value + size : value, low), high);
}

function axisOf(item, size, axis) {
  if (item === null || item === undefined) return { start: 0, step: 1, count: size, keep: true };
  if (Array.isArray(item)) {
    const step = item[2] ?? 1;
    if (!Number.isSafeInteger(step) || step === 0) throw new RangeError(`axis ${axis}: a step is a whole number other than 0, got ${step}`);
    const start = clamp(item[0], step < 0 ? size - 1 : 0, size, step);
    const stop = clamp(item[1], step < 0 ? -1 : size, size, step);
    return { start, step, count: Math.max(0, Math.ceil((stop - start) / step)), keep: true };
  }
  if (!Number.isSafeInteger(item)) throw new TypeError(`axis ${axis}: expected null, an index, or [start, stop, step], got ${item}`);
  if (item < -size || item >= size) throw new RangeError(`axis ${axis}: index ${item} is out of range, the size is ${size}`);
  return { start: item < 0 ? item + size : item, step: 1, count: 1, keep: false };
}

/**
 * Returns a slice of an array with a shape: for each axis its start, stop, step and number of indices, and the shape of the
 * result, which lacks the axes that had a single index.
 */
export function indicesOf(shape, slice = []) {
  if (!Array.isArray(slice)) throw new TypeError('a slice is an array with an item for each axis');
  if (slice.length > shape.length) {
    throw new RangeError(`the slice has ${slice.length} axes, but the array has ${shape.length}`);
  }
  const axes = shape.map((size, axis) => axisOf(slice[axis], size, axis));
  const stop = ({ start, step, count }) => {
    const end = start + count * step;
    return end < 0 ? OMITTED : end;
  };
  return {
    starts: axes.map(({ start }) => start),
    stops: axes.map(stop),
    steps: axes.map(({ step }) => step),
    counts: axes.map(({ count }) => count),
    shape: axes.filter(({ keep }) => keep).map(({ count }) => count),
  };
}

/** Returns the index of the first element of a slice in C order, or undefined if other elements are between its own. */
export function firstOf(shape, { starts, steps, counts }) {
  let first = 0;
  let stride = 1;
  let whole = true;
  for (let axis = shape.length - 1; axis >= 0; --axis) {
    if (counts[axis] > 1 && (steps[axis] !== 1 || !whole)) return undefined;
    first += starts[axis] * stride;
    stride *= shape[axis];
    whole &&= counts[axis] === shape[axis];
  }
  return first;
}

/** Returns the slice of part of the indices of a slice: one of each axis before `axis`, and `size` of it from `first` on. */
export function partOf({ starts, stops, steps, counts }, axis, row, first, size) {
  const from = [...starts];
  const to = [...stops];
  const limit = (at, index, count) => {
    from[at] = starts[at] + index * steps[at];
    const end = from[at] + count * steps[at];
    to[at] = end < 0 ? OMITTED : end;
  };
  for (let at = axis - 1, rest = row; at >= 0; --at) {
    limit(at, rest % counts[at], 1);
    rest = Math.floor(rest / counts[at]);
  }
  limit(axis, first, size);
  return [from, to];
}
