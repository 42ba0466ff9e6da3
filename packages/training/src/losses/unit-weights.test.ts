// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { imitatedRoles } from './imitated.js';
import { unitWeights } from './unit-weights.js';

describe('unitWeights', () => {
  const none = new Int32Array(0);
  const batch = {
    groups: 2,
    responses: {
      group: Int32Array.of(0, 0, 1, 1),
      role: ['chosen', 'rejected', 'rejected', 'chosen'] as const,
      tokens: Int32Array.of(2, 1, 1, 3),
      weight: Float32Array.of(1, 1, 5, 5),
    },
    prompt: { rows: none, targets: none, group: Int32Array.of(0, 1, 1) },
  };

  it('gives each group the weight of its row', () => {
    expect([...unitWeights(batch, 'group', { span: 'response' })]).toEqual([1, 5]);
  });

  it("gives each token the weight of its response's row", () => {
    expect([...unitWeights(batch, 'token', { span: 'response' })]).toEqual([1, 1, 1, 5, 5, 5, 5]);
  });

  it('counts only the tokens of the roles a loss names, then the prompts', () => {
    expect([...unitWeights(batch, 'token', { span: 'all', roles: imitatedRoles })]).toEqual([1, 1, 5, 5, 5, 1, 5, 5]);
  });
});
