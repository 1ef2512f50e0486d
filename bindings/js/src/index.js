// The package for browsers, workers and bundlers. Node uses node.js, which adds files.

export { NdArray, Scalar, bfloat16ToFloat32, cast, float16ToFloat32 } from './arrays.js';
export { TensorFile } from './file.js';
export { TensorfileError, init } from './module.js';
export { load, open } from './open.js';
export { save, saveBlob } from './save.js';
