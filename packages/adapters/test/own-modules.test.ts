// SPDX-License-Identifier: Apache-2.0
/** Modules of an adapter's own: who may share a pass, and what is refused. */
import { dora, trainableTokens } from '@llmf/adapters';
import {
  BatchedGenerator,
  embedded,
  headInputs,
  headOf,
  jsBackend,
  lora,
  selectedLogProbs,
  tf,
  type AttachedAdapter,
  type Completion,
  type GenerationRequest,
  type Model,
} from '@llmf/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attached, contextOf, folderOf, loadTiny, logits } from './tiny.js';

let model: Model;
let tokens: AttachedAdapter;
let head: AttachedAdapter;
let headUpdate: AttachedAdapter;
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
  headUpdate = moved(await attached(lora, model, { rank: 2, targets: ['q_proj', 'lm_head'] }));
  norm = moved(await attached(lora, model, { rank: 2, targets: ['q_proj'], modulesToSave: ['model.norm'] }));
});
afterAll(() => {
  for (const adapter of [tokens, head, headUpdate, norm]) adapter.dispose();
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
    const requests = [tokens, null, head, headUpdate].flatMap((adapter) =>
      [first, second].map((ids) => ({ ids, adapter })),
    );
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

  it('DoRA of embeddings or of the head', async () => {
    for (const name of ['embed_tokens', 'lm_head'])
      await expect(attached(dora, model, { targets: ['q_proj', name] })).rejects.toThrow(
        new RegExp(`LLMF_ADAPTERS_DORA_TARGET[^]*${name}`),
      );
  });

  it('tying where nothing is tied, or nothing of it is changed', async () => {
    const tying = { rank: 2, ensureWeightTying: true };
    await expect(attached(lora, model, { ...tying, targets: ['q_proj', 'lm_head'] })).rejects.toThrow(
      /LLMF_NN_NOTHING_TIED[^]*lm_head is a weight of its own/,
    );
    const tied = await loadTiny('llama-tied-biased');
    await expect(attached(lora, tied, { ...tying, targets: ['q_proj'] })).rejects.toThrow(
      /LLMF_NN_NOTHING_TIED[^]*neither model\.embed_tokens nor lm_head/,
    );
    tied.dispose();
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

describe('a low-rank update of the head', () => {
  it('drops its own input while training, by the place of a token in its step', async () => {
    const adapter = moved(await attached(lora, model, { rank: 2, targets: ['lm_head'], dropout: 0.5 }));
    const chosen = (training: boolean, firstToken: number) =>
      tf.tidy(() => {
        const context = { ...contextOf(adapter, first.length, training), firstToken };
        const hidden = model.forward(embedded(model, first, context), context);
        const read = headInputs(headOf(model, adapter), hidden, context);
        const { logProb } = selectedLogProbs(read.hidden, read.weight, Int32Array.of(0, 1), first.slice(1));
        return [...logProb.dataSync()];
      });
    expect(chosen(true, 0)).toEqual(chosen(true, 0));
    expect(chosen(true, 0)).not.toEqual(chosen(true, 7));
    expect(chosen(true, 0)).not.toEqual(chosen(false, 0));
    expect(chosen(false, 0)).toEqual(chosen(false, 7));
    adapter.dispose();
  });

  it('begins as the model’s own head, and a saved one does not', async () => {
    const fresh = await attached(lora, model, { rank: 2, targets: ['lm_head'] });
    expect(fresh.isIdentity).toBe(true);
    expect(logits(model, fresh, first)).toEqual(logits(model, null, first));
    fresh.dispose();
    const saved = await trainableTokens.load!(model, folderOf('tokens', 'saved'), '--adapter');
    expect(saved.isIdentity).toBe(false);
    saved.dispose();
  });
});
