// SPDX-License-Identifier: Apache-2.0
/** Adapters of a base whose vocabulary was resized, as PEFT saves them (oracles/adapters/make_fixtures.py). */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSafetensors, toFloat32, type HostTensor } from '@llmf/core';
import { jsBackend, lora, tf, type AttachedAdapter, type Model } from '@llmf/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { baseFolder, folderOf, intsOf, largest, loader, loadTiny, logits, norm, train } from './tiny.js';

let scratch: string;
beforeAll(async () => {
  await jsBackend.start({}, 'f32');
  scratch = mkdtempSync(join(tmpdir(), 'llmf-adapters-'));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe.each([
  ['resized', 'llama'],
  ['resized-kept', 'llama'],
  ['resized-gpt2', 'gpt2'],
])('%s', (name, base) => {
  let model: Model;
  let expected: Readonly<Record<string, HostTensor>>;
  let ids: Int32Array;
  let adapter: AttachedAdapter;
  beforeAll(async () => {
    model = await loadTiny(base);
    expected = await readSafetensors(folderOf(name, 'expected.safetensors'));
    ids = intsOf(expected['ids']!);
  });
  afterAll(() => model.dispose());
  const load = (folder = folderOf(name, 'saved')) => lora.load!(model, folder, '--adapter');

  it('brings its tables: the logits of PEFT over all rows, to 1e-5; three rows more than the base', async () => {
    adapter = await load();
    expect(Math.max(...ids)).toBeGreaterThanOrEqual(model.vocabularySize);
    expect(adapter.replaced!.model.vocabularySize).toBe(model.vocabularySize + 3);
    expect(adapter.replaced!.model.config['vocab_size']).toBe(model.vocabularySize + 3);
    expect(largest(logits(model, adapter, ids), toFloat32(expected['logits']!))).toBeLessThan(1e-5);
    adapter.dispose();
  });

  it("trains on as PEFT's for 20 steps: each loss to 1e-4 of it, the change of each weight to 1e-3", async () => {
    adapter = await load();
    const theirs = (key: string, when: string) => {
      const names = [
        key.replace(/\.weight$/, '.modules_to_save.default.weight'),
        key.replace(/\.weight$/, '.default.weight'),
      ];
      return toFloat32(names.map((each) => expected[`${when}.${each}`]).find((each) => each !== undefined)!);
    };
    const losses = train(model, adapter, ids, 20);
    for (const [step, loss] of toFloat32(expected['losses']!).entries())
      expect(Math.abs(losses[step]! - loss) / loss, `step ${step + 1}`).toBeLessThan(1e-4);
    for (const [key, variable] of adapter.variables) {
      const [before, after] = [theirs(key, 'trained'), theirs(key, 'after')];
      const error = norm(after.map((value, at) => value - variable.dataSync()[at]!));
      expect(error / norm(after.map((value, at) => value - before[at]!)), key).toBeLessThan(1e-3);
    }
    expect(Object.keys(expected).filter((key) => key.startsWith('after.'))).toHaveLength(adapter.variables.size);
    adapter.dispose();
  });

  it('is written and read again with the same logits, and leaves no tensor', async () => {
    const tensors = tf.memory().numTensors;
    adapter = await load();
    const folder = join(process.env['LLMF_SAVED_ADAPTERS'] ?? scratch, name, 'adapter');
    mkdirSync(folder, { recursive: true });
    await loader.saveAdapter(adapter, folder, { source: baseFolder(base) });
    const again = await load(folder);
    const rows = logits(model, adapter, ids);
    const vocabulary = rows.length / ids.length;
    const given = {
      base,
      vocabulary,
      ids: [...ids],
      logits: [...ids].map((_, at) => Array.from(rows.subarray(at * vocabulary, (at + 1) * vocabulary))),
    };
    writeFileSync(join(folder, '..', 'expected.json'), JSON.stringify(given));
    expect(largest(rows, logits(model, again, ids))).toBe(0);
    adapter.dispose();
    again.dispose();
    expect(tf.memory().numTensors).toBe(tensors);
  });
});
