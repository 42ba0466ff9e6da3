// SPDX-License-Identifier: Apache-2.0
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { withoutTape } from '../../autograd/without-tape.js';
import { kernels } from '../../contracts/ops.js';
import { errors } from '../../errors.js';
import { checkShape } from '../checks.js';
import { defineKernel } from '../define-kernel.js';
import { routeTokensComposite } from './composite.js';

/** Which experts compute which tokens, all int32. A slot t·k + j is the j-th choice of token t. */
export interface Routes {
  /** The expert of each slot, a token's likeliest first, of equal ones the first. */
  readonly chosen: Tensor1D; // [T · k]
  /** Where the probability of each slot's expert stands among the [T · E]. */
  readonly cells: Tensor1D; // [T · k]
  /** Where each slot stands when they are ordered by expert. */
  readonly places: Tensor1D; // [T · k]
  /** The token at each of those places. */
  readonly rows: Tensor1D; // [T · k]
  /** At which of them each expert's begin, and their number. */
  readonly starts: Tensor1D; // [E + 1]
}

const kernel = defineKernel(kernels.routeTokens, routeTokensComposite);

/**
 * The k likeliest experts of each token by a router's probabilities [T, E], chosen on the backend: nothing is read.
 *
 * @throws LLMF_NN_SHAPE, LLMF_NN_VALUE
 */
export function routeTokens(probabilities: Tensor2D, perToken: number): Routes {
  checkShape('routeTokens', 'probabilities', probabilities, [null, null], '[tokens, experts]');
  const experts = probabilities.shape[1];
  if (!(perToken >= 1 && perToken <= experts)) {
    const expected = `1 to ${experts}, the number of experts`;
    throw errors.value({ op: 'routeTokens', input: 'perToken', got: String(perToken), expected });
  }
  const [chosen, cells, places, rows, starts] = withoutTape(() => kernel({ probabilities }, { perToken }));
  return { chosen: chosen!, cells: cells!, places: places!, rows: rows!, starts: starts! };
}
