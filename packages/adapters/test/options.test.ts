// SPDX-License-Identifier: Apache-2.0
import { dora, ia3, prefixTuning, promptTuning } from '@llmf/adapters';
import { uniforms } from '@llmf/core';
import { cpuBackend } from '@llmf/backend-cpu';
import {
  jsBackend,
  tf,
  valueAndGradients,
  type ForwardContext,
  type LinearLayer,
  type Model,
  type Scalar,
  type Tensor2D,
} from '@llmf/nn';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { attached, contextOf, key, loadTiny } from './tiny.js';

let model: Model;
beforeAll(async () => {
  await jsBackend.start({}, 'f32');
  model = await loadTiny('llama');
});
afterAll(() => model.dispose());

const host = (tensor: tf.Tensor) => [...tensor.dataSync()];
describe('prompt tuning begins', () => {
  it('with the embeddings of a text, over and over until there are enough', async () => {
    const ids = Int32Array.of(5, 9, 70);
    const adapter = await attached(promptTuning, model, { tokens: 7, init: { text: 'abc' } }, async () => ids);
    const expected = tf.tidy(() => host(model.embed(Int32Array.of(5, 9, 70, 5, 9, 70, 5))));
    expect(host(adapter.variables.get('prompt_embeddings')!)).toEqual(expected);
    adapter.dispose();
  });

  it('with the first of a longer one', async () => {
    const adapter = await attached(promptTuning, model, { tokens: 2, init: { text: 'abc' } }, async () =>
      Int32Array.of(5, 9, 70),
    );
    expect(host(adapter.variables.get('prompt_embeddings')!)).toEqual(
      tf.tidy(() => host(model.embed(Int32Array.of(5, 9)))),
    );
    adapter.dispose();
  });

  it('with rows of the table where they are drawn from the vocabulary', async () => {
    const adapter = await attached(promptTuning, model, { tokens: 3, init: 'vocabulary' });
    const table = tf.tidy(() =>
      model.embed(Int32Array.from({ length: model.vocabularySize }, (_, id) => id)).arraySync(),
    );
    const rows = tf.tidy(() => (adapter.variables.get('prompt_embeddings') as unknown as Tensor2D).arraySync());
    for (const row of rows) expect(table).toContainEqual(row);
    adapter.dispose();
  });

  it('with no text where there is no tokenizer, or no token in it', async () => {
    const options = { init: { text: '' } };
    await expect(attached(promptTuning, model, options)).rejects.toThrow(/LLMF_ADAPTERS_NO_TOKENIZER/);
    await expect(attached(promptTuning, model, options, async () => null)).rejects.toThrow(
      /LLMF_ADAPTERS_NO_TOKENIZER/,
    );
    await expect(attached(promptTuning, model, options, async () => new Int32Array(0))).rejects.toThrow(
      /LLMF_ADAPTERS_EMPTY_TEXT[^]*got: ""/,
    );
  });
});

describe('ia3', () => {
  it('takes keys, values and the last layer of each MLP by itself', async () => {
    const adapter = await attached(ia3, model, {});
    expect(adapter.peftConfig).toMatchObject({
      target_modules: ['k_proj', 'v_proj', 'down_proj'],
      feedforward_modules: ['down_proj'],
    });
    adapter.dispose();
  });

  it('asks for names where it does not know those of the model, and refuses a layer on both sides', async () => {
    const layer = { path: 'a.strange', inputs: 2, outputs: 2 } as LinearLayer;
    const strange = { ...model, linears: new Map([[layer.path, layer]]) } as unknown as Model;
    await expect(attached(ia3, strange, {})).rejects.toThrow(/LLMF_ADAPTERS_NO_TARGETS[^]*names among strange/);
    await expect(attached(ia3, model, { targets: ['v_proj', 'down_proj'] })).rejects.toThrow(
      /LLMF_ADAPTERS_BOTH_TARGETS[^]*layers\.0\.mlp\.down_proj in both/,
    );
  });
});

