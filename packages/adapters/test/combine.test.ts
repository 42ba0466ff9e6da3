// SPDX-License-Identifier: Apache-2.0
/** Against PEFT's add_weighted_adapter (oracles/adapters/combined.py). */
import { fileURLToPath } from 'node:url';
import { readSafetensors, toFloat32, type HostTensor } from '@llmf/core';
import { combineLora, type Combination } from '@llmf/adapters';
import { jsBackend, savedLora, tf, type LoraAdapter, type Model } from '@llmf/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { intsOf, largest, loadTiny, logits } from './tiny.js';

const folderOf = (name: string) => fileURLToPath(new URL(`../combined-fixtures/${name}`, import.meta.url));
const cases = [
  ['cat', 'cat', undefined],
  ['linear', 'linear', undefined],
  ['svd', 'svd', undefined],
  ['svd-1', 'svd', 1],
] as const satisfies readonly (readonly [string, Combination, number | undefined])[];

let model: Model;
let one: LoraAdapter;
let two: LoraAdapter;
let expected: Readonly<Record<string, HostTensor>>;
beforeAll(async () => {
  await jsBackend.start({}, 'f32');
  model = await loadTiny('llama');
  one = await savedLora(model, folderOf('one'), '--adapter');
  two = await savedLora(model, folderOf('two'), '--adapter');
  expected = await readSafetensors(folderOf('expected.safetensors'));
});
afterAll(() => {
  one.dispose();
  two.dispose();
  model.dispose();
});
const weighted = () => [
  { name: 'one', adapter: one, weight: 0.7 },
  { name: 'two', adapter: two, weight: -0.4 },
];

describe.each(cases)('%s', (name, combination, rank) => {
  it('gives the logits of PEFT’s weighted adapter within 1e-4', async () => {
    const ids = intsOf(expected['ids']!);
    const both = await combineLora(model, weighted(), combination, rank);
    const got = logits(model, both, ids);
    expect(largest(got, toFloat32(expected[`logits.${name}`]!))).toBeLessThan(1e-4);
    expect(largest(got, toFloat32(expected['logits.base']!))).toBeGreaterThan(1e-2);
    both.dispose();
  });
});

describe('a combination', () => {
  it('of one adapter with weight 1 is that adapter, each way', async () => {
    const ids = intsOf(expected['ids']!);
    const alone = logits(model, one, ids);
    for (const combination of ['cat', 'linear', 'svd'] as const) {
      const made = await combineLora(model, [{ name: 'one', adapter: one, weight: 1 }], combination);
      expect(largest(logits(model, made, ids), alone), combination).toBeLessThan(1e-5);
      made.dispose();
    }
  });

  it('by cat has the sum of the ranks where both change a layer, and says so in PEFT’s patterns', async () => {
    const both = await combineLora(model, weighted(), 'cat');
    expect(both.peftConfig['r']).toBe(4);
    const patterns = Object.entries(both.peftConfig['rank_pattern'] as Record<string, number>);
    expect(patterns.length).toBeGreaterThan(0);
    expect(new Set(patterns.map(([, rank]) => rank))).toEqual(new Set([2]));
    both.dispose();
  });

  it('leaves no tensor behind', async () => {
    const before = tf.memory().numTensors;
    (await combineLora(model, weighted(), 'svd')).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
