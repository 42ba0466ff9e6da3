// SPDX-License-Identifier: Apache-2.0
/** The router's loss of mixtures of experts: oracles/models/router_loss.py. */
import { tf, valueAndGradients, type ForwardContext, type Model } from '@llmf/nn';
import { describe, expect, it } from 'vitest';
import {
  configOf,
  contextOf,
  Expected,
  find,
  fixture,
  loadFixture,
  packed,
  relativeError,
  variablesOf,
} from './fixture.js';

/** The fixture's weights in a model whose config asks for the loss. */
async function modelWithLoss(name: string, coefficient: number): Promise<Model> {
  const plain = await loadFixture(fixture(name), true);
  const config = { ...configOf(name), output_router_logits: true, router_aux_loss_coef: coefficient };
  return find(plain.modelType).build(config, { take: (key) => plain.parameters.get(key)! });
}

/** What the model gives to the objective, and its gradients by name. */
async function auxiliaryOf(model: Model, sequences: readonly Int32Array[], more: Partial<ForwardContext> = {}) {
  const row = packed(sequences);
  const variables = variablesOf(model);
  const names = new Map([...variables].map(([key, variable]) => [variable.id, key]));
  const gradients = new Map<string, Float32Array>();
  const found: string[] = [];
  const { loss } = valueAndGradients(
    () => {
      const sums: tf.Scalar[] = [];
      const auxiliary = (name: string, sum: tf.Scalar) => {
        found.push(name);
        sums.push(sum);
      };
      model.forward(model.embed(row.ids), contextOf(row, { training: true, auxiliary, ...more }));
      return { loss: tf.addN(sums) as tf.Scalar };
    },
    variables.values(),
    (variable, gradient) => {
      gradients.set(names.get(variable.id)!, (gradient.dataSync() as Float32Array).slice());
      gradient.dispose();
    },
  );
  const value = (loss.dataSync() as Float32Array)[0]!;
  loss.dispose();
  return { value, gradients, found, tokens: row.ids.length };
}

describe.each(['mixtral', 'qwen2-moe', 'qwen3-moe'])('the router’s loss of %s', (name) => {
  it('has the value and the gradients of Transformers, averaged over tokens, also where blocks are recomputed', async () => {
    const [router, sequences] = [
      await Expected.read(name, 'router.safetensors'),
      (await Expected.read(name)).sequences,
    ];
    const model = await modelWithLoss(name, 0.25);
    const before = tf.memory().numTensors;
    for (const gradientCheckpointing of [false, true]) {
      const { value, gradients, found, tokens } = await auxiliaryOf(model, sequences, { gradientCheckpointing });
      expect(found).toEqual(['aux_loss']);
      const expected = router.values('loss')[0]!;
      expect(Math.abs(value / (0.25 * tokens) - expected)).toBeLessThan(1e-5 * expected);
      const keys = router.keys('grad.');
      expect(keys.length).toBeGreaterThan(10);
      expect(keys.filter((key) => !gradients.has(key))).toEqual([]);
      for (const key of keys) {
        const own = gradients.get(key)!.map((each) => each / (0.25 * tokens));
        expect(relativeError(own, router.values(`grad.${key}`)), key).toBeLessThan(1e-3);
      }
    }
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  });

  it('is computed only where the config asks for it and somebody takes it', async () => {
    const sequences = (await Expected.read(name)).sequences;
    const plain = await loadFixture(fixture(name));
    const row = packed(sequences);
    const found: string[] = [];
    const take = (given: string, sum: tf.Scalar) => void (found.push(given), sum.dispose());
    plain.forward(plain.embed(row.ids), contextOf(row, { auxiliary: take })).dispose();
    expect(found).toEqual([]);
    plain.dispose();
  });
});
