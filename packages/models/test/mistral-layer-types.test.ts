// SPDX-License-Identifier: Apache-2.0
/** A mistral config with `layer_types` (Ministral 8B) has its window in some layers only; AutoConfig reads it so. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { fixture, largestDifference, loadFixture, logits, packed, scratchFolder } from './fixture.js';

const scratch = scratchFolder();
afterAll(() => scratch.remove());

/** Logits of the tiny Mistral (window 5, two layers) with some keys of its config changed. */
async function logitsWith(name: string, changes: Record<string, unknown>): Promise<Float32Array> {
  const folder = join(scratch.path, name);
  cpSync(fixture('mistral'), folder, { recursive: true });
  const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, ...changes }));
  const model = await loadFixture(folder);
  const values = await logits(model, packed([Int32Array.from({ length: 13 }, (_, index) => (7 * index) % 97)]));
  model.dispose();
  return values;
}
const types = (...of: ('sliding' | 'full')[]) => ({ layer_types: of.map((type) => `${type}_attention`) });

it('follows layer_types; without it every layer has the window', async () => {
  const everywhere = await logitsWith('plain', {});
  const nowhere = await logitsWith('none', { sliding_window: null });
  expect(largestDifference(await logitsWith('both', types('sliding', 'sliding')), everywhere)).toBe(0);
  expect(largestDifference(await logitsWith('neither', types('full', 'full')), nowhere)).toBe(0);
  const one = [await logitsWith('first', types('sliding', 'full')), await logitsWith('last', types('full', 'sliding'))];
  for (const other of [everywhere, nowhere]) {
    for (const some of one) expect(largestDifference(some, other)).toBeGreaterThan(1e-3);
  }
  expect(largestDifference(one[0]!, one[1]!)).toBeGreaterThan(1e-3);
});
