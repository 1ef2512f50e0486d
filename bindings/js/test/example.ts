// A program in TypeScript, which is only compiled: what the types promise.

import { NdArray, Scalar, TensorFile, TensorfileError, bfloat16ToFloat32, cast, init, load, open, save, saveBlob } from 'tensorfile';

async function main(blob: Blob): Promise<void> {
  await init({ wasm: new URL('tensorfile.wasm', 'https://example.org/') });
  const w = new NdArray('float32', [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6));
  const floats: Float32Array = w.data;
  const bytes = await save('safetensors', { w, b: Float32Array.of(1) }, { metadata: { author: 'Ada' } });
  const part: Blob = new Blob([bytes]);
  await saveBlob('gguf', new Map([['w', w]]), {
    metadata: new Map([['demo.layers', new Scalar('uint32', 2)]]),
  });
  await save('npz', { raw: { dtype: 'uint8', shape: [2, 2], data: new Uint8Array(4) } }, { compress: true, compressionLevel: 9 });
  await save('npy', w);

  const file: TensorFile = await open(new URL('https://example.org/model.safetensors'), {
    headers: { authorization: 'Bearer x' }, signal: new AbortController().signal, maxBytes: 10n ** 10n,
  });
  try {
    for (const name of file.names) {
      const { dtype, shape, type }: { dtype: string; shape: number[]; type: string } = file.info(name);
      console.log(name, dtype, shape, type);
    }
    const row = await file.read('w', { slice: [0, [null, null, 2]], dtype: 'float32' });
    const values: Float32Array = row.data;
    const ids: BigInt64Array = (await file.read('ids', { dtype: 'int64' })).data;
    const any = await file.read('w');
    // @ts-expect-error the class of the data is not known
    const wrong: Float32Array = any.data;
    console.log(values, ids, wrong);
  } finally {
    await file.close();
  }

  await load(bytes, { share: true });
  const { arrays, metadata } = await load(blob, { decode: 'keep' });
  const architecture = metadata.get('general.architecture');
  if (typeof architecture === 'string') console.log(architecture.length);
  const half = await cast(arrays.get('w') ?? w, 'bfloat16');
  console.log(bfloat16ToFloat32(half.data), floats, part);
  await open({ size: 10, read: async (offset, size) => new Uint8Array(size + offset) });
  await using closed = await open(new Blob([]));
  using also: { [Symbol.dispose](): void } = closed;
  // @ts-expect-error there is no such format
  await save('zip', { w });
  // @ts-expect-error there is no such dtype
  await file.read('w', { dtype: 'float31' });
  // @ts-expect-error a number needs a dtype
  await save('gguf', { w }, { metadata: { layers: 3 } });
}

main(new Blob([])).catch((error: unknown) => {
  if (error instanceof TensorfileError) console.error(error.status, error.offset, error.array);
});
