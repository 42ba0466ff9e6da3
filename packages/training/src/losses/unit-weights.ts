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
  const { roles, span } = needs;
  const ofPrompts = span === 'all' ? batch.prompt.group : [];
  const counts = roles === undefined ? tokens : tokens.map((count, at) => (roles.includes(role[at]!) ? count : 0));
  const items = new Float32Array(counts.reduce((sum, count) => sum + count, ofPrompts.length));
  let at = 0;
  for (let response = 0; response < counts.length; response++) {
    const end = at + counts[response]!;
    items.fill(weight[response]!, at, end);
    at = end;
  }
  for (const g of ofPrompts) items[at++] = ofGroup[g]!;
  return items;
}
