// SPDX-License-Identifier: Apache-2.0
import { tf, type Variable } from '@llmf/nn';
import { describe, expect, it } from 'vitest';
import { parameterSettings } from './parameter-groups.js';

const variables = new Map<string, Variable>([
  ['layers.0.q_proj.lora_A.weight', tf.variable(tf.zeros([2, 2]))],
  ['layers.0.q_proj.lora_B.weight', tf.variable(tf.zeros([2, 2]))],
  ['norm.weight', tf.variable(tf.zeros([2]))],
]);
const settings = (...groups: Parameters<typeof parameterSettings>[1]['groups']) =>
  [...parameterSettings(variables, { groups, weightDecay: 0.1 }).values()].map(({ rate, weightDecay }) => [
    rate,
    weightDecay,
  ]);

describe('groups of parameters', () => {
  it('without any, matrices decay and nothing else does', () => {
    expect(settings()).toEqual([
      [1, 0.1],
      [1, 0.1],
      [1, 0],
    ]);
  });

  it('give a rate or a decay of their own; the last that matches holds, for what it says', () => {
    expect(
      settings({ match: '/lora_B/', rate: 16 }, { match: 'norm', weightDecay: 0.5 }, { match: 'lora', weightDecay: 0 }),
    ).toEqual([
      [1, 0],
      [16, 0],
      [1, 0.5],
    ]);
  });

  it('that match nothing are refused with the nearest name', () => {
    expect(() => settings({ match: 'lora_C' })).toThrow(/LLMF_TRAINING_GROUP_EMPTY[^]*train\.groups\[0\][^]*lora_A/);
  });

  it('with a broken pattern are refused', () => {
    expect(() => settings({ match: '/(/' })).toThrow(/LLMF_TRAINING_GROUP_PATTERN/);
  });
});
