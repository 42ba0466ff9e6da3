// SPDX-License-Identifier: Apache-2.0
import { readdir } from 'node:fs/promises';
import { cliErrors } from './cli-errors.js';

/** A model that is written replaces no other weights, least of all those it is made from. @throws LLMF_CLI_OUTPUT_HOLDS_WEIGHTS */
export async function refuseWeights(output: string): Promise<void> {
  const names = await readdir(output).catch(() => []);
  const weights = names.find((name) => name.endsWith('.safetensors'));
  if (weights !== undefined) throw cliErrors.outputHoldsWeights({ folder: output, file: weights });
}
