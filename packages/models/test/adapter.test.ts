// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensors } from '@llmf/core';
import { savedLora, tf } from '@llmf/nn';
import { afterAll, describe, expect, it } from 'vitest';
import {
  Expected,
  fixture,
  fixtureNames,
  largestDifference,
  loader,
  loadFixture,
  logits,
  lossAndGradients,
  packed,
  relativeError,
  scratchFolder,
} from './fixture.js';

const scratch = scratchFolder();
afterAll(() => scratch.remove());

const adapted = fixtureNames.filter((name) => existsSync(fixture(name, 'adapter')));

it('every second family has one', () => expect(adapted.length).toBeGreaterThanOrEqual(6));

/** gpt2's is over Conv1D in PEFT. */
describe.each(adapted)('an adapter that PEFT wrote for %s', (name) => {
  it('gives the logits of PEFT within 1e-4', async () => {
    const expected = await Expected.read(name);
    const model = await loadFixture(fixture(name));
    const adapter = await savedLora(model, fixture(name, 'adapter'), '--adapter');
    expect(adapter.isIdentity).toBe(false);
    const row = packed([expected.sequences[0]!]);
    const got = await logits(model, row, { adapter });
    expect(largestDifference(got, expected.values('adapter.logits.0'))).toBeLessThan(1e-4);
    expect(largestDifference(got, await logits(model, row))).toBeGreaterThan(0.1); // it does something
    adapter.dispose();
    model.dispose();
  });

  it('gives the gradients of PEFT within 1e-3, recomputed or not', async () => {
    const expected = await Expected.read(name);
    const model = await loadFixture(fixture(name));
    const adapter = await savedLora(model, fixture(name, 'adapter'), '--adapter');
    for (const gradientCheckpointing of [false, true]) {
      const more = { adapter, gradientCheckpointing };
      const { gradients } = await lossAndGradients(model, adapter.variables, expected.sequences, more);
      const keys = expected.keys('adapter.grad.');
      expect(keys).toHaveLength(2 * model.linears.size);
      expect([...gradients.keys()].sort()).toEqual(keys.sort());
      for (const key of keys) {
        expect(relativeError(gradients.get(key)!, expected.values(`adapter.grad.${key}`)), key).toBeLessThan(1e-3);
      }
    }
    adapter.dispose();
    model.dispose();
  });

  it('is saved as it was, beside what the folder holds, with the tokenizer', async () => {
    const model = await loadFixture(fixture(name));
    const adapter = await savedLora(model, fixture(name, 'adapter'), '--adapter');
    const folder = join(scratch.path, name);
    const before = tf.memory().numTensors;
    await loader.saveAdapter(adapter, folder, { source: fixture(name) });
    expect(tf.memory().numTensors).toBe(before);
    const [source, saved] = [fixture(name, 'adapter'), folder].map((one) => join(one, 'adapter_model.safetensors'));
    expect(await readSafetensors(saved!)).toEqual(await readSafetensors(source!));
    const config = JSON.parse(readFileSync(join(folder, 'adapter_config.json'), 'utf8'));
    expect(config).toMatchObject({
      peft_type: 'LORA',
      task_type: model.isEncoder === true ? null : 'CAUSAL_LM',
      r: 3,
      lora_alpha: 6,
      fan_in_fan_out: name === 'gpt2',
      base_model_name_or_path: fixture(name),
    });
    writeFileSync(join(folder, 'metrics.jsonl'), '');
    await loader.saveAdapter(adapter, folder, { source: fixture(name) });
    expect(readFileSync(join(folder, 'metrics.jsonl'), 'utf8')).toBe('');
    const again = await savedLora(model, folder, '--adapter');
    const row = packed([Int32Array.of(5, 6, 7)]);
    expect(largestDifference(await logits(model, row, { adapter: again }), await logits(model, row, { adapter }))).toBe(
      0,
    );
    for (const one of [again, adapter, model]) one.dispose();
  });
});
