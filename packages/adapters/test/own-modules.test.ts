// SPDX-License-Identifier: Apache-2.0
/** Modules of an adapter's own: who may share a pass, and what is refused. */
import { trainableTokens } from '@llmf/adapters';
import {
  BatchedGenerator,
  jsBackend,
  lora,
  tf,
  type AttachedAdapter,
  type Completion,
  type GenerationRequest,
  type Model,
} from '@llmf/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attached, contextOf, loadTiny, logits } from './tiny.js';

let model: Model;
let tokens: AttachedAdapter;
let head: AttachedAdapter;
let norm: AttachedAdapter;
const first = Int32Array.of(5, 7, 40);
const second = Int32Array.of(7, 9, 3, 7);

/** What is trained moves away from where it began. */
function moved(adapter: AttachedAdapter): AttachedAdapter {
  for (const variable of adapter.variables.values())
    tf.tidy(() => variable.assign(tf.add(variable, tf.reshape(tf.linspace(-0.3, 0.4, variable.size), variable.shape))));
  return adapter;
}

beforeAll(async () => {
  await jsBackend.start({}, 'f32');
  model = await loadTiny('llama');
  tokens = moved(await attached(trainableTokens, model, { tokens: [7, 40] }));
  head = moved(await attached(lora, model, { rank: 2, targets: ['q_proj'], modulesToSave: ['lm_head'] }));
  norm = moved(await attached(lora, model, { rank: 2, targets: ['q_proj'], modulesToSave: ['model.norm'] }));
});
afterAll(() => {
  for (const adapter of [tokens, head, norm]) adapter.dispose();
  model.dispose();
});

describe('rows of one batch', () => {
  const greedy = { maxNewTokens: 5, temperature: 0, logProbs: true };
  const completed = async (requests: readonly GenerationRequest[]): Promise<Completion[]> => {
    const found: Completion[] = [];
    for await (const each of new BatchedGenerator(model).complete(requests, greedy)) found.push(each);
    return found.toSorted((a, b) => a.request - b.request);
  };

  it('may have embeddings, tokens and heads of their own: each answers as alone', async () => {
    const requests = [tokens, null, head].flatMap((adapter) => [first, second].map((ids) => ({ ids, adapter })));
    const together = await completed(requests);
    for (const [at, request] of requests.entries()) {
      const [alone] = await completed([request]);
      expect(together[at]!.ids, String(at)).toEqual(alone!.ids);
      expect(together[at]!.logProbs, String(at)).toEqual(alone!.logProbs);
    }
    expect(new Set(together.map(({ logProbs }) => logProbs[0])).size).toBe(requests.length);
  });

  it('may not have norms of their own beside others', async () => {
    await expect(completed([norm, null].map((adapter) => ({ ids: first, adapter })))).rejects.toThrow(
      /LLMF_NN_MODULES_PER_ROW/,
    );
    expect(await completed([norm, norm].map((adapter) => ({ ids: first, adapter })))).toHaveLength(2);
  });
});

it('the model itself stays as it was', () => {
  const before = logits(model, null, first);
  const changed = logits(model, tokens, first);
  expect(logits(model, null, first)).toEqual(before);
  expect(changed).not.toEqual(before);
});

it('recomputed blocks read the own modules too', () => {
  const context = { ...contextOf(norm, first.length, true), gradientCheckpointing: true };
  const hidden = (recomputed: boolean) =>
    tf.tidy(() => [
      ...model.forward(model.embed(first), recomputed ? context : contextOf(norm, first.length, true)).dataSync(),
    ]);
  expect(hidden(true)).toEqual(hidden(false));
});

describe('is refused', () => {
  it.each([
    ['a module that is none', { modulesToSave: ['lm_haed'] }, /LLMF_NN_UNKNOWN_MODULE[^]*lm_haed[^]*lm_head/],
    ['a token beyond the vocabulary', { trainableTokens: [97] }, /LLMF_NN_TRAINED_TOKEN[^]*got: 97[^]*0 to 96/],
    ['a token twice', { trainableTokens: [3, 3] }, /LLMF_NN_TRAINED_TOKEN/],
    ['a text without a tokenizer', { trainableTokens: ['<a>'] }, /LLMF_NN_TRAINED_TOKEN[^]*"<a>"/],
    ['tokens of a module that is no table', { trainableTokens: { q_proj: [3] } }, /LLMF_NN_UNKNOWN_MODULE/],
    [
      'a table changed in two ways',
      { targets: ['q_proj', 'embed_tokens'], trainableTokens: [3] },
      /LLMF_NN_CHANGED_TWICE[^]*model\.embed_tokens[^]*targets and trainableTokens/,
    ],
    [
      'a layer changed in two ways',
      { targets: ['q_proj', 'down_proj'], modulesToSave: ['down_proj'] },
      /LLMF_NN_CHANGED_TWICE[^]*down_proj/,
    ],
  ])('%s', async (_what, options, message) => {
    const tensors = tf.memory().numTensors;
    await expect(attached(lora, model, { rank: 2, targets: ['q_proj'], ...options })).rejects.toThrow(message);
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('an adapter that trains no token', async () => {
    await expect(attached(trainableTokens, model, {})).rejects.toThrow(/LLMF_ADAPTERS_NO_TOKENS/);
  });
});

it('with all layers as targets, those that are trained whole have no low-rank update', async () => {
  const adapter = await attached(lora, model, { rank: 2, modulesToSave: ['down_proj'] });
  expect([...adapter.variables.keys()].filter((key) => key.includes('down_proj'))).toEqual([
    'base_model.model.model.layers.0.mlp.down_proj.weight',
    'base_model.model.model.layers.1.mlp.down_proj.weight',
  ]);
  adapter.dispose();
});
