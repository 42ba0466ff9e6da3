// SPDX-License-Identifier: Apache-2.0
import type { PackedWeight } from '../contracts/weight-format.js';
import { errors } from '../errors.js';
import { tf } from '../tf.js';

let isAllowed = false;
/** The kernel that runs, while expansion is refused. */
let kernel: string | null = null;
let isRefused = false;

/** Lets kernels that do not know packed weights read them as float32 during training too; slow, and off by default. */
export function allowPackedExpansion(allowed: boolean): void {
  isAllowed = allowed;
}

/** Runs a training pass in which a kernel that reads a packed weight as float32 by accident is an error that names it. */
export function refusingExpansion<T>(pass: () => T): T {
  if (isAllowed || isRefused) return pass();
  const engine = tf.engine();
  const { runKernel } = engine;
  isRefused = true;
  // Named for the message only: tfjs does not say which kernel runs.
  engine.runKernel = ((name, ...rest) => {
    kernel = name;
    return runKernel.call(engine, name, ...rest);
  }) as typeof runKernel;
  try {
    return pass();
  } finally {
    engine.runKernel = runKernel;
    isRefused = false;
    kernel = null;
  }
}

/** Says which kernel begins to run, for the message; kernels that tfjs runs are noticed anyway. */
export function enterKernel(name: string): void {
  if (isRefused) kernel = name;
}

/** All values, for a kernel that asked for a tensor's float32. @throws LLMF_NN_PACKED_EXPANDED within a training pass. */
export function expanded(weight: PackedWeight): Float32Array {
  const { shape, format } = weight;
  if (isRefused) throw errors.packedExpanded({ op: kernel ?? 'an operation', shape, format: format.name });
  return expandedRows(weight, 0, rowsOf(weight));
}

/** Rows [from, to) as float32. */
export function expandedRows(weight: PackedWeight, from: number, to: number): Float32Array {
  const values = new Float32Array((to - from) * columnsOf(weight));
  weight.format.expand(weight, from, to, values);
  return values;
}

/** Room for one expanded weight at a time, as large as the largest was. */
let scratch = new Float32Array(0);
let isScratchTaken = false;

/**
 * Runs a kernel with the weight's values as an ordinary tensor, which is gone afterwards: a backend that does not know the
 * format computes with one expanded layer at a time.
 */
export function withExpanded<T>(weight: PackedWeight, run: (values: import('@tensorflow/tfjs-core').Tensor) => T): T {
  const size = rowsOf(weight) * columnsOf(weight);
  const isShared = !isScratchTaken;
  if (isShared && scratch.length < size) scratch = new Float32Array(size);
  const values = isShared ? scratch.subarray(0, size) : new Float32Array(size);
  if (isShared) isScratchTaken = true;
  weight.format.expand(weight, 0, rowsOf(weight), values);
  const tensor = tf.keep(tf.tensor(values, [...weight.shape], 'float32'));
  try {
    return run(tensor);
  } finally {
    tensor.dispose();
    if (isShared) isScratchTaken = false;
  }
}

const rowsOf = ({ shape }: PackedWeight): number => shape[0] ?? 1;
const columnsOf = ({ shape }: PackedWeight): number => tf.util.sizeFromShape(shape.slice(1));
