// SPDX-License-Identifier: Apache-2.0
import { permutation } from '@llmf/core';

export interface Pass {
  readonly seed: number;
  readonly step: number;
  /** Which pass over the items of the step. */
  readonly epoch: number;
}

/** Items in another order each pass, in `count` parts of nearly equal size; fewer where there are fewer items. */
export function miniBatches<T>(items: readonly T[], count: number, { seed, step, epoch }: Pass): T[][] {
  const order = permutation({ seed, stream: 'mini-batches', step, microbatch: epoch }, 'items', items.length);
  const parts = Math.min(count, items.length);
  return Array.from({ length: parts }, (_, part) => {
    const [start, end] = [part, part + 1].map((each) => Math.round((each * items.length) / parts));
    return [...order.subarray(start, end)].map((place) => items[place]!);
  });
}
