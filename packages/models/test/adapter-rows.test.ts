// SPDX-License-Identifier: Apache-2.0
import { normals } from '@llmf/core';
import {
  BatchedGenerator,
  freshLora,
  jsBackend,
  loraOptions,
  tf,
  valueAndGradients,
  type ActiveAdapter,
  type Completion,
  type GenerationRequest,
  type GenerationSettings,
  type KeyValueCache,
  type Model,
  type Tensor2D,
  type Tensor3D,
} from '@llmf/nn';
import { wasmBackend } from '@llmf/backend-wasm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contextOf, fixture, largestDifference, loadFixture, packed, type PackedRow } from './fixture.js';

const key = { seed: 4, stream: 'rows', step: 0, microbatch: 0 };
const before = Int32Array.of(11, 5, 60);
const first = Int32Array.of(7, 1, 1, 33, 80);
const second = Int32Array.of(64, 2);
const noLowRank = { lowRank: () => null };

/** Hidden states [T][C] of a row. */
function hidden(model: Model, row: PackedRow, adapter: ActiveAdapter | null, cache?: KeyValueCache): number[][] {
  return tf.tidy(() => {
    const more = { adapter, ...(cache === undefined ? {} : { cache }) };
    return model.forward(model.embed(row.ids), contextOf(row, more)).arraySync();
  });
}

/** Keys and values that a row's tokens have in each layer. */
function keysOf(model: Model, ids: Int32Array): Map<number, { keys: Tensor3D; values: Tensor3D }> {
  const found = new Map<number, { keys: Tensor3D; values: Tensor3D }>();
  const span = { queryStart: 0, queryLength: ids.length, keyStart: 0, keyLength: ids.length };
  const cache: KeyValueCache = {
    spans: [{ ...span, prefixStart: 0, prefixLength: 0 }],
    append(layer, keys, values) {
      found.set(layer, { keys: tf.keep(tf.clone(keys)), values: tf.keep(tf.clone(values)) });
      return { keys, values };
    },
  };
  hidden(model, packed([ids]), null, cache);
  return found;
}

const joined = (...parts: Int32Array[]) => Int32Array.from(parts.flatMap((ids) => [...ids]));

/** Two answers on one prompt, and the same in two rows. */
const shared = (prompt: Int32Array): PackedRow => {
  const answers = [prompt.length, prompt.length + first.length];
  return {
    ids: joined(prompt, first, second),
    segments: [
      { start: 0, length: prompt.length },
      { start: answers[0]!, length: first.length, prefix: 0 },
      { start: answers[1]!, length: second.length, prefix: 0 },
    ],
    positions: Int32Array.from([
      ...prompt.keys(),
      ...Array.from(first, (_, i) => prompt.length + i),
      ...Array.from(second, (_, i) => prompt.length + i),
    ]),
  };
};

async function completions(model: Model, requests: readonly GenerationRequest[], settings: GenerationSettings) {
  const found: Completion[] = [];
  for await (const completion of new BatchedGenerator(model).complete(requests, settings)) found.push(completion);
  return found.sort((a, b) => a.request - b.request || a.answer - b.answer);
}
const greedy: GenerationSettings = { maxNewTokens: 6, temperature: 0, logProbs: true };

