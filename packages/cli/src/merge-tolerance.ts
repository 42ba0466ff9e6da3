// SPDX-License-Identifier: Apache-2.0
import { formatNumber } from '@llmf/core';
import type { SaveOptions } from '@llmf/nn';
import type { CliIo } from './io.js';

/** Largest difference of a log-prob, as a share of the largest one, that the file's dtype explains. */
const tolerances: Readonly<Record<SaveOptions['dtype'], number>> = { F32: 1e-4, F16: 1e-2, BF16: 5e-2, auto: 5e-2 };

/**
 * Prints the largest difference, a quiet one only where it is beyond the tolerance; 0 when it is within, else 1.
 * @param what that is compared: `log-prob`
 */
export function statusOf(
  io: CliIo,
  what: string,
  expected: Float32Array,
  got: Float32Array,
  dtype: SaveOptions['dtype'],
  isQuiet = false,
): number {
  let difference = 0;
  let largest = 0;
  for (const [index, value] of expected.entries()) {
    difference = Math.max(difference, Math.abs(value - got[index]!)); // NaN stays
    largest = Math.max(largest, Math.abs(value));
  }
  const share = difference === 0 ? 0 : difference / largest;
  const isWithin = share <= tolerances[dtype];
  if (!isQuiet || !isWithin)
    io.out.write(
      `largest ${what} difference ${formatNumber(difference)} (${formatNumber(share)} of the largest ${what})\n`,
    );
  if (isWithin) return 0;
  io.err.write(
    `that is more than the ${formatNumber(tolerances[dtype])} that ${dtype} explains: do not use this folder\n`,
  );
  return 1;
}
