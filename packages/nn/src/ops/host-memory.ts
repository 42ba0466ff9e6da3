// SPDX-License-Identifier: Apache-2.0
import type { Tensor, TypedArray } from '@tensorflow/tfjs-core';
import { backendFacts } from '../backends/facts.js';
import { tf } from '../tfjs.js';

/**
 * Does the current backend keep its values in the memory of this process, so that reading them waits for nothing?
 * Not so GPU backends, where a read stalls the queue, or cannot be waited for.
 */
export function isInHostMemory(): boolean {
  const { memory } = backendFacts();
  return memory === undefined ? isPlainJs() : memory === 'host';
}

/** Are values JS arrays and kernels plain JS, where one fused loop beats any chain of kernels? */
export function isPlainJs(): boolean {
  return backendFacts().memory !== 'device' && (tf.backend() as { data?: unknown }).data instanceof tf.DataStorage;
}

/** A tensor's values to be awaited: read at once where they lie in this process, else when the backend's queue is done. */
export const valuesOf = (tensor: Tensor): TypedArray | Promise<TypedArray> =>
  isInHostMemory() ? tensor.dataSync() : tensor.data();
