// SPDX-License-Identifier: Apache-2.0
import { chooseLoss, describeLoss, evaluateLoss, raggedBatch, type GroupData } from '@llmf/testkit';
import { describe, expect, it } from 'vitest';
import lossMdpo, { mdpoLoss, mdpoOptions } from './index.js';

describeLoss(mdpoLoss, [
  {},
  { options: { beta: 0.5 } },
  { options: { conditionalWeight: 0 } },
  { options: { anchorWeight: 0 } },
  { options: { conditionalWeight: 0.3, anchorWeight: 2, anchor: -0.5 } },
]);

const softplus = (x: number) => Math.log1p(Math.exp(x));

describe('mdpo', () => {
  // β = 0.1: r_w = 0.1·((−1 − 2) − (−2 − 2)) = 0.1, r_l = 0.1·(−3 − (−1)) = −0.2, r_c = 0.1·((−4 − 3) − (−3 − 2)) = −0.2.
  const row: GroupData = {
    prompt: [],
    answers: [
      { role: 'chosen', policy: [-1, -2], reference: [-2, -2] },
      { role: 'rejected', policy: [-3], reference: [-1] },
      { role: 'contrast', policy: [-4, -3], reference: [-3, -2] },
    ],
  };
  const evaluate = (options = {}, rows = [row]) => {
    return evaluateLoss(chooseLoss(mdpoLoss, options), raggedBatch(rows))[0]!;
  };

  it('adds up its three terms in a case worked by hand', () => {
    // −log σ(x) = softplus(−x): margins 0.3 and 0.3, anchored reward 0.1.
    expect(evaluate().items[0]).toBeCloseTo(softplus(-0.3) + softplus(-0.3) + softplus(-0.1), 6);
    const weighted = { conditionalWeight: 0.5, anchorWeight: 2, anchor: 0.4 };
    expect(evaluate(weighted).items[0]).toBeCloseTo(softplus(-0.3) + 0.5 * softplus(-0.3) + 2 * softplus(0.3), 6);
  });

  it('is DPO without the other two terms', () => {
    expect(evaluate({ conditionalWeight: 0, anchorWeight: 0 }).items[0]).toBeCloseTo(softplus(-0.3), 6);
  });

  it('finds the contrast wherever it is packed', () => {
    const [chosen, rejected, contrast] = row.answers;
    const turned = { ...row, answers: [contrast!, rejected!, chosen!] };
    expect(evaluate({}, [turned, row]).items[0]).toBeCloseTo(evaluate().items[0]!, 6);
  });

  it("reports TRL's metrics and how often the right picture wins", () => {
    const { metrics } = evaluate();
    const means = Object.fromEntries(Object.entries(metrics).map(([name, { sum, count }]) => [name, sum / count]));
    expect(means['rewards/chosen']).toBeCloseTo(0.1, 6);
    expect(means['rewards/rejected']).toBeCloseTo(-0.2, 6);
    expect(means['rewards/contrast']).toBeCloseTo(-0.2, 6);
    expect(means['rewards/conditional_accuracies']).toBe(1);
  });

  it('says what is missing where rows have no other picture', () => {
    const blind = { ...row, answers: row.answers.slice(0, 2) };
    expect(() => evaluate({}, [row, blind])).toThrow(/LLMF_LOSS_MDPO_NO_CONTRAST[^]*group 1[^]*vision/);
  });

  it('asks for other media and a reference', () => {
    expect(mdpoLoss.needs(mdpoOptions.parse({}))).toMatchObject({ contrast: 'media', reference: 'required' });
  });

  it.each([{ beta: 0 }, { conditionalWeight: -1 }, { anchorWeight: -0.1 }, { delta: 1 }])('refuses %j', (options) =>
    expect(mdpoOptions.safeParse(options).success).toBe(false),
  );
});

describe('the plugin', () => {
  it('brings exactly one loss', () => {
    const provided: unknown[] = [];
    lossMdpo().apply({ provide: (_token: symbol, value: unknown) => provided.push(value) } as never);
    expect(provided).toEqual([mdpoLoss]);
  });
});