it('prefix tuning refuses a model that does not tell its sizes', async () => {
  const strange = { ...model, modelType: 'strange', config: { num_hidden_layers: 2 } } as unknown as Model;
  await expect(attached(prefixTuning, strange, {})).rejects.toThrow(
    /LLMF_ADAPTERS_SIZES[^]*strange model[^]*num_attention_heads or n_head or num_heads/,
  );
});

describe('dora', () => {
  it('with dropout gives base(x) + (f − 1)·base(x′) + f·s·x′ Aᵀ Bᵀ while training, and drops nothing afterwards', async () => {
    const adapter = await attached(dora, model, { rank: 2, dropout: 0.4, targets: ['o_proj'] });
    const [path, layer] = [...model.linears].find(([name]) => name.endsWith('o_proj'))!;
    const variable = (part: string) => adapter.variables.get(`base_model.model.${path}.${part}`)!;
    tf.tidy(() => variable('lora_B.weight').assign(tf.fill(variable('lora_B.weight').shape, 0.1)));
    tf.tidy(() => variable('lora_magnitude_vector').assign(tf.mul(variable('lora_magnitude_vector'), 1.5)));
    const rows = 3;
    const x = tf.tensor2d(uniforms(key, 'x', rows * layer.inputs), [rows, layer.inputs]);
    const mask = uniforms(key, path, rows * layer.inputs).map((draw) => (draw < 0.4 ? 0 : 1 / 0.6));
    for (const training of [true, false]) {
      const got = tf.tidy(() =>
        host(
          (layer as unknown as { forward(x: Tensor2D, context: ForwardContext): Tensor2D }).forward(
            x,
            contextOf(adapter, rows, training),
          ),
        ),
      );
      const expected = tf.tidy(() => {
        const input = training ? tf.mul(x, tf.tensor2d(mask, [rows, layer.inputs])) : x;
        const update = tf.mul(tf.matMul(variable('lora_B.weight') as never, variable('lora_A.weight') as never), 2);
        const length = tf.sqrt(tf.sum(tf.square(tf.add(layer.weight, update)), 1));
        const factor = tf.div(variable('lora_magnitude_vector'), length);
        const base = (given: tf.Tensor) => tf.matMul(given as never, layer.weight, false, true);
        const lowRank = tf.matMul(input as never, update as never, false, true);
        const more = tf.add(tf.mul(tf.sub(factor, 1), base(input)), tf.mul(factor, lowRank));
        return host(tf.add(base(x), more));
      });
      for (const [at, value] of expected.entries()) expect(Math.abs(got[at]! - value)).toBeLessThan(1e-5);
    }
    x.dispose();
    adapter.dispose();
  });
});

describe('on the native backend, with a base in bf16', () => {
  let reason: string | null;
  beforeAll(async () => {
    reason = await cpuBackend.unavailable();
    if (reason === null) await cpuBackend.start({}, 'bf16'); // compiles it where it is not
  }, 180_000);
  beforeEach((test) => {
    if (reason !== null) test.skip(reason);
  });
  afterAll(() => jsBackend.start({}, 'f32'));

  it.each([
    ['dora', dora, { rank: 2 }],
    ['ia3', ia3, {}],
    ['prefix-tuning', prefixTuning, { tokens: 2, projection: true }],
    ['prompt-tuning', promptTuning, { tokens: 2 }],
  ] as const)('%s trains without expanding a weight', async (_name, kind, options) => {
    const packed = await loadTiny('llama', 'bf16');
    const adapter = await attached(kind, packed, options);
    const reached = new Set<number>();
    const ids = Int32Array.of(4, 8, 15);
    const { loss } = valueAndGradients(
      () => {
        const hidden = packed.forward(packed.embed(ids), contextOf(adapter, 3, true));
        return { loss: tf.sum(tf.square(hidden)) as Scalar };
      },
      adapter.variables.values(),
      (variable, gradient) => {
        reached.add(variable.id);
        gradient.dispose();
      },
    );
    expect(reached.size).toBe(adapter.variables.size);
    loss.dispose();
    adapter.dispose();
    packed.dispose();
  });
});
