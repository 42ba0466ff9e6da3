// SPDX-License-Identifier: Apache-2.0
import { formatNumber } from '@llmf/core';
import type { SaveOptions } from '@llmf/nn';
import type { CliIo } from './io.js';

/** Largest difference of a logit, as a share of the largest logit, that the file's dtype explains. */
const tolerances: Readonly<Record<SaveOptions['dtype'], number>> = { F32: 1e-4, F16: 1e-2, BF16: 5e-2, auto: 5e-2 };

/** Prints the largest difference; 0 when it is within tolerance, else 1. */
export function statusOf(io: CliIo, expected: Float32Array, got: Float32Array, dtype: SaveOptions['dtype']): number {
  let difference = 0;
  let largest = 0;
  for (const [index, value] of expected.entries()) {
    difference = Math.max(difference, Math.abs(value - got[index]!));
    largest = Math.max(largest, Math.abs(value));
  }
  const share = difference / largest;
  io.out.write(`largest logit difference ${formatNumber(difference)} (${formatNumber(share)} of the largest logit)\n`);
  if (share <= tolerances[dtype]) return 0;
  io.err.write(
    `that is more than the ${formatNumber(tolerances[dtype])} that ${dtype} explains: do not use this folder\n`,
  );
  return 1;
}
