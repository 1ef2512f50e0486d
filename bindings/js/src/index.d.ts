/// <reference lib="esnext.disposable" />

// BEGIN tf_dtype: generated from tensorfile.h by bindings/swig/generate.sh
/** Types whose elements a typed array holds. */
export type PlainDtype =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'float16'
  | 'bfloat16'
  | 'float32'
  | 'float64'
  | 'complex64'
  | 'complex128';

/** Small floats, whose bytes are in a Uint8Array: float6 has 4 elements in 3 bytes, float4 2 in a byte. */
export type SmallFloatDtype =
  | 'float8_e4m3fn'
  | 'float8_e5m2'
  | 'float8_e4m3fnuz'
  | 'float8_e5m2fnuz'
  | 'float8_e8m0fnu'
  | 'float6_e2m3fn'
  | 'float6_e3m2fn'
  | 'float4_e2m1fn';

/** The block types of ggml, whose bytes are in a Uint8Array. */
export type BlockDtype =
  | 'q4_0'
  | 'q4_1'
  | 'q5_0'
  | 'q5_1'
  | 'q8_0'
  | 'q8_1'
  | 'q2_k'
  | 'q3_k'
  | 'q4_k'
  | 'q5_k'
  | 'q6_k'
  | 'q8_k'
  | 'iq2_xxs'
  | 'iq2_xs'
  | 'iq3_xxs'
  | 'iq1_s'
  | 'iq4_nl'
  | 'iq3_s'
  | 'iq2_s'
  | 'iq4_xs'
  | 'iq1_m'
  | 'tq1_0'
  | 'tq2_0'
  | 'mxfp4'
  | 'nvfp4'
  | 'q1_0'
  | 'q2_0';
// END tf_dtype

export type Dtype = PlainDtype | SmallFloatDtype | BlockDtype;

// BEGIN tf_format: generated from tensorfile.h by bindings/swig/generate.sh
export type Format =
  | 'npy'
  | 'npz'
  | 'safetensors'
  | 'gguf';
// END tf_format

// BEGIN tf_status: generated from tensorfile.h by bindings/swig/generate.sh
export type Status =
  | 'invalid_argument'
  | 'out_of_memory'
  | 'io'
  | 'not_found'
  | 'duplicate'
  | 'format'
  | 'corrupt'
  | 'truncated'
  | 'unsupported'
  | 'limit'
  | 'type'
  | 'mismatch'
  | 'cancelled'
  | 'internal';
// END tf_status

/** The elements of an array. float16 is a Float16Array where there is one, else a Uint16Array of the bits. */
export type Data =
  | Uint8Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Float32Array
  | Float64Array
  | Float16Data;

/** What a Float16Array has, without needing a version of TypeScript that knows it. */
export interface Float16Data extends ArrayBufferView {
  readonly BYTES_PER_ELEMENT: number;
  readonly length: number;
  [index: number]: number;
}

interface DataOf {
  bool: Uint8Array;
  int8: Int8Array;
  int16: Int16Array;
  int32: Int32Array;
  int64: BigInt64Array;
  uint8: Uint8Array;
  uint16: Uint16Array;
  uint32: Uint32Array;
  uint64: BigUint64Array;
  float16: Float16Data | Uint16Array;
  bfloat16: Uint16Array;
  float32: Float32Array;
  float64: Float64Array;
  complex64: Float32Array;
  complex128: Float64Array;
}

/** The class of the elements of a dtype. */
export type DataFor<D extends Dtype> = [Dtype] extends [D] ? Data : D extends keyof DataOf ? DataOf[D] : Uint8Array;

/** An n-dimensional array in C order. Complex numbers are two items of data: real and imaginary part. */
export class NdArray<D extends Dtype = Dtype> {
  /** Makes an array on data, which is not copied. */
  constructor(dtype: D, shape: readonly number[], data: ArrayBufferView);
  readonly dtype: D;
  readonly shape: number[];
  readonly data: DataFor<D>;
  /** The number of elements. */
  readonly size: number;
  /** Returns the elements as float32, converted if they have another type. */
  toFloat32(): Promise<Float32Array>;
}

