// SPDX-License-Identifier: Apache-2.0
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { LowRank } from '../../contracts/low-rank.js';
import { errors } from '../../errors.js';
import { tf } from '../../tf.js';
import { checkShape } from '../checks.js';
import { groupedLinearOp } from './gradient.js';

export interface GroupedLinearOptions {
  /** Of each group, null where it has none; all of one rank and scale. Their dropout is not applied. */
  readonly lowRanks?: readonly (LowRank | null)[] | undefined;
}

/**
 * Layers of one shape, each over its own rows: x [S, K] → [S, N], row s with starts[g] ≤ s < starts[g + 1] as
 * `linear(x, weights[g], { lowRank: lowRanks[g] })` computes it.
 *
 * @param starts [G + 1] int32, rising from 0 to S
 * @param weights G times [N, K]
 * @throws LLMF_NN_SHAPE, LLMF_NN_VALUE
 */
export function groupedLinear(
  x: Tensor2D,
  starts: Tensor1D,
  weights: readonly Tensor2D[],
  { lowRanks = [] }: GroupedLinearOptions = {},
): Tensor2D {
  const op = 'groupedLinear';
  const groups = weights.length;
  checkShape(op, 'x', x, [null, null], '[rows, inputs]');
  checkShape(op, 'starts', starts, [groups + 1], `[${groups + 1}], a start for each weight and the end`);
  const inputs: Record<string, Tensor> = { x, starts };
  const [outputs = null] = weights[0]?.shape ?? [];
  for (const [group, weight] of weights.entries()) {
    checkShape(op, `weights[${group}]`, weight, [outputs, x.shape[1]], `[${outputs}, ${x.shape[1]}]`);
    inputs[`weight${group}`] = weight;
  }
  const { rank, scale } = addFactors(inputs, lowRanks);
  const keeps = rank > 0 && tf.engine().isTapeOn();
  const [y, image] = groupedLinearOp(inputs, { groups, rank, scale, keeps });
  image?.dispose();
  return y!;
}

/** The factors beside the weights, under their names. */
function addFactors(inputs: Record<string, Tensor>, lowRanks: readonly (LowRank | null)[]) {
  const first = lowRanks.find((each) => each !== null) ?? null;
  if (first === null) return { rank: 0, scale: 0 };
  const rank = first.a.shape[0]!;
  for (const [group, lowRank] of lowRanks.entries()) {
    if (lowRank === null) continue;
    if (lowRank.scale !== first.scale || lowRank.a.shape[0] !== rank) {
      const got = `rank ${lowRank.a.shape[0]}, scale ${lowRank.scale}`;
      const expected = `rank ${rank}, scale ${first.scale}, as of the first group that has factors`;
      throw errors.value({ op: 'groupedLinear', input: `lowRanks[${group}]`, got, expected });
    }
    inputs[`a${group}`] = lowRank.a;
    inputs[`b${group}`] = lowRank.b;
  }
  return { rank, scale: first.scale };
}
