// SPDX-License-Identifier: Apache-2.0
import { chooseLoss, describeLoss, describeLossOracle, evaluateLoss, raggedBatch, type GroupData } from '@llmf/testkit';
import { describe, expect, it } from 'vitest';
import lossOrpo, { orpoLoss, orpoOptions } from './index.js';

describeLoss(orpoLoss, [
  {},
  { options: { beta: 0.5, likelihood: { span: 'response' } } },
  { options: { likelihood: { reduction: 'answer' } } },
  { options: { likelihood: { span: 'response', reduction: 'answer', weight: 0.5 } } },
  { options: { likelihood: { weight: 0 } } },
]);

describeLossOracle(orpoLoss, new URL('../fixtures/orpo.json', import.meta.url), 21);

describe('orpo', () => {
  // p̄_w = 1/2 has odds 1, p̄_l = 1/4 has odds 1/3: odds ratio 3, −log σ(log 3) = log(4/3).
  const pair: GroupData = {
    prompt: [Math.log(1 / 8)],
    answers: [
      { role: 'chosen', policy: [Math.log(1 / 2), Math.log(1 / 2)], reference: [] },
      { role: 'rejected', policy: [Math.log(1 / 4)], reference: [] },
    ],
  };
  const evaluate = (options = {}) => {
    return evaluateLoss(chooseLoss(orpoLoss, options), raggedBatch([pair]));
  };

  it('is β·log(4/3) beside the likelihood in a case worked by hand', () => {
    const [odds, likelihood] = evaluate();
    expect(odds!.items[0]).toBeCloseTo(0.1 * Math.log(4 / 3), 6);
    expect([...likelihood!.items]).toEqual([Math.log(2), Math.log(2), Math.log(8)].map(Math.fround));
    expect(likelihood!.unit).toBe('token');
  });

  it("reports TRL's metrics", () => {
    const [odds, likelihood] = evaluate();
    expect(odds!.metrics['log_odds_chosen']!.sum).toBeCloseTo(Math.log(3), 6);
    expect(odds!.metrics['log_odds_ratio']!.sum).toBeCloseTo(Math.log(3 / 4), 6);
    expect(odds!.metrics['rewards/chosen']!.sum).toBeCloseTo(0.1 * Math.log(1 / 2), 6);
    expect(likelihood!.metrics['nll_loss']!.count).toBe(3);
  });

  it('asks for prompts only where the likelihood covers them', () => {
    const span = (options: object) => orpoLoss.needs(orpoOptions.parse(options)).span;
    expect(span({})).toBe('all');
    expect(span({ likelihood: { span: 'response' } })).toBe('response');
    expect(span({ likelihood: { weight: 0 } })).toBe('response');
  });

  it.each([{ beta: -1 }, { likelihood: { span: 'prompt' } }, { likelihood: { wait: 1 } }])('refuses %j', (options) =>
    expect(orpoOptions.safeParse(options).success).toBe(false),
  );
});

describe('the plugin', () => {
  it('brings exactly one loss', () => {
    const provided: unknown[] = [];
    lossOrpo().apply({ provide: (_token: symbol, value: unknown) => provided.push(value) } as never);
    expect(provided).toEqual([orpoLoss]);
  });
});
