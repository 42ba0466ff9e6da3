// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { grads, tf, type Head, type Scalar, type Tensor1D } from '@llmf/nn';
import type { LossInputs, LossResult } from '@llmf/training';
import { describe, expect, it } from 'vitest';
import { ppoLoss, type PpoLossOptions } from './ppo-loss.js';

type Lists = readonly (readonly number[])[];
type Given = 'new' | 'old' | 'advantages' | 'values' | 'old_values' | 'returns' | 'entropy';
interface Fixture {
  readonly inputs: Readonly<Record<Given, Lists>>;
  readonly cases: readonly {
    readonly options: Omit<PpoLossOptions, 'head'>;
    readonly loss: number;
    readonly metrics: Readonly<Record<string, number>>;
    readonly gradients: Readonly<Record<'new' | 'values' | 'entropy', Lists | null>>;
  }[];
}
const { inputs, cases } = JSON.parse(readFileSync(new URL('../fixtures/ppo.json', import.meta.url), 'utf8')) as Fixture;
const head: Head = { name: 'v_head', outputs: 1, at: 'token' };
const flat = (name: Given) => Float32Array.from(inputs[name].flat());

/** The loss over the fixture's tokens, with other log-probs, values and entropies in their places. */
function resultsOf(options: PpoLossOptions, logProb: Tensor1D, values: Tensor1D, entropy: Tensor1D): LossResult[] {
  const given = {
    policy: { logProb, entropy, heads: { v_head: tf.reshape(values, [-1, 1]) } },
    tokenExtras: {
      oldLogProb: flat('old'),
      oldValue: flat('old_values'),
      advantage: flat('advantages'),
      return: flat('returns'),
    },
  };
  return ppoLoss.compute(given as unknown as LossInputs, options) as LossResult[];
}
const lossOf = (results: readonly LossResult[]) =>
  results.map(({ items }) => tf.mean(items)).reduce((sum, each) => tf.add(sum, each)) as Scalar;

describe.each(cases)('the loss with $options', ({ options, loss, metrics, gradients }) => {
  const all = { ...options, head };
  const leaves = (): [Tensor1D, Tensor1D, Tensor1D] => [
    tf.tensor1d(flat('new')),
    tf.tensor1d(flat('values')),
    tf.tensor1d(flat('entropy')),
  ];
  const compute = (logProb: Tensor1D, values: Tensor1D, entropy: Tensor1D) =>
    lossOf(resultsOf(all, logProb, values, entropy));
  const slopes = () => grads(compute)(leaves()).gradients;

  it('equals the closed form, and so do its metrics', () => {
    tf.tidy(() => {
      const results = resultsOf(all, ...leaves());
      expect(Math.abs(lossOf(results).dataSync()[0]! - loss)).toBeLessThan(1e-6);
      const got = Object.assign({}, ...results.map((each) => each.metrics)) as LossResult['metrics'];
      expect(Object.keys(got).toSorted()).toEqual(Object.keys(metrics).toSorted());
      for (const [name, { sum, count }] of Object.entries(got)) {
        expect(Math.abs(sum.dataSync()[0]! / count - metrics[name]!)).toBeLessThan(1e-6);
      }
    });
  });

  it('has the closed form’s gradients', () => {
    const got = slopes();
    for (const [at, name] of (['new', 'values', 'entropy'] as const).entries()) {
      const expected = gradients[name]?.flat() ?? Array.from(flat(name), () => 0);
      const values = got[at]!.dataSync();
      for (const [token, value] of expected.entries()) expect(Math.abs(values[token]! - value)).toBeLessThan(1e-6);
      got[at]!.dispose();
    }
  });

  it('has gradients that finite differences see', () => {
    const got = slopes();
    const step = 2e-3;
    for (const [leaf, tensor] of got.entries()) {
      const slope = tensor.dataSync();
      for (let token = 0; token < slope.length; token++) {
        const [up, down] = [step, -step].map((change) =>
          tf.tidy(() => {
            const moved = leaves().map((each, at) => {
              if (at !== leaf) return each;
              const values = each.dataSync().slice();
              values[token]! += change;
              return tf.tensor1d(values);
            });
            return compute(...(moved as [Tensor1D, Tensor1D, Tensor1D])).dataSync()[0]!;
          }),
        );
        expect(Math.abs((up! - down!) / (2 * step) - slope[token]!)).toBeLessThan(2e-3);
      }
      tensor.dispose();
    }
  });
});

describe('where the policy is as it was', () => {
  it('the ratio is 1, nothing is clipped, and the loss is minus the mean advantage', () => {
    tf.tidy(() => {
      const options = { clipRange: 0.2, valueClipRange: 0.2, valueCoefficient: 0.1, entropyCoefficient: 0, head };
      const old = tf.tensor1d(flat('old'));
      const [policy] = resultsOf(options, old, tf.tensor1d(flat('old_values')), old);
      const { 'val/ratio': ratio, 'policy/clipfrac_avg': clipped } = policy!.metrics;
      expect(ratio!.sum.dataSync()[0]).toBe(ratio!.count);
      expect(clipped!.sum.dataSync()[0]).toBe(0);
      const mean = inputs.advantages.flat().reduce((sum, each) => sum + each, 0) / ratio!.count;
      expect(tf.mean(policy!.items).dataSync()[0]).toBeCloseTo(-mean, 6);
    });
  });
});
