// SPDX-License-Identifier: Apache-2.0
// Every recipe to its end: the figures of recipes/README.md.
import { describe, expect, it } from 'vitest';
import { recipes, statedFigures, trainRecipe } from '../support/recipes.js';

describe('recipes/', () => {
  it.each(recipes)('%s ends with the figures of the README', { timeout: 300_000 }, async (recipe) => {
    const rows = await trainRecipe(recipe);
    const figures = statedFigures().filter((figure) => figure.recipe === recipe);
    expect(figures.length).toBeGreaterThan(0);
    for (const { metric, before, after } of figures) {
      expect(Math.abs(rows[0]![metric]! - before), `${metric} before`).toBeLessThan(1e-3);
      // Rounding in another order grows over the steps: 2 % of the value, and two pairs of 200.
      expect(Math.abs(rows.at(-1)![metric]! - after), `${metric} after`).toBeLessThan(0.02 * Math.abs(after) + 0.01);
    }
  });
});