describe.each([
  ['llama', jsBackend],
  ['gpt2', jsBackend],
  ['mistral', wasmBackend],
] as const)('what an adapter puts before a sequence of %s', (name, backend) => {
  let model: Model;
  let keys: ActiveAdapter;
  let tokens: ActiveAdapter;
  let lora: Awaited<ReturnType<typeof freshLora>>;
  beforeAll(async () => {
    await backend.start({}, 'f32');
    model = await loadFixture(fixture(name));
    const ofLayers = keysOf(model, before);
    keys = { ...noLowRank, keysBefore: { length: before.length, of: (layer) => ofLayers.get(layer)! } };
    const embeddings = () => model.embed(before);
    tokens = { ...noLowRank, virtualTokens: { length: before.length, embeddings } };
    lora = await freshLora(model, loraOptions.parse({ rank: 2 }), key);
    for (const [path, variable] of lora.variables) {
      if (path.includes('lora_B')) variable.assign(tf.tensor(normals(key, path, variable.size), variable.shape));
    }
  });
  afterAll(() => {
    lora.dispose();
    model.dispose();
  });

  it.each(['keys', 'tokens'] as const)('%s: gives what the same tokens in the row give', (kind) => {
    const adapter = { keys, tokens }[kind];
    const [inRow, other] = [joined(before, first), joined(before, second)];
    const whole = hidden(model, packed([inRow, other]), null);
    const expected = [...whole.slice(before.length, inRow.length), ...whole.slice(inRow.length + before.length)];
    expect(largestDifference(hidden(model, packed([first, second]), adapter).flat(), expected.flat())).toBeLessThan(
      2e-6,
    );
  });

  it.each(['keys', 'tokens'] as const)(
    '%s: answers on a shared prompt see them once, as in rows of their own',
    (kind) => {
      const adapter = { keys, tokens }[kind];
      const prompt = Int32Array.of(20, 21);
      const once = hidden(model, shared(prompt), adapter);
      const apart = hidden(model, packed([joined(prompt, first), joined(prompt, second)]), adapter);
      const expected = [...apart.slice(0, 2 + first.length), ...apart.slice(2 + first.length + 2)];
      expect(largestDifference(once.flat(), expected.flat())).toBeLessThan(2e-6);
    },
  );

  it('several adapters in one pass: each segment has the bits that it has alone', () => {
    const sequences = [first, second, first, second, before];
    const adapters = [lora, null, keys, tokens, lora];
    const together = hidden(model, packed(sequences), { ...noLowRank, ofSegments: adapters });
    const alone = sequences.map((ids, at) => hidden(model, packed([ids]), adapters[at]!));
    expect(together).toEqual(alone.flat());
    expect(alone[0]).not.toEqual(alone[2]);
  });

  it('generation: prompts with different adapters in one batch give what each alone gives', async () => {
    const requests = [lora, null, keys, tokens].flatMap((adapter): GenerationRequest[] => [
      { ids: first, adapter },
      { ids: second, adapter, answers: 2 },
    ]);
    const together = await completions(model, requests, greedy);
    for (const [request, each] of requests.entries()) {
      const alone = await completions(model, [each], greedy);
      expect(together.filter((one) => one.request === request)).toEqual(alone.map((one) => ({ ...one, request })));
    }
  });

  it.each(['keys', 'tokens'] as const)('generation: %s go on as the same tokens in the prompt', async (kind) => {
    const adapter = { keys, tokens }[kind];
    const [got] = await completions(model, [{ ids: first, adapter }], greedy);
    const [expected] = await completions(model, [{ ids: joined(before, first) }], greedy);
    expect(got!.ids).toEqual(expected!.ids);
    expect(largestDifference(got!.logProbs, expected!.logProbs)).toBeLessThan(5e-6);
  });

  it('virtual tokens and keys get gradients, recomputed or not: those of finite differences', () => {
    for (const gradientCheckpointing of [false, true]) {
      for (const kind of ['keys', 'tokens'] as const) expectSlope(kind, gradientCheckpointing);
    }
  });

  /** The derivative of Σ hidden ∘ w by a trained factor on what comes before. */
  function expectSlope(kind: 'keys' | 'tokens', gradientCheckpointing: boolean): void {
    const factor = tf.variable(tf.ones([1, 1]));
    const scaled: ActiveAdapter =
      kind === 'tokens'
        ? { ...tokens, virtualTokens: { length: 3, embeddings: () => tf.mul(model.embed(before), factor) as Tensor2D } }
        : {
            ...keys,
            keysBefore: {
              length: 3,
              of: (layer) => {
                const own = keys.keysBefore!.of(layer);
                return { keys: tf.mul(own.keys, factor) as Tensor3D, values: tf.mul(own.values, factor) as Tensor3D };
              },
            },
          };
    const row = packed([first, second]);
    const loss = () => {
      const context = contextOf(row, { adapter: scaled, training: true, gradientCheckpointing });
      const states = model.forward(model.embed(row.ids), context);
      const weights = tf.tensor(normals(key, 'weights', states.size), states.shape);
      return tf.sum(tf.mul(states, weights)) as tf.Scalar;
    };
    let gradient = 0;
    const { loss: value } = valueAndGradients(
      () => ({ loss: loss() }),
      [factor],
      (_, given) => {
        gradient = given.dataSync()[0]!;
        given.dispose();
      },
    );
    const step = 2 ** -8;
    const [more, less] = [1 + step, 1 - step].map((by) => {
      factor.assign(tf.fill([1, 1], by));
      return tf.tidy(() => loss().dataSync()[0]!);
    });
    const slope = (more! - less!) / (2 * step);
    expect(Math.abs(gradient - slope)).toBeLessThan(5e-3 * (1 + Math.abs(slope)));
    tf.dispose([value, factor]);
  }
});
