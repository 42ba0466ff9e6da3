// SPDX-License-Identifier: Apache-2.0
import { chooseLoss, describeLoss, describeLossOracle, evaluateLoss, raggedBatch, type GroupData } from '@llmf/testkit';
import { describe, expect, it } from 'vitest';
import lossSimpo, { simpoLoss, simpoOptions } from './index.js';

describeLoss(simpoLoss, [
  {},
  { options: { beta: 10, gamma: 5 } },
  { options: { variant: 'hinge', beta: 0.5 } },
  { options: { labelSmoothing: 0.1 } },
  { options: { alpha: 0.25 } },
  { options: { alpha: -0.5, cpoAlpha: 0.5 } },
  { options: { cpoAlpha: 1, lengthNormalized: false, gamma: 0, beta: 0.1 } },
]);

describeLossOracle(simpoLoss, new URL('../fixtures/simpo.json', import.meta.url), 44);

describe('simpo', () => {
  // β = 2, γ = 1: means −1.5 and −3, margin 2·1.5 − 1 = 2, −log σ(2) = log(1 + e^−2).
  const pair: GroupData = {
    prompt: [],
    answers: [
      { role: 'chosen', policy: [-1, -2], reference: [] },
      { role: 'rejected', policy: [-3], reference: [] },
    ],
  };
  const evaluate = (options = {}) => {
    return evaluateLoss(chooseLoss(simpoLoss, options), raggedBatch([pair]));
  };

  it('subtracts γ inside the sigmoid, after β, in a case worked by hand', () => {
    expect(evaluate()[0]!.items[0]).toBeCloseTo(Math.log1p(Math.exp(-2)), 6);
  });

  it('rewards with β times the mean log-prob', () => {
    const { metrics } = evaluate()[0]!;
    expect(metrics['rewards/chosen']!.sum).toBeCloseTo(-3, 6);
    expect(metrics['rewards/margins']!.sum).toBeCloseTo(3, 6);
    expect(metrics['logps/chosen']!.sum).toBeCloseTo(-1.5, 6);
  });

  it('adds the likelihood of the chosen tokens alone, averaged over tokens', () => {
    const [, likelihood] = evaluate({ cpoAlpha: 0.5 });
    expect(likelihood).toMatchObject({ unit: 'token', items: Float32Array.of(0.5, 1) });
    expect(likelihood!.metrics['nll_loss']).toEqual({ sum: 3, count: 2 });
  });

  it('tends to plain SimPO as α of AlphaPO goes to 0', () => {
    expect(evaluate({ alpha: 1e-5 })[0]!.items[0]).toBeCloseTo(evaluate()[0]!.items[0]!, 3);
  });

  it('needs no reference', () => {
    expect(simpoLoss.needs(simpoOptions.parse({}))).toMatchObject({ rows: 'pair', reference: 'none' });
  });

  it('refuses label smoothing where it would have no effect', () => {
    const { error } = simpoOptions.safeParse({ variant: 'hinge', labelSmoothing: 0.1 });
    expect(error!.issues[0]).toMatchObject({
      path: ['labelSmoothing'],
      message: 'must be 0 with variant hinge; only sigmoid reads it',
    });
  });

  it.each([{ beta: 0 }, { gamma: -1 }, { labelSmoothing: 0.5 }, { cpoAlpha: -1 }, { gama: 1 }])(
    'refuses %j',
    (options) => expect(simpoOptions.safeParse(options).success).toBe(false),
  );
});

describe('the plugin', () => {
  it('brings exactly one loss', () => {
    const provided: unknown[] = [];
    lossSimpo().apply({ provide: (_token: symbol, value: unknown) => provided.push(value) } as never);
    expect(provided).toEqual([simpoLoss]);
  });
});
