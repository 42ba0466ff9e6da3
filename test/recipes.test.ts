// SPDX-License-Identifier: Apache-2.0
// Every recipe through the real command, for two steps; test/slow/recipes.slow.ts lets them finish.
import { describe, expect, it } from 'vitest';
import { pageNamed } from './support/docs.js';
import { recipes, statedFigures, trainRecipe } from './support/recipes.js';

const figures = statedFigures();
const metricsSeen = new Set<string>();

describe('recipes/', () => {
  it('holds five configs, each with figures in its README', () => {
    expect(recipes).toEqual(['dpo-lora.yaml', 'orpo-full.yaml', 'pretrain.yaml', 'sft-lora.yaml', 'simpo-lora.yaml']);
    expect([...new Set(figures.map(({ recipe }) => recipe))].toSorted()).toEqual(recipes);
    expect(figures.length).toBeGreaterThanOrEqual(12);
  });

  it.each(recipes)('%s starts with the figures of the README', { timeout: 120_000 }, async (recipe) => {
    const rows = await trainRecipe(recipe, 'train.maxSteps=2', 'train.logEvery=1', 'data.maxSamples=64');
    for (const row of rows) for (const metric of Object.keys(row)) metricsSeen.add(metric);
    expect(rows.map(({ step }) => step)).toEqual([0, 1, 2, 2]);
    if (recipe === 'pretrain.yaml') return; // its held-out rows are a share of those 64: see the slow test
    for (const { metric, before } of figures.filter((figure) => figure.recipe === recipe)) {
      // Half of the last digit shown, and a little for other vector instructions.
      expect(Math.abs(rows[0]![metric]! - before), `${metric} before`).toBeLessThan(1e-3);
    }
  });

  it('writes only metrics that docs/configuration.md explains', () => {
    const { text } = pageNamed('docs/configuration.md');
    const section = text.slice(text.indexOf('### Keys of `metrics.jsonl`'), text.indexOf('## Interrupting'));
    const explained = new Set([...section.matchAll(/`([\w/]+)`/g)].map(([, name]) => name));
    const unexplained = [...metricsSeen].filter(
      (name) => !explained.has(name.replace(/^eval_/, '')) && !explained.has(name),
    );
    expect(unexplained).toEqual([]);
    expect(metricsSeen.size).toBeGreaterThan(25);
  });
});
