// SPDX-License-Identifier: Apache-2.0
import type { LossInputs } from '../contracts/loss.js';
import type { ResponseRole } from '../contracts/data.js';
import { describe, expect, it } from 'vitest';
import { grads, segmentSum, tf } from '@llmf/nn';
import type { Scalar, Tensor1D } from '@llmf/nn';
import { pairs } from './pairs.js';

/** Responses of 2, 1, 3 and 1 tokens; token s has log-prob −(s + 1). */
function inputsOf(
  role: ResponseRole[],
  group: number[],
  logProb: Tensor1D = tf.tensor1d([-1, -2, -3, -4, -5, -6, -7]),
): LossInputs {
  const tokens = Int32Array.of(2, 1, 3, 1);
  const response = Int32Array.of(0, 0, 1, 2, 2, 2, 3);
  const sum = segmentSum(logProb, response, 4);
  return {
    policy: { logProb, sum, mean: tf.div(sum, tf.tensor1d([2, 1, 3, 1])) },
    response,
    tokens,
    group: Int32Array.from(group),
    role,
    weight: Float32Array.of(1, 1, 1, 1),
    groups: 2,
    extras: {},
  };
}

describe('pairs', () => {
  it('parts alternating answers into chosen and rejected', () => {
    const { policy, layout, count } = pairs(inputsOf(['chosen', 'rejected', 'chosen', 'rejected'], [0, 0, 1, 1]));
    expect(count).toBe(2);
    expect([...policy.chosen.sum.dataSync()]).toEqual([-3, -15]);
    expect([...policy.rejected.sum.dataSync()]).toEqual([-3, -7]);
    expect([...policy.chosen.mean.dataSync()]).toEqual([-1.5, -5]);
    expect([...policy.chosen.logProb.dataSync()]).toEqual([-1, -2, -4, -5, -6]);
    expect(layout.chosen).toEqual({
      response: Int32Array.of(0, 2),
      tokens: Int32Array.of(2, 3),
      pair: Int32Array.of(0, 0, 1, 1, 1),
    });
  });

  it('takes any order of answers and rows; pair i is group i', () => {
    const { policy, layout } = pairs(inputsOf(['rejected', 'chosen', 'chosen', 'rejected'], [1, 0, 1, 0]));
    expect([...policy.chosen.sum.dataSync()]).toEqual([-3, -15]); // responses 1 and 2
    expect([...policy.rejected.sum.dataSync()]).toEqual([-7, -3]); // responses 3 and 0
    expect([...policy.rejected.logProb.dataSync()]).toEqual([-7, -1, -2]);
    expect([...layout.rejected.pair]).toEqual([0, 1, 1]);
  });

  it('sends gradients back to the tokens they came from', () => {
    const weighted = (logProb: Tensor1D) => {
      const { policy } = pairs(inputsOf(['rejected', 'chosen', 'chosen', 'rejected'], [1, 0, 1, 0], logProb));
      const ofSums = tf.sum(tf.mul(policy.chosen.sum, tf.tensor1d([10, 20])));
      return tf.add<Scalar>(ofSums, tf.sum(tf.mul(policy.rejected.logProb, tf.tensor1d([1, 2, 3]))));
    };
    const { gradients } = grads(weighted)([tf.tensor1d([-1, -2, -3, -4, -5, -6, -7])]);
    expect([...gradients[0].dataSync()]).toEqual([2, 3, 10, 20, 20, 20, 1]);
  });

  it('splits any value per response', () => {
    const { split } = pairs(inputsOf(['rejected', 'chosen', 'chosen', 'rejected'], [1, 0, 1, 0]));
    const { chosen, rejected } = split(tf.tensor1d([1, 2, 3, 4]));
    expect([...chosen.dataSync()]).toEqual([2, 3]);
    expect([...rejected.dataSync()]).toEqual([4, 1]);
  });

  it('says which row is not a pair', () => {
    const without = inputsOf(['chosen', 'rejected', 'chosen', 'chosen'], [0, 0, 1, 1]);
    expect(() => pairs(without)).toThrow(/LLMF_TRAINING_LOSS_PAIRS[^]*group 1 of the batch[^]*2 chosen and 0 rejected/);
  });

  it('says that a reference must be declared', () => {
    const view = pairs(inputsOf(['chosen', 'rejected', 'chosen', 'rejected'], [0, 0, 1, 1]));
    expect(() => view.reference).toThrow(/LLMF_TRAINING_LOSS_NEED[^]*reference: 'required'/);
  });
});