/** A number or boolean with a dtype, as the metadata of a .gguf has it. */
export class Scalar {
  constructor(
    dtype: 'bool' | 'int8' | 'int16' | 'int32' | 'int64' | 'uint8' | 'uint16' | 'uint32' | 'uint64' | 'float32' | 'float64',
    value: number | bigint | boolean,
  );
  readonly dtype: PlainDtype;
  readonly value: number | bigint | boolean;
  valueOf(): number | bigint | boolean;
  toString(): string;
  toJSON(): number | boolean | string;
}

/** A failure of the library, or of the source that it reads from. */
export class TensorfileError extends Error {
  constructor(status: Status, message: string, details?: { offset?: number; array?: string; cause?: unknown });
  readonly status: Status;
  /** The byte that the failure is about. */
  readonly offset?: number;
  /** The name of the array or key that the failure is about. */
  readonly array?: string;
}

export type MetadataValue = string | string[] | Scalar | NdArray | Map<string, MetadataValue>;
export type MetadataInput =
  | string
  | readonly string[]
  | boolean
  | Scalar
  | ArrayInput
  | Map<string, MetadataInput>;
export type ArrayInput = NdArray | Data | { dtype?: Dtype; shape: readonly number[]; data: Data };
export type Named<T> = ReadonlyMap<string, T> | { readonly [name: string]: T };

/** A source of the caller: read() returns exactly size bytes from offset on. */
export interface Source {
  readonly size: number;
  readonly name?: string;
  /** Bytes that are worth reading to save a read; 64 KiB by default. */
  readonly gap?: number;
  /** Bytes of an efficient read; 8 MiB by default. */
  readonly piece?: number;
  read(offset: number, size: number, signal?: AbortSignal): Promise<Uint8Array | ArrayBuffer>;
}

/** The FileHandle of Node's fs/promises, which open() does not close. */
export interface FileHandle {
  readonly fd: number;
  stat(): Promise<{ size: number }>;
}

/** A string is a path in Node, unless it begins with http:// or https://, and a URL elsewhere. */
export type Input = ArrayBufferView | ArrayBuffer | SharedArrayBuffer | Blob | URL | string | Source | FileHandle;

/** How block types are decoded: to a float dtype, or not at all. */
export type Decode = 'keep' | 'float32' | 'float16' | 'bfloat16' | 'float64';

/** Null for the whole axis, an index, which removes the axis, or [start, stop, step] as in Python. */
export type AxisSlice = null | number | readonly [start?: number | null, stop?: number | null, step?: number | null];

export interface OpenOptions {
  /** Format of the file; by default that of its name's extension or of its content. "content" ignores the name. */
  format?: Format | 'auto' | 'content';
  /** What reads do with block types. The default is "float32". */
  decode?: Decode;
  signal?: AbortSignal;
  /** Headers of all requests. */
  headers?: ConstructorParameters<typeof Headers>[0];
  /** Makes the requests instead of fetch(). */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** The largest file to download from a server that does not support ranges; 256 MiB by default. */
  maxDownload?: number;
  /** The name of bytes that have none: for messages, and for the format if it has an extension. */
  name?: string;
  lenient?: boolean;
  parts?: boolean;
  maxBytes?: number | bigint;
  maxHeaderBytes?: number | bigint;
  maxArrays?: number;
  maxMetadata?: number;
  maxNameBytes?: number;
  maxRank?: number;
  maxNesting?: number;
}

export interface ReadOptions<D extends Dtype = Dtype> {
  /** Casts to this dtype while reading. */
  dtype?: D;
  decode?: Decode;
  /** The part to read: an item for each axis, the first axis first; those that are omitted are whole. */
  slice?: readonly AxisSlice[];
  /** Returns a view of the bytes that the file was opened from, where the elements are there as the typed array has them. */
  share?: boolean;
  signal?: AbortSignal;
}

