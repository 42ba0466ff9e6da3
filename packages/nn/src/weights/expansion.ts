// SPDX-License-Identifier: Apache-2.0
import { bf16ToFloat32 } from '@llmf/core';
import { errors } from '../errors.js';
import { tf } from '../tf.js';
import type { PackedData } from './packed.js';

let isAllowed = false;
/** The kernel that runs, while expansion is refused. */
let kernel: string | null = null;
let isRefused = false;

/** Lets kernels that do not know packed weights read them as float32 during training too; slow, and off by default. */
export function allowPackedExpansion(allowed: boolean): void {
  isAllowed = allowed;
}

/** Runs a training pass in which reading a packed weight as float32 is an error that names the kernel. */
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

/** The float32 values of a packed weight. @throws LLMF_NN_PACKED_EXPANDED within a training pass. */
export function expanded({ words, storage }: PackedData, shape: readonly number[]): Float32Array {
  if (isRefused) throw errors.packedExpanded({ op: kernel ?? 'an operation', shape, storage });
  return bf16ToFloat32(words);
}
