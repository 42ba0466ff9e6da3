// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { BestMetric } from './best-metric.js';

const noted = (values: readonly number[], choice: Partial<ConstructorParameters<typeof BestMetric>[1]> = {}) => {
  const best = new BestMetric('keepBest', { metric: 'eval_loss', mode: 'auto', ...choice });
  const metric = choice.metric ?? 'eval_loss';
  const isBest = values.map((value, at) => best.note(at + 1, { [metric]: value, other: 1 }));
  return { best, isBest };
};

describe('the best of a metric', () => {
  it('is the least loss and the highest accuracy, unless the config says otherwise', () => {
    expect(noted([3, 2, 2.5, 1]).isBest).toEqual([true, true, false, true]);
    expect(noted([0.5, 0.4, 0.6], { metric: 'eval_rewards/accuracies' }).isBest).toEqual([true, false, true]);
    expect(noted([3, 4], { mode: 'max' }).isBest).toEqual([true, true]);
  });

  it('needs a gain above minDelta, and counts what is no better', () => {
    const { best, isBest } = noted([3, 2.95, 2.8, 2.85, 2.9], { minDelta: 0.1 });
    expect(isBest).toEqual([true, false, true, false, false]);
    expect([best.step, best.value, best.worse]).toEqual([3, 2.8, 2]);
    expect(best.text).toBe('eval_loss 2.8 at step 3');
  });

  it('is never a value that is no number', () => {
    expect(noted([Number.NaN, 3, Number.NaN]).isBest).toEqual([false, true, false]);
  });

  it('goes on from its saved state', () => {
    const { best } = noted([3, 2, 5]);
    const again = new BestMetric('keepBest', { metric: 'eval_loss', mode: 'auto' });
    again.load(JSON.parse(JSON.stringify(best.save())));
    expect([again.step, again.value, again.worse]).toEqual([2, 2, 1]);
  });

  it('that no evaluation gives is an error with those that are there', () => {
    const best = new BestMetric('earlyStopping', { metric: 'eval_los', mode: 'auto' });
    expect(() => best.note(1, { eval_loss: 1 })).toThrow(
      /LLMF_CORE_METRIC_ABSENT[^]*train\.earlyStopping[^]*one of eval_loss/,
    );
  });
});
