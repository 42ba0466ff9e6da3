// SPDX-License-Identifier: Apache-2.0
import { cpuBackend } from '@llmf/backend-cpu';
import { wasmBackend } from '@llmf/backend-wasm';
import { uniforms, type Precision } from '@llmf/core';
import {
  BatchedGenerator,
  jsBackend,
  KeyValueArena,
  selectedLogProbs,
  tf,
  type Completion,
  type GenerationRequest,
  type GenerationSettings,
  type Model,
} from '@llmf/nn';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { fixture, loadFixture } from './fixture.js';

/** Prompts of 1 to 17 tokens. */
const requests: GenerationRequest[] = Array.from({ length: 64 }, (_, r) => {
  const key = { seed: r, stream: 'prompt', step: 0, microbatch: 0 };
  return { ids: Int32Array.from(uniforms(key, 'ids', 1 + ((r * 7) % 17)), (u) => Math.floor(u * 90)), key: `row ${r}` };
});
const greedy: GenerationSettings = { maxNewTokens: 9, temperature: 0, eosIds: [3, 17, 40], logProbs: true };
const sampled: GenerationSettings = {
  ...greedy,
  temperature: 1.3,
  topK: 40,
  topP: 0.9,
  minP: 0.001,
  repetitionPenalty: 1.1,
  seed: 5,
};

async function all(
  model: Model,
  given: readonly GenerationRequest[],
  settings: GenerationSettings,
  maxSequences?: number,
): Promise<Completion[]> {
  const generator = new BatchedGenerator(model, maxSequences === undefined ? {} : { maxSequences });
  const found: Completion[] = [];
  for await (const completion of generator.complete(given, settings)) found.push(completion);
  return found.sort((a, b) => a.request - b.request || a.answer - b.answer);
}

/** As a step computes them: prompt and answer in one row, nothing kept. */
function trainedLogProbs(model: Model, prompt: Int32Array, answer: Int32Array): Float32Array {
  const row = Int32Array.from([...prompt, ...answer]);
  const rows = Int32Array.from(answer, (_, at) => prompt.length + at - 1);
  const { logProb } = tf.tidy(() => {
    const hidden = model.forward(model.embed(row), {
      segments: [{ start: 0, length: row.length }],
      positions: row.map((_, at) => at),
      adapter: null,
      training: false,
      randomKey: { seed: 0, stream: 'evaluation', step: 0, microbatch: 0 },
      gradientCheckpointing: false,
    });
    return { logProb: selectedLogProbs(hidden, model.head.weight, rows, answer).logProb };
  });
  const values = logProb.dataSync() as Float32Array;
  logProb.dispose();
  return values;
}

describe.each([
  ['llama', 'js', jsBackend],
  ['gpt2', 'js', jsBackend],
  ['mistral', 'js', jsBackend],
  ['llama', 'wasm', wasmBackend],
  ['llama', 'cpu', cpuBackend],
  ['mistral', 'cpu', cpuBackend],
  ['llama', 'cpu in bf16', cpuBackend, 'bf16'],
] as const)('answers of %s on %s', (name, _, backend, precision: Precision = 'f32') => {
  let model: Model;
  let reason: string | null;
  beforeAll(async () => {
    reason = await backend.unavailable();
    if (reason !== null) return;
    await backend.start({}, precision);
    model = await loadFixture(fixture(name));
  }, 180_000);
  beforeEach((test) => {
    if (reason !== null) test.skip(reason);
  });
  afterAll(async () => {
    model?.dispose();
    await jsBackend.start({}, 'f32');
  });

  it.each([
    ['greedy', greedy],
    ['sampled', sampled],
  ])('%s, to 64 prompts of unequal lengths at once are those to one at a time', async (_, settings) => {
    const together = await all(model, requests, settings);
    expect(together).toHaveLength(64);
    for (const [r, request] of requests.entries()) {
      const [alone] = await all(model, [request], settings);
      expect(together[r]).toEqual({ ...alone, request: r });
    }
    expect(new Set(together.map(({ reason }) => reason))).toEqual(new Set(['stop', 'length']));
    expect(new Set(together.map(({ ids }) => ids.length)).size).toBeGreaterThan(3);
  });

  it('come with the log-probs that training computes for them, to the bit: 200 answers', async () => {
    const group = { ids: Int32Array.of(7, 31, 53, 11, 2), answers: 136, key: 'group' };
    const given = [group, ...requests];
    const answers = await all(model, given, sampled);
    expect(answers).toHaveLength(200);
    for (const { request, ids, logProbs } of answers) {
      expect([...logProbs]).toEqual([...trainedLogProbs(model, given[request]!.ids, ids)]);
    }
  });

  it('do not depend on how many are written at a time', async () => {
    const wide = await all(model, requests, sampled);
    expect(await all(model, requests, sampled, 5)).toEqual(wide);
    expect(await all(model, requests, sampled, 1)).toEqual(wide);
  });
});

