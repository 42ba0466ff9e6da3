// SPDX-License-Identifier: Apache-2.0
import { chooseLoss, describeLoss, describeLossOracle, evaluateLoss, raggedBatch, type GroupData } from '@llmf/testkit';
import { describe, expect, it } from 'vitest';
import lossDpo, { dpoLoss, dpoOptions } from './index.js';
import { variantNames } from './variants/index.js';

const noGradientOfWeights = { finiteDifferences: 'the weights of WPO are constants, so differences see more' };

describeLoss(dpoLoss, [
  {},
  ...variantNames.map((variant) => ({
    options: variant === 'exo_pair' ? { variant, labelSmoothing: 0.001 } : { variant, beta: 0.3 },
  })),
  { options: { labelSmoothing: 0.2 } },
  { options: { variant: 'robust', labelSmoothing: 0.2 } },
  { options: { variant: 'aot', labelSmoothing: 0.2 } },
  { options: { divergence: 'forward_kl' } },
  { options: { divergence: 'forward_kl', variant: 'ipo' } },
  { options: { divergence: 'js', variant: 'hinge' } },
  { options: { divergence: 'alpha', variant: 'sigmoid_norm' } },
  { options: { divergence: 'alpha', alphaCoefficient: 2, variant: 'discopop', discopopTau: 2 } },
  { options: { ldAlpha: 0.3 } },
  { options: { wpo: true }, except: noGradientOfWeights },
]);

describeLossOracle(dpoLoss, new URL('../fixtures/dpo.json', import.meta.url), 136);

describe('dpo', () => {
  // β = 0.1: ℓ_w = (−1 − 2) − (−2 − 2) = 1, ℓ_l = −3 − (−1) = −2, margin 0.3, −log σ(0.3) = log(1 + e^−0.3).
  const pair: GroupData = {
    prompt: [],
    answers: [
      { role: 'chosen', policy: [-1, -2], reference: [-2, -2] },
      { role: 'rejected', policy: [-3], reference: [-1] },
    ],
  };
  const evaluate = (group: GroupData, options = {}) => {
    return evaluateLoss(chooseLoss(dpoLoss, options), raggedBatch([group]))[0]!;
  };

  it('is −log σ(β·(ℓ_w − ℓ_l)) in a case worked by hand', () => {
    expect(evaluate(pair).items[0]).toBeCloseTo(Math.log1p(Math.exp(-0.3)), 6);
  });

  it('sees the mirrored margin when the answers change roles', () => {
    const [chosen, rejected] = pair.answers;
    const swapped = {
      ...pair,
      answers: [
        { ...rejected!, role: 'chosen' },
        { ...chosen!, role: 'rejected' },
      ] as const,
    };
    expect(evaluate(swapped).items[0]).toBeCloseTo(Math.log1p(Math.exp(0.3)), 6);
    expect(evaluate(swapped).metrics['rewards/margins']!.sum).toBeCloseTo(-0.3, 6);
  });

  it("reports TRL's metrics", () => {
    const { metrics } = evaluate(pair);
    const means = Object.fromEntries(Object.entries(metrics).map(([name, { sum, count }]) => [name, sum / count]));
    expect(means['rewards/chosen']).toBeCloseTo(0.1, 6);
    expect(means['rewards/rejected']).toBeCloseTo(-0.2, 6);
    expect(means['rewards/accuracies']).toBe(1);
    expect(means['rewards/margins']).toBeCloseTo(0.3, 6);
    expect(means['logps/chosen']).toBe(-3);
    expect(means['logps/rejected']).toBe(-3);
  });

  it('asks for a reference always, for log Σp² with WPO, for whole batches where it sorts', () => {
    const needs = (options: object) => dpoLoss.needs(dpoOptions.parse(options));
    expect(needs({})).toMatchObject({ rows: 'pair', reference: 'required', stats: ['logProb'], coupling: 'item' });
    expect(needs({ wpo: true }).stats).toContain('logSumSquaredProbabilities');
    expect(needs({ variant: 'aot_unpaired' }).coupling).toBe('batch');
  });

  it('refuses rows of different weight where it sorts', () => {
    const batch = raggedBatch([pair, { ...pair, weight: 2 }]);
    const chosen = chooseLoss(dpoLoss, { variant: 'aot' });
    expect(() => evaluateLoss(chosen, batch)).toThrow('LLMF_LOSS_DPO_SORTED_WEIGHTS');
  });
});

describe('the options of dpo', () => {
  const refusal = (options: object) =>
    dpoOptions.safeParse(options).error?.issues.map((i) => `${i.path.join('.')} ${i.message}`);

  const difference = 'sigmoid, hinge, ipo, robust, exo_pair, discopop, sigmoid_norm';
  const notOf = (variant: string) =>
    `divergence must be reverse_kl with variant ${variant}, where log Z(x) does not cancel; any suits ${difference}`;

  it.each([
    [
      { variant: 'hinge', labelSmoothing: 0.1 },
      'labelSmoothing must be 0 with variant hinge; only sigmoid, robust, exo_pair, aot, aot_unpaired read it',
    ],
    [
      { variant: 'exo_pair' },
      'labelSmoothing must be above 0 with variant exo_pair, whose target is log ε; its paper uses 0.001',
    ],
    [{ variant: 'aot', divergence: 'js' }, notOf('aot')],
    [{ variant: 'apo_zero', divergence: 'forward_kl' }, notOf('apo_zero')],
    [
      { alphaCoefficient: 0.5 },
      'alphaCoefficient must be left out with divergence reverse_kl; it is the α of divergence: alpha',
    ],
    [{ variant: 'aot', wpo: true }, 'wpo must be false with variant aot, whose sorted items belong to no pair'],
    [{ discopopTau: 0.05 }, 'discopopTau must be left out with variant sigmoid; it is the temperature of discopop'],
  ])('%j: says what to do', (options, message) => expect(refusal(options)).toEqual([message]));

  it.each([
    { beta: 0 },
    { beta: -0.1 },
    { labelSmoothing: 0.5 },
    { labelSmoothing: -0.1 },
    { ldAlpha: 1.5 },
    { variant: 'kto_pair' },
    { betta: 1 },
  ])('refuses %j', (options) => expect(dpoOptions.safeParse(options).success).toBe(false));

  it("have TRL's defaults", () => {
    expect(dpoOptions.parse({})).toMatchObject({
      variant: 'sigmoid',
      beta: 0.1,
      labelSmoothing: 0,
      ldAlpha: null,
      wpo: false,
    });
  });
});

describe('the plugin', () => {
  it('brings exactly one loss', () => {
    const provided: unknown[] = [];
    lossDpo().apply({ provide: (_token: symbol, value: unknown) => provided.push(value) } as never);
    expect(provided).toEqual([dpoLoss]);
  });
});
