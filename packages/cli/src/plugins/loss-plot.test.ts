// SPDX-License-Identifier: Apache-2.0
import type { MetricsRow } from '@llmf/core';
import { describe, expect, it } from 'vitest';
import { lossFigure } from './loss-plot.js';

const row = (step: number, rest: Partial<MetricsRow> = {}): MetricsRow =>
  ({ step, epoch: 0, loss: 0.7 * Math.exp(-step / 50) + 0.05 * Math.sin(step * 7), ...rest }) as MetricsRow;

const count = (svg: string, part: string) => svg.split(part).length - 1;
/** Numbers that are drawn: no NaN, no Infinity, nothing outside the picture. */
function expectDrawable(svg: string) {
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  expect(svg.match(/^<svg /)).not.toBeNull();
  expect(count(svg, '<text')).toBe(count(svg, '</text>'));
  for (const [, size] of svg.matchAll(/font-size="(\d+)"/g)) expect(Number(size)).toBeGreaterThanOrEqual(14);
}

describe('loss.svg', () => {
  it('has a title, named axes, ticks, and raw, smoothed and held-out curves', () => {
    const rows = Array.from({ length: 100 }, (_, index) => row(index + 1));
    rows.splice(50, 0, { step: 50, eval_loss: 0.4 }, { step: 100, eval_loss: 0.3 });
    const svg = lossFigure(rows, 'simpo');
    expectDrawable(svg);
    for (const label of [
      'simpo: loss',
      '>step<',
      '>loss<',
      'each step',
      'smoothed',
      'held-out',
      '>40<',
      '>100<',
      '>0.2<',
    ]) {
      expect(svg).toContain(label);
    }
    expect(count(svg, '<circle')).toBe(2);
  });

  it('has a second panel for reward accuracies from 0 to 1, in preference runs only', () => {
    const rows = Array.from({ length: 20 }, (_, index) => row(index + 1, { 'rewards/accuracies': index / 20 }));
    const svg = lossFigure(rows, 'dpo');
    expectDrawable(svg);
    expect(svg).toContain('viewBox="0 0 960 800"');
    expect(svg).toContain('reward accuracy');
    expect(lossFigure([row(1), row(2)], 'sft')).toContain('viewBox="0 0 960 400"');
  });

  it.each([
    ['one step', [row(1)]],
    ['a constant loss', [row(1, { loss: 0.5 }), row(2, { loss: 0.5 }), row(3, { loss: 0.5 })]],
    ['a loss of zero', [row(1, { loss: 0 }), row(2, { loss: 0 })]],
    ['no step at all', []],
    ['values that are not numbers', [row(1, { loss: null }), row(2)]],
  ])('is drawn for %s', (_, rows) => expectDrawable(lossFigure(rows, 'run')));

  it('draws one step as a dot', () => {
    expect(count(lossFigure([row(1)], 'run'), '<circle')).toBe(1);
  });

  it('stays small for long runs and keeps their spikes', () => {
    const rows = Array.from({ length: 20_000 }, (_, index) => row(index + 1, { loss: index === 12_345 ? 9 : 1 }));
    const svg = lossFigure(rows, 'long');
    expect(svg.length).toBeLessThan(100_000);
    expect(svg).toContain('>10<'); // the axis reaches past the spike of 9
  });

  it('escapes what is special in XML', () => {
    expect(lossFigure([row(1)], 'a<b & "c"')).toContain('a&lt;b &amp; &quot;c&quot;: loss');
  });
});
