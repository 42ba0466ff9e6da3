// SPDX-License-Identifier: Apache-2.0
import { tf } from '@llmf/nn';
import { defineKernel, type NativeBackend, type TensorInfo } from '../define-kernel.js';
import { copy, outputLike, stridesOf, wordsOf } from './layout.js';

interface ConcatAttributes {
  readonly axis: number;
}
interface TileAttributes {
  readonly reps: readonly number[];
}

const concat = defineKernel<readonly TensorInfo[], ConcatAttributes>({
  kernelName: 'Concat',
  accepts: (tensors, _, backend) =>
    tensors.length > 1 && tensors.every((tensor) => tensor.dtype === tensors[0]!.dtype && backend.isWords(tensor)),
  run(tensors, { axis }, backend) {
    const shapes = tensors.map(({ shape }) => shape);
    const along = tf.util.parseAxisParam(axis, shapes[0]!)[0]!;
    tf.backend_util.assertParamsConsistent(shapes, along);
    const shape = tf.backend_util.computeOutShape(shapes, along);
    const y = outputLike(tensors[0]!, shape, backend);
    const toStrides = stridesOf(shape);
    let first = 0;
    for (const tensor of tensors) {
      const toOffset = first * toStrides[along]!;
      const layout = { sizes: tensor.shape, fromStrides: stridesOf(tensor.shape), toStrides, fromOffset: 0, toOffset };
      copy(layout, wordsOf(tensor, backend), y.values, backend);
      first += tensor.shape[along]!;
    }
    return y.info;
  },
});

const tile = defineKernel<{ readonly x: TensorInfo }, TileAttributes>({
  kernelName: 'Tile',
  accepts: ({ x }, _, backend) => backend.isWords(x) && x.shape.length > 0 && x.shape.length <= 4,
  run({ x }, { reps }, backend) {
    const y = outputLike(
      x,
      x.shape.map((size, axis) => size * reps[axis]!),
      backend,
    );
    repeat(x, reps, wordsOf(x, backend), y.values, backend);
    return y.info;
  },
});

export const concatKernels = [concat, tile];

/** Each axis becomes two: its repetitions (source stride 0) and itself. */
function repeat(
  x: TensorInfo,
  reps: readonly number[],
  from: Float32Array | Int32Array,
  to: Float32Array | Int32Array,
  backend: NativeBackend,
): void {
  const fromStrides = stridesOf(x.shape);
  const toStrides = stridesOf(x.shape.map((size, axis) => size * reps[axis]!));
  const layout = {
    sizes: x.shape.flatMap((size, axis) => [reps[axis]!, size]),
    fromStrides: fromStrides.flatMap((stride) => [0, stride]),
    toStrides: toStrides.flatMap((stride, axis) => [stride * x.shape[axis]!, stride]),
    fromOffset: 0,
    toOffset: 0,
  };
  copy(layout, from, to, backend);
}
