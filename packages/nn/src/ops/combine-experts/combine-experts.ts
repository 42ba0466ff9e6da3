// SPDX-License-Identifier: Apache-2.0
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { checkShape } from '../checks.js';
import { combineExpertsOp } from './gradient.js';

/**
 * What the experts of each token gave, together: y[t] = Σ_j weights[t, j] · rows[places[t·k + j]].
 *
 * @param rows [T · k, C]
 * @param weights [T, k]
 * @param places [T · k] int32, each place once: see `routeTokens`
 * @returns [T, C]
 * @throws LLMF_NN_SHAPE
 */
export function combineExperts(rows: Tensor2D, weights: Tensor2D, places: Tensor1D): Tensor2D {
  checkShape('combineExperts', 'weights', weights, [null, null], '[tokens, choices]');
  checkShape('combineExperts', 'rows', rows, [weights.size, null], `[${weights.size}, columns], a row for each choice`);
  checkShape('combineExperts', 'places', places, [weights.size], `[${weights.size}], a place for each choice`);
  const [y] = combineExpertsOp({ rows, weights, places }, {});
  return y;
}