export interface LoadOptions extends OpenOptions {
  dtype?: Dtype;
  /** As in ReadOptions. */
  share?: boolean;
  /** Leaves out arrays whose type the library does not know, instead of failing. */
  skipUnsupported?: boolean;
}

export interface SaveOptions {
  /** A boolean, a string, a list of strings, a Scalar, or an array, by key. A plain number needs a dtype: see Scalar. */
  metadata?: Named<MetadataInput>;
  /** Deflates the members of an .npz. */
  compress?: boolean;
  /** From 0 to 9. */
  compressionLevel?: number;
  alignment?: number;
  ggufExtended?: boolean;
}

export interface ArrayInfo {
  name: string;
  /** "unsupported" if the library does not know the type. */
  dtype: Dtype | 'unsupported';
  /** The type as the file has it. */
  type: string;
  shape: number[];
  /** Bytes of the array when it is not compressed. */
  nbytes: number;
  /** Where its bytes are, compressed or not. */
  offset: number;
  storedBytes: number;
  deflated: boolean;
}

export interface Loaded {
  format: Format;
  /** The arrays by name, in the order of the file. That of a .npy has the name "". */
  arrays: Map<string, NdArray>;
  metadata: Map<string, MetadataValue>;
}

/** An open file: its header is in memory, its arrays are read on request. */
export class TensorFile {
  private constructor();
  readonly format: Format;
  readonly names: string[];
  readonly metadata: Map<string, MetadataValue>;
  has(name: string): boolean;
  info(name: string): ArrayInfo;
  /** Reads an array, or a part of it, into a new typed array. */
  read(name: string, options?: ReadOptions & { dtype?: undefined }): Promise<NdArray>;
  read<D extends Dtype>(name: string, options: ReadOptions<D> & { dtype: D }): Promise<NdArray<D>>;
  /** Returns the bytes of an array as they are stored, whatever its type. */
  readRaw(name: string, options?: { signal?: AbortSignal }): Promise<Uint8Array>;
  /** Reads several arrays, of which those that are close together in the file are fetched together. */
  readAll(names?: Iterable<string>, options?: Omit<ReadOptions, 'slice'>): Promise<Map<string, NdArray>>;
  /** Closes the file. Arrays that were read stay valid. */
  close(): Promise<void>;
  /** Closes the file at the end of the block of a `using` declaration, without waiting for it. */
  [Symbol.dispose](): void;
  /** Closes the file at the end of the block of an `await using` declaration. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Uint8Array<ArrayBuffer>, also for versions of TypeScript in which Uint8Array has no parameter. */
type NewBytes = ReturnType<Uint8ArrayConstructor['from']>;

/** Loads the module, which the other functions do themselves: early, or from elsewhere. */
export function init(options?: { wasm?: string | URL | Response | BufferSource | WebAssembly.Module }): Promise<void>;
/** Opens a file and reads its header. */
export function open(input: Input, options?: OpenOptions): Promise<TensorFile>;
/** Loads a whole file. */
export function load(input: Input, options?: LoadOptions): Promise<Loaded>;
/** Returns the bytes of a file. A .npy takes one array instead of named ones. */
export function save(
  format: Format,
  arrays: Named<ArrayInput> | ArrayInput,
  options?: SaveOptions,
): Promise<NewBytes>;
/** Does the same as save(), and returns a Blob. */
export function saveBlob(format: Format, arrays: Named<ArrayInput> | ArrayInput, options?: SaveOptions): Promise<Blob>;
/** Casts an array to another dtype, also to and from block types, with the library's rules. */
export function cast<D extends Dtype>(array: ArrayInput, dtype: D): Promise<NdArray<D>>;
/** Returns bfloat16 elements as float32. */
export function bfloat16ToFloat32(data: Uint16Array): Float32Array;
/** Returns float16 elements, of a Float16Array or as bits in a Uint16Array, as float32. */
export function float16ToFloat32(data: Uint16Array | Float16Data): Float32Array;
