// SPDX-License-Identifier: Apache-2.0
import { selectedLogProbs, tf, type Model } from '@llmf/nn';
import { describe, expect, it } from 'vitest';
import { tempered } from './tempered.js';

const hidden = tf.tensor2d([[1, 2]]);
const weight = tf.tensor2d([
  [1, 0],
  [0, 1],
  [1, 1],
]);
const modelOf = (bias: number[] | null, softCap?: number): Model =>
  ({ contextLength: 7, head: { weight, bias: bias === null ? null : tf.tensor1d(bias), softCap } }) as unknown as Model;
const logProbs = ({ head: { weight, bias, softCap, transform } }: Model) =>
  [0, 1, 2].map((id) => {
    const seen = transform?.(hidden, null as never) ?? hidden;
    return selectedLogProbs(seen, weight, Int32Array.of(0), Int32Array.of(id), {
      bias,
      softCap,
    }).logProb.dataSync()[0]!;
  });

describe('a tempered model', () => {
  it.each([
    [null, [1, 2, 3]],
    [
      [0.5, -1, 2],
      [1.5, 1, 5],
    ],
  ])('divides its logits, the bias %j too', (bias, logits) => {
    const scaled = logits.map((logit) => logit / 0.5);
    const sum = Math.log(scaled.reduce((total, each) => total + Math.exp(each), 0));
    const got = tf.tidy(() => logProbs(tempered(modelOf(bias), 0.5)));
    for (const [id, each] of scaled.entries()) expect(got[id]).toBeCloseTo(each - sum, 5);
  });

  it('divides logits that a soft cap bounds, not what goes into it', () => {
    const scaled = [1.5, 1, 5].map((logit) => (2 * Math.tanh(logit / 2)) / 0.5);
    const sum = Math.log(scaled.reduce((total, each) => total + Math.exp(each), 0));
    const got = tf.tidy(() => logProbs(tempered(modelOf([0.5, -1, 2], 2), 0.5)));
    for (const [id, each] of scaled.entries()) expect(got[id]).toBeCloseTo(each - sum, 5);
  });

  it('is the model itself at 1, and else like it but for the head', () => {
    const model = modelOf(null);
    expect(tempered(model, 1)).toBe(model);
    expect(tempered(model, 2).contextLength).toBe(7);
  });
});
