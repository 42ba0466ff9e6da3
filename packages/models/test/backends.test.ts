// SPDX-License-Identifier: Apache-2.0
/** The fixtures on the faster backends that can start here; `architectures.test.ts` has the plain one. */
import { cpuBackend } from '@llmf/backend-cpu';
import { wasmBackend } from '@llmf/backend-wasm';
import type { WeightStorage } from '@llmf/nn';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  Expected,
  fixture,
  fixtureNames,
  largestDifference,
  loadFixture,
  logits,
  lossAndGradients,
  packed,
  relativeError,
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
    const differenceOf = async (precision: WeightStorage) => {
      const model = await loadFixture(fixture('qwen2'), false, precision);
      const difference = largestDifference(await logits(model, packed([expected.sequences[0]!])), reference);
      model.dispose();
      return difference / scale;
    };
    expect(await differenceOf('f32')).toBeLessThan(1e-5);
    expect(await differenceOf('bf16')).toBeLessThan(0.05); // 2⁻⁹ per factor, summed over the products of 2 layers
  });
});
