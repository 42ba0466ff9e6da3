// SPDX-License-Identifier: Apache-2.0
import type { Batch } from '../contracts/data.js';
import type { LossNeeds, LossResult } from '../contracts/loss.js';

/**
 * Weight of each item of a loss over one batch, in the order `LossResult.items` prescribes: the weight of its row.
 * A row's weight is that of its responses. With all weights 1, their sum is the number of items.
 *
 * @param batch layout of the microbatch
 * @param unit what an item stands for
 * @param needs the loss's own needs (not those united over terms)
 */
export function unitWeights(
  batch: Pick<Batch, 'groups' | 'prompt'> & {
    readonly responses: Pick<Batch['responses'], 'tokens' | 'group' | 'role' | 'weight'>;
  },
  unit: LossResult['unit'],
  needs: Pick<LossNeeds, 'roles' | 'span'>,
): Float32Array {
  const { tokens, group, role, weight } = batch.responses;
  const ofGroup = new Float32Array(batch.groups);
  for (const [response, g] of group.entries()) ofGroup[g] = weight[response]!;
  if (unit === 'group') return ofGroup;
  const ofTokens: number[] = [];
  for (const [response, count] of tokens.entries()) {
    if (needs.roles !== undefined && !needs.roles.includes(role[response]!)) continue;
    for (let token = 0; token < count; token++) ofTokens.push(weight[response]!);
  }
  if (needs.span === 'all') for (const g of batch.prompt.group) ofTokens.push(ofGroup[g]!);
  return Float32Array.from(ofTokens);
}
