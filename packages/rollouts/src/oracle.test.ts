// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  generalizedAdvantages,
  klController,
  klOfTokens,
  RunningMoments,
  shapedScores,
  tokenRewards,
  whiten,
  type KlEstimator,
  type ScoreShaping,
} from './index.js';

type Lists = readonly (readonly number[])[];
interface Fixture {
  readonly logProbs: Lists;
  readonly reference: Lists;
  readonly values: Lists;
  readonly tokenScores: Lists;
  readonly scores: readonly number[];
  readonly cases: readonly {
    readonly estimator: KlEstimator;
    readonly coefficient: number;
    readonly gamma: number;
    readonly lambda: number;
    readonly kl: Lists;
    readonly rewards: Lists;
    readonly advantages: Lists;
    readonly returns: Lists;
    readonly whitened: Lists;
    readonly whitenedRewards: Lists;
  }[];
  readonly scoreBatches: Lists;
  readonly cutOff: readonly (readonly boolean[])[];
  readonly shaped: readonly {
    readonly scaling: ScoreShaping['scoreScaling'];
    readonly clip: number | null;
    readonly penalty: number;
    readonly expected: Lists;
  }[];
  readonly adaptive: {
    readonly kl: readonly number[];
    readonly target: number;
    readonly horizon: number;
    readonly answers: number;
    readonly coefficient: number;
    readonly expected: readonly number[];
  };
}
const fixture = JSON.parse(readFileSync(new URL('../fixtures/rollouts.json', import.meta.url), 'utf8')) as Fixture;

/** Within 1e-6 of max(1, |value|), everywhere. */
function expectClose(got: readonly ArrayLike<number>[], expected: Lists): void {
  expect(got.map(({ length }) => length)).toEqual(expected.map(({ length }) => length));
  for (const [row, values] of expected.entries()) {
    for (const [at, value] of values.entries()) {
      expect(Math.abs(got[row]![at]! - value)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(value)));
    }
  }
}

describe.each(fixture.cases)('as TRL and trlX with $estimator, β $coefficient, γ $gamma, λ $lambda', (expected) => {
  const kl = fixture.logProbs.map((each, row) =>
    klOfTokens(Float32Array.from(each), Float32Array.from(fixture.reference[row]!), expected.estimator),
  );
  const rewards = kl.map((each, row) =>
    tokenRewards({
      kl: each,
      score: fixture.scores[row]!,
      tokens: fixture.tokenScores[row]!,
      coefficient: expected.coefficient,
    }),
  );
  const estimates = rewards.map((each, row) => generalizedAdvantages(each, fixture.values[row]!, expected));

  it('KL is estimated', () => expectClose(kl, expected.kl));
  it('tokens are rewarded', () => expectClose(rewards, expected.rewards));
  it('advantages and returns are estimated', () => {
    expectClose(
      estimates.map(({ advantages }) => advantages),
      expected.advantages,
    );
    expectClose(
      estimates.map(({ returns }) => returns),
      expected.returns,
    );
  });
  it('advantages are whitened', () =>
    expectClose(whiten(estimates.map(({ advantages }) => advantages)), expected.whitened));
  it('rewards are whitened about their mean', () =>
    expectClose(whiten(rewards, { keepMean: true }), expected.whitenedRewards));
});

describe('as TRL and trlX', () => {
  it.each(fixture.shaped)('scores are shaped: $scaling, clip $clip, penalty $penalty', (each) => {
    const moments = new RunningMoments();
    const shaping = { scoreScaling: each.scaling, scoreClip: each.clip, missingEosPenalty: each.penalty };
    const got = fixture.scoreBatches.map((batch, at) => shapedScores(batch, fixture.cutOff[at]!, shaping, moments));
    expectClose(got, each.expected);
  });

  it('an adaptive coefficient follows the measured KL', () => {
    const { kl, answers, expected, ...control } = fixture.adaptive;
    const controller = klController({ controller: 'adaptive', ...control });
    const got = kl.map((value) => {
      controller.note(value, answers);
      return controller.coefficient;
    });
    expectClose([got], [expected]);
  });
});

describe('a hand-worked answer of three tokens', () => {
  // log π − log π_ref = 0.5, −0.25, 1; β = 0.2; a score of 2 on the last token, and 0.1, 0, −0.3 of a reward per token:
  //   r = 0.1 − 0.1, 0 + 0.05, −0.3 − 0.2 + 2 = 0, 0.05, 1.5
  const kl = klOfTokens(Float32Array.of(-1, -2, -0.5), Float32Array.of(-1.5, -1.75, -1.5), 'k1');
  const rewards = tokenRewards({ kl, score: 2, tokens: [0.1, 0, -0.3], coefficient: 0.2 });

  it('has its score on its last token', () => expectClose([rewards], [[0, 0.05, 1.5]]));

  it('has advantages from the end on', () => {
    // V = 1, 0.5, 0.8; γ = 1, λ = 0.5:  δ = 0 + 0.5 − 1, 0.05 + 0.8 − 0.5, 1.5 − 0.8 = −0.5, 0.35, 0.7
    //   A₃ = 0.7, A₂ = 0.35 + 0.35 = 0.7, A₁ = −0.5 + 0.35 = −0.15
    const { advantages, returns } = generalizedAdvantages(rewards, [1, 0.5, 0.8], { gamma: 1, lambda: 0.5 });
    expectClose(
      [advantages, returns],
      [
        [-0.15, 0.7, 0.7],
        [0.85, 1.2, 1.5],
      ],
    );
  });

  it('is estimated by k3 without a negative number', () => {
    // e^(−k1) − 1 + k1 at 0.5: e^−0.5 − 0.5 = 0.10653
    const k3 = klOfTokens(Float32Array.of(-1, -2), Float32Array.of(-1.5, -1.75), 'k3');
    expect(k3[0]).toBeCloseTo(0.10653066, 7);
    expect(k3[1]).toBeCloseTo(Math.exp(0.25) - 1.25, 7);
  });
});

describe('what a run remembers', () => {
  it('of scores and of β goes on after it was loaded', () => {
    const [whole, first, second] = [new RunningMoments(), new RunningMoments(), new RunningMoments()];
    for (const batch of fixture.scoreBatches) whole.add(batch);
    first.add(fixture.scoreBatches[0]!);
    second.load({ json: JSON.parse(JSON.stringify(first.save().json)) as object });
    for (const batch of fixture.scoreBatches.slice(1)) second.add(batch);
    expect(second.all).toEqual(whole.all);
    expect(second.ofFirst).toEqual(whole.ofFirst);
  });
  it('scores that do not differ are not divided by 0', () => {
    const shaping = { scoreScaling: 'normalized', scoreClip: null, missingEosPenalty: null } as const;
    expect(shapedScores([3, 3], [false, false], shaping, new RunningMoments())).toEqual([0, 0]);
  });
  it('one token has no variance and stays as it is', () => {
    expect(whiten([Float64Array.of(3)])).toEqual([Float64Array.of(3)]);
  });
});
