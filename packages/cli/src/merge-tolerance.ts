// SPDX-License-Identifier: Apache-2.0
import { formatNumber } from '@llmf/core';
import type { SaveOptions } from '@llmf/nn';
import { cliErrors } from './cli-errors.js';
import type { CliIo } from './io.js';

/** Largest difference of a log-prob, as a share of the largest one, that the file's dtype explains. */
const tolerances: Readonly<Record<SaveOptions['dtype'], number>> = { F32: 1e-4, F16: 1e-2, BF16: 5e-2, auto: 5e-2 };

/**
 * Prints the largest difference, unless asked to be quiet.
 * @param what that is compared: `log-prob`
 * @throws LLMF_CLI_MERGE_DIFFERS when it is beyond the tolerance
 */
export function compareValues(
  io: CliIo,
  what: string,
  expected: Float32Array,
  got: Float32Array,
  dtype: SaveOptions['dtype'],
  isQuiet = false,
): void {
  let difference = 0;
  let largest = 0;
  for (const [index, value] of expected.entries()) {
    difference = Math.max(difference, Math.abs(value - got[index]!)); // NaN stays
    largest = Math.max(largest, Math.abs(value));
  }
  const share = difference === 0 ? 0 : difference / largest;
  const text = `largest ${what} difference ${formatNumber(difference)} (${formatNumber(share)} of the largest ${what})`;
  if (!(share <= tolerances[dtype])) throw cliErrors.mergeDiffers({ text, dtype, tolerance: tolerances[dtype] });
  if (!isQuiet) io.out.write(`${text}\n`);
}