describe('several answers to one prompt', () => {
  let model: Model;
  beforeAll(async () => {
    model = await loadFixture(fixture('llama'));
  });
  afterAll(() => model.dispose());
  const group = { ids: Int32Array.of(7, 31, 53, 11, 2), answers: 8, key: 'group' };

  it('hold and compute its keys once, whatever part of them is written at a time', async () => {
    const append = vi.spyOn(KeyValueArena.prototype, 'append');
    const filed = () => {
      const rows = append.mock.calls.filter(([layer]) => layer === 0).map(([, keys]) => keys.shape[0]);
      append.mockClear();
      return rows;
    };
    const answers = await all(model, [group], sampled);
    expect(answers.map(({ answer }) => answer)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(new Set(answers.map(({ ids }) => ids.join())).size).toBeGreaterThan(4);
    const tokens = answers.reduce((sum, { ids }) => sum + ids.length - 1, 0); // the last token of each is not run
    expect(filed().reduce((sum, rows) => sum + rows, 0)).toBe(group.ids.length + tokens);
    expect(await all(model, [group, ...requests.slice(0, 3)], sampled, 3)).toEqual([
      ...answers,
      ...(await all(model, requests.slice(0, 3), sampled)).map((each) => ({ ...each, request: each.request + 1 })),
    ]);
    append.mockRestore();
  });

  it('each draw from a stream of their own, named by the request', async () => {
    const [first] = await all(model, [{ ...group, answers: 1 }], sampled);
    const again = await all(model, [{ ...group, key: 'other' }], sampled);
    expect((await all(model, [group], sampled))[0]!.ids).toEqual(first!.ids);
    expect(again.map(({ ids }) => ids.join())).not.toEqual(
      (await all(model, [group], sampled)).map(({ ids }) => ids.join()),
    );
  });

  it('come with the model’s own log-probs, also where something steers the choice', async () => {
    const steering = (_: tf.Tensor2D, logits: tf.Tensor2D) => tf.neg(logits) as tf.Tensor2D;
    const before = tf.memory().numTensors;
    for await (const { ids, logProbs } of new BatchedGenerator(model, { steering }).complete([group], greedy)) {
      expect([...logProbs]).toEqual([...trainedLogProbs(model, group.ids, ids)]);
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  it('leave no tensor behind, also when nobody waits for the last', async () => {
    const before = tf.memory().numTensors;
    for await (const completion of new BatchedGenerator(model, { maxSequences: 3 }).complete([group], sampled)) {
      expect(completion.request).toBe(0);
      break;
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  it('end where the caller says so', async () => {
    const [answer] = await all(model, [requests[4]!], { ...greedy, eosIds: [], stops: (ids) => ids.length === 4 });
    expect(answer).toMatchObject({ reason: 'stop', ids: { length: 4 } });
  });

  it('are refused by name where the weights are damaged', async () => {
    const spoilt = Object.create(model, {
      forward: { value: (x: tf.Tensor2D) => tf.mul(x, Number.NaN) },
    }) as Model;
    await expect(all(spoilt, [group], greedy)).rejects.toMatchObject({ code: 'LLMF_NN_LOGITS_NOT_FINITE' });
  });
});
