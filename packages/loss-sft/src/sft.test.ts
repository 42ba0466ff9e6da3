// SPDX-License-Identifier: Apache-2.0
import { chooseLoss, describeLoss, describeLossOracle, evaluateLoss, raggedBatch } from '@llmf/testkit';
import { describe, expect, it } from 'vitest';
import lossSft, { sftLoss, sftOptions } from './index.js';

describeLoss(sftLoss, [
  {},
  {
    options: { variant: 'dft' },
    except: { finiteDifferences: 'the probability is a constant, so differences see more' },
  },
]);

describeLossOracle(sftLoss, new URL('../fixtures/sft.json', import.meta.url), 6);

describe('sft', () => {
  const evaluate = (variant: string) => {
    const answers = [
      { role: 'chosen', policy: [-1, -2], reference: [] },
      { role: 'rejected', policy: [-4], reference: [] },
    ] as const;
    return evaluateLoss(chooseLoss(sftLoss, { variant }), raggedBatch([{ prompt: [-9], answers }]))[0]!;
  };

  it('imitates the chosen answer of a pair, and neither the rejected one nor the prompt', () => {
    expect(evaluate('nll')).toMatchObject({ unit: 'token', items: Float32Array.of(1, 2) });
  });

  it('weights each token by its probability with dft, and still reports the plain likelihood', () => {
    const { items, metrics } = evaluate('dft');
    expect(items[0]).toBeCloseTo(Math.exp(-1), 6);
    expect(items[1]).toBeCloseTo(2 * Math.exp(-2), 6);
    expect(metrics['nll_loss']).toEqual({ sum: 3, count: 2 });
  });

  it('refuses an unknown variant', () => expect(sftOptions.safeParse({ variant: 'asft' }).success).toBe(false));
});

describe('the plugin', () => {
  it('brings exactly one loss', () => {
    const provided: unknown[] = [];
    lossSft().apply({ provide: (_token: symbol, value: unknown) => provided.push(value) } as never);
    expect(provided).toEqual([sftLoss]);
  });
});
