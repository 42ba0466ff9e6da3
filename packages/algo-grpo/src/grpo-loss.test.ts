// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { grads, tf, type Scalar, type Tensor1D } from '@llmf/nn';
import type { LossInputs, LossResult } from '@llmf/training';
import { describe, expect, it } from 'vitest';
import { groupAdvantages, hasNoVariance } from './group-advantages.js';
import { groupScore, lengthPenalty } from './group-scores.js';
import { grpoLoss } from './grpo-loss.js';
import { grpoOptions, settled, type GrpoOptions, type WrittenOptions } from './options.js';

type Lists = readonly (readonly number[])[];
interface Fixture {
  readonly groups: Lists;
  readonly limit: number;
  readonly inputs: Readonly<Record<'new' | 'old' | 'reference' | 'entropy', Lists>> & {
    readonly advantages: readonly number[];
  };
  readonly cases: readonly {
    readonly variant: WrittenOptions['variant'];
    readonly options: Partial<WrittenOptions>;
    readonly loss: number;
    readonly gradient: Lists;
  }[];
  readonly scores: readonly (readonly (number | null)[])[];
  readonly advantages: Readonly<Record<GrpoOptions['baseline'], Lists>>;
}
const fixture = JSON.parse(readFileSync(new URL('../fixtures/grpo.json', import.meta.url), 'utf8')) as Fixture;
const { inputs, groups } = fixture;
const lengths = groups.flat();
const flat = (lists: Lists) => Float32Array.from(lists.flat());
const optionsOf = (written: Partial<WrittenOptions>) => settled(grpoOptions.parse(written));

function lossOf(options: GrpoOptions, logProb: Tensor1D): Scalar {
  const given = {
    policy: { logProb, entropy: tf.tensor1d(flat(inputs.entropy)) },
    tokenExtras: {
      oldLogProb: flat(inputs.old),
      referenceLogProb: flat(inputs.reference),
      advantage: Float32Array.from(
        inputs.advantages.flatMap((each, answer) => Array.from({ length: lengths[answer]! }, () => each)),
      ),
    },
    response: Int32Array.from(lengths.flatMap((length, answer) => Array.from({ length }, () => answer))),
    tokens: Int32Array.from(lengths),
    group: Int32Array.from(groups.flatMap((group, g) => group.map(() => g))),
    groups: groups.length,
  };
  const results = grpoLoss.compute(given as unknown as LossInputs, options) as LossResult[];
  return results.map(({ items }) => tf.mean(items)).reduce((sum, each) => tf.add(sum, each)) as Scalar;
}

describe.each(fixture.cases)('the loss of variant $variant with $options', ({ variant, options, loss, gradient }) => {
  const all = optionsOf({
    variant,
    ...(variant === 'rloo' ? { klCoefficient: 0 } : {}),
    ...options,
    maxNewTokens: fixture.limit,
  });
  const compute = (logProb: Tensor1D) => lossOf(all, logProb);

  it('equals that of TRL', () => {
    const got = tf.tidy(() => compute(tf.tensor1d(flat(inputs.new))).dataSync()[0]!);
    expect(Math.abs(got - loss)).toBeLessThan(1e-6);
  });

  it('has TRL’s gradient', () => {
    const [got] = grads(compute)([tf.tensor1d(flat(inputs.new))]).gradients;
    const values = got!.dataSync();
    for (const [token, value] of gradient.flat().entries()) expect(Math.abs(values[token]! - value)).toBeLessThan(1e-6);
    got!.dispose();
  });

  it('has a gradient that finite differences see', () => {
    const [got] = grads(compute)([tf.tensor1d(flat(inputs.new))]).gradients;
    const slopes = got!.dataSync();
    const at = (token: number, change: number) =>
      tf.tidy(() => {
        const moved = flat(inputs.new);
        moved[token]! += change;
        return compute(tf.tensor1d(moved)).dataSync()[0]!;
      });
    for (let token = 0; token < slopes.length; token++) {
      const slope = (at(token, 2e-3) - at(token, -2e-3)) / 4e-3;
      expect(Math.abs(slope - slopes[token]!)).toBeLessThan(3e-3);
    }
    got!.dispose();
  });
});

describe.each(Object.entries(fixture.advantages))('advantages of baseline %s', (baseline, expected) => {
  it('equal TRL’s; an answer without a score moves nothing', () => {
    const known = fixture.scores.map((group) => group.filter((score) => score !== null));
    const got = groupAdvantages(known, baseline as GrpoOptions['baseline']);
    for (const [row, group] of fixture.scores.entries()) {
      let next = 0;
      for (const [at, score] of group.entries()) {
        const value = score === null ? 0 : got[row]![next++]!;
        expect(Math.abs(value - expected[row]![at]!)).toBeLessThan(1e-6);
      }
    }
  });
});

describe('the score of an answer in its group', () => {
  const sample = { ids: new Int32Array(9), reason: 'length' } as never;
  const reward = { score: 2, tokens: Float32Array.of(0.5, -0.25), parts: {} };
  const assessed = { logProbs: Float32Array.of(-1, -2), reference: Float32Array.of(-1.5, -1.75) };

  it('is what rewards give, tokens added', () => {
    expect(groupScore({ reward, sample }, assessed, optionsOf({}))).toBe(2.25);
  });
  it('loses what a cut-off answer and a long one cost', () => {
    const options = optionsOf({ missingEosPenalty: 1, softLength: 4, maxNewTokens: 10 });
    expect(groupScore({ reward, sample }, assessed, options)).toBeCloseTo(2.25 - 1 - 0.75, 6);
  });
  it('loses KL times its weight with RLOO', () => {
    // 0.5 − 0.25 nats
    expect(groupScore({ reward, sample }, assessed, optionsOf({ variant: 'rloo' }))).toBeCloseTo(2.25 - 0.05 * 0.25, 6);
  });
  it('falls linearly over the last tokens before the limit', () => {
    expect([6, 7, 8, 10, 12].map((tokens) => lengthPenalty(tokens, 10, 4))).toEqual([0, 0.25, 0.5, 1, 1]);
  });
});

it('a group whose scores are all the same has no variance', () => {
  expect([[1, 1, 1], [1, 1, 2], [3]].map(hasNoVariance)).toEqual([true, false, true]);
});
