// SPDX-License-Identifier: Apache-2.0
/** Derivatives of operations that move, repeat or choose values. */
import { tf } from '../tfjs.js';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { defineGradient, unbroadcast } from './define-gradient.js';
import { scatterRows } from '../ops/embedding/scatter-rows.js';

export function registerArrangement(): void {
  registerShapes();
  registerJoins();
  registerChoices();
}

function registerShapes(): void {
  defineGradient({ kernel: 'Reshape', inputs: ['x'], gradient: (dy, [x]) => ({ x: () => tf.reshape(dy, x!.shape) }) });
  defineGradient({
    kernel: 'ExpandDims',
    inputs: ['input'],
    gradient: (dy, [input]) => ({ input: () => tf.reshape(dy, input!.shape) }),
  });
  defineGradient<{ perm: number[] }>({
    kernel: 'Transpose',
    gradient: (dy, _, { perm }) => ({
      x: () =>
        tf.transpose(
          dy,
          perm.map((_axis, to) => perm.indexOf(to)),
        ),
    }),
  });
  defineGradient<{ dims: number | number[] }>({
    kernel: 'Reverse',
    gradient: (dy, _, { dims }) => ({ x: () => tf.reverse(dy, tf.util.parseAxisParam(dims, dy.shape)) }),
  });
  defineGradient({
    kernel: 'BroadcastTo',
    inputs: ['x'],
    gradient: (dy, [x]) => ({ x: () => unbroadcast(dy, x!) }),
  });
  defineGradient<{ reps: number[] }>({
    kernel: 'Tile',
    inputs: ['x'],
    gradient: (dy, [x], { reps }) => ({ x: () => untile(dy, x!, reps) }),
  });
  defineGradient<{ paddings: [number, number][] }>({
    kernel: 'PadV2',
    inputs: ['x'],
    gradient: (dy, [x], { paddings }) => ({
      x: () =>
        tf.slice(
          dy,
          paddings.map(([before]) => before),
          x!.shape,
        ),
    }),
  });
  defineGradient<{ begin: number | number[]; size: number | number[] }>({
    kernel: 'Slice',
    inputs: ['x'],
    gradient: (dy, [x], { begin, size }) => ({
      x: () => {
        const [starts, sizes] = tf.slice_util.parseSliceParams(x!, begin, size) as [number[], number[]];
        return tf.pad(
          dy,
          starts.map((start, axis) => [start, x!.shape[axis]! - start - sizes[axis]!]),
        );
      },
    }),
  });
}

/** Sums the repetitions: [r₀·n₀, r₁·n₁, …] → [r₀, n₀, r₁, n₁, …] → Σ over r. */
function untile(dy: Tensor, x: Tensor, reps: readonly number[]): Tensor {
  const split = reps.flatMap((times, axis) => [times, x.shape[axis]!]);
  return tf.reshape(
    tf.sum(
      tf.reshape(dy, split),
      reps.map((_, axis) => 2 * axis),
    ),
    x.shape,
  );
}

function registerJoins(): void {
  defineGradient<{ axis: number }>({
    kernel: 'Concat',
    inputs: 'all',
    gradient: (dy, saved, { axis }) => {
      const along = tf.util.parseAxisParam(axis, dy.shape)[0]!;
      let offset = 0;
      const starts = saved.map(({ shape }) => (offset += shape[along]!) - shape[along]!);
      const part = (input: Tensor, start: number) =>
        tf.slice(
          dy,
          dy.shape.map((_, a) => (a === along ? start : 0)),
          input.shape,
        );
      return Object.fromEntries(saved.map((input, index) => [String(index), () => part(input, starts[index]!)]));
    },
  });
  defineGradient<{ axis: number }>({
    kernel: 'Pack',
    inputs: 'all',
    gradient: (dy, saved, { axis }) => {
      const parts = tf.unstack(dy, axis);
      return Object.fromEntries(saved.map((_, index) => [String(index), () => parts[index]!]));
    },
  });
  defineGradient<{ axis: number }>({
    kernel: 'Unpack',
    gradient: (_dy, _saved, { axis }, dys) => ({ value: () => tf.stack([...dys], axis) }),
  });
  defineGradient<{ axis: number }>({
    kernel: 'SplitV',
    gradient: (_dy, _saved, { axis }, dys) => ({ x: () => tf.concat([...dys], axis) }),
  });
}

function registerChoices(): void {
  defineGradient({
    kernel: 'Select',
    inputs: ['condition'],
    gradient: (dy, [condition]) => ({
      condition: () => tf.zerosLike(tf.cast(condition!, 'float32')),
      t: () => tf.mul(dy, tf.cast(condition!, 'float32')),
      e: () => tf.mul(dy, tf.cast(tf.logicalNot(condition!), 'float32')),
    }),
  });
  defineGradient<{ axis: number; batchDims: number }>({
    kernel: 'GatherV2',
    inputs: ['x', 'indices'],
    gradient: (dy, [x, indices], { axis }) => ({ x: () => ungather(dy, x!, indices!, axis) }),
  });
  defineGradient({
    kernel: 'UnsortedSegmentSum',
    inputs: ['segmentIds'],
    gradient: (dy, [segmentIds]) => ({ x: () => tf.gather(dy, segmentIds as Tensor1D) }),
  });
  defineGradient<{ k: number }>({
    kernel: 'TopK',
    inputs: ['x'],
    outputs: [false, true],
    gradient: (dy, [x, indices]) => ({
      x: () => {
        const places = tf.oneHot(tf.cast(indices!, 'int32'), x!.shape.at(-1)!); // [..., k, n]
        return tf.sum(tf.mul(tf.expandDims(dy, -1), tf.cast(places, 'float32')), -2);
      },
    }),
  });
}

/** Adds each gathered slice's gradient to the slice it came from. */
function ungather(dy: Tensor, x: Tensor, indices: Tensor, axis: number): Tensor {
  const along = tf.util.parseAxisParam(axis, x.shape)[0]!;
  const outer = x.shape.slice(0, along);
  const inner = x.shape.slice(along + 1);
  const sizes = [tf.util.sizeFromShape(outer), indices.size, tf.util.sizeFromShape(inner)] as const;
  const first = tf.reshape(tf.transpose(tf.reshape(dy, [...sizes]), [1, 0, 2]), [indices.size, sizes[0] * sizes[2]]);
  const rows = scatterRows(first as Tensor2D, tf.reshape(indices, [-1]) as Tensor1D, x.shape[along]!);
  return tf.reshape(tf.transpose(tf.reshape(rows, [x.shape[along]!, sizes[0], sizes[2]]), [1, 0, 2]), x.shape);
}
