// SPDX-License-Identifier: Apache-2.0
import type { LossInputs } from '../contracts/loss.js';
import { describe, expect, it } from 'vitest';
import { tf } from '@llmf/nn';
import { imitatedLogProbs } from './imitated.js';

describe('imitatedLogProbs', () => {
  const inputs: LossInputs = {
    policy: {
      logProb: tf.tensor1d([-1, -2, -3, -4]),
      sum: tf.tensor1d([-3, -3, -4]),
      mean: tf.tensor1d([-1.5, -3, -4]),
      prompt: { logProb: tf.tensor1d([-7, -8]), group: Int32Array.of(0, 1) },
    },
    response: Int32Array.of(0, 0, 1, 2),
    tokens: Int32Array.of(2, 1, 1),
    group: Int32Array.of(0, 0, 1),
    role: ['chosen', 'rejected', 'response'],
    weight: Float32Array.of(1, 1, 1),
    groups: 2,
    extras: {},
  };

  it('leaves the tokens of rejected answers out', () => {
    expect([...imitatedLogProbs(inputs, 'response').dataSync()]).toEqual([-1, -2, -4]);
  });

  it("puts the prompts' tokens behind them where asked", () => {
    expect([...imitatedLogProbs(inputs, 'all').dataSync()]).toEqual([-1, -2, -4, -7, -8]);
  });

  it('says that prompts must be declared', () => {
    const { prompt: _prompt, ...policy } = inputs.policy;
    expect(() => imitatedLogProbs({ ...inputs, policy }, 'all')).toThrow(/LLMF_TRAINING_LOSS_NEED[^]*span: 'all'/);
  });
});
