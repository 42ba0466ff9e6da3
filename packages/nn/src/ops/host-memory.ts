// SPDX-License-Identifier: Apache-2.0
import * as tf from '@tensorflow/tfjs-core';

/**
 * Does the current backend keep its values in the memory of this process, so that reading them waits for nothing?
 * tfjs's `cpu`, what extends it, and wasm; not GPU backends, where a read stalls the queue.
 */
export function isInHostMemory(): boolean {
  return isPlainJs() || tf.getBackend() === 'wasm';
}

/** Are values JS arrays and kernels plain JS, where one fused loop beats any chain of kernels? */
export function isPlainJs(): boolean {
  return (tf.backend() as { data?: unknown }).data instanceof tf.DataStorage;
}
