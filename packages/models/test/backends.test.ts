// SPDX-License-Identifier: Apache-2.0
/** The fixtures on the faster backends that can start here; `architectures.test.ts` has the plain one. */
import { cpuBackend } from '@llmf/backend-cpu';
import { wasmBackend } from '@llmf/backend-wasm';
import { bf16, type WeightFormat } from '@llmf/nn';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createModelLoader } from '@llmf/models';
import {
  Expected,
  find,
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
  variablesOf,
} from './fixture.js';

describe.each([wasmBackend, cpuBackend])('on backend $name', (backend) => {
  let reason: string | null;
  beforeAll(async () => {
    reason = await backend.unavailable();
    if (reason === null) await backend.start({});
  }, 180_000); // the native one may have to be compiled
  beforeEach((test) => {
    if (reason !== null) test.skip(reason);
  });

  it.each(fixtureNames)('%s gives the logits of Transformers within 1e-4, the gradients within 1e-3', async (name) => {
    const expected = await Expected.read(name);
    const model = await loadFixture(fixture(name), true);
    for (const [index, ids] of expected.sequences.entries()) {
      const got = await logits(model, packed([ids]));
      expect(largestDifference(got, expected.values(`logits.${index}`))).toBeLessThan(1e-4);
    }
    const plain = await lossAndGradients(model, variablesOf(model), expected.sequences);
    const again = await lossAndGradients(model, variablesOf(model), expected.sequences, {
      gradientCheckpointing: true,
    });
    for (const [key, gradient] of plain.gradients) {
      expect(largestDifference(again.gradients.get(key)!, gradient), key).toBeLessThan(1e-6);
      expect(relativeError(gradient, expected.gradient(key)), key).toBeLessThan(1e-3);
    }
    model.dispose();
  });

  it('keeps logits within the rounding of bfloat16 weights and inputs', async () => {
    const expected = await Expected.read('qwen2');
    const reference = expected.values('logits.0');
    const scale = Math.max(...reference.map(Math.abs));
    const differenceOf = async (precision: 'f32' | 'bf16', format?: WeightFormat) => {
      await backend.start({}, precision);
      const model = await loadFixture(fixture('qwen2'), false, format);
      const difference = largestDifference(await logits(model, packed([expected.sequences[0]!])), reference);
      model.dispose();
      return difference / scale;
    };
    expect(await differenceOf('f32')).toBeLessThan(1e-5);
    const rounding = await differenceOf('f32', bf16);
    expect(rounding).toBeGreaterThan(1e-5);
    expect(rounding).toBeLessThan(0.05); // 2⁻⁹ per factor, summed over the products of 2 layers
  });

  it('gives the same logits with weights in mapped shards, also after they were saved over', async () => {
    const { mapFile } = await backend.start({});
    if (backend.name === 'cpu') expect(mapFile).toBeDefined();
    const scratch = scratchFolder();
    const row = packed([Int32Array.of(1, 2, 3, 4)]);
    const sharding = createModelLoader({ find, shardBytes: 20_000 });
    const options = { isTrainable: () => false, find, mapFile };
    const original = await loadFixture(fixture('qwen2'));
    for (const dtype of ['BF16', 'F32', 'F16'] as const) {
      const folder = join(scratch.path, dtype);
      await sharding.save(original, folder, { source: fixture('qwen2'), dtype });
      const model = await loader.load(folder, options);
      const expected = await logits(await loadFixture(folder), row);
      expect(largestDifference(await logits(model, row), expected)).toBe(0);
      await sharding.save(model, folder, { source: folder, dtype: 'auto' }); // each shard is written from the one it replaces
      expect(largestDifference(await logits(model, row), expected)).toBe(0);
      const again = await loader.load(folder, options);
      await loader.save(model, folder, { source: folder, dtype: 'auto' }); // one file; the shards are removed
      for (const other of [again, model, await loader.load(folder, options)]) {
        expect(largestDifference(await logits(other, row), expected)).toBe(0);
      }
    }
    scratch.remove();
  });
});
