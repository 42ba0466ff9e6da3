// SPDX-License-Identifier: Apache-2.0
/** Against what PEFT wrote and computed (oracles/adapters/make_fixtures.py). */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSafetensors, toFloat32, type HostTensor } from '@llmf/core';
import { adapterKindOf, changesLayer, jsBackend, lora, tf, type Adapter, type Model, type Variable } from '@llmf/nn';
import { dora, ia3, prefixTuning, promptTuning, pTuning, trainableTokens } from '@llmf/adapters';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  attached,
  baseFolder,
  find,
  folderOf,
  intsOf,
  largest,
  loader,
  loadTiny,
  logits,
  norm,
  train,
} from './tiny.js';

const kinds = [lora, dora, ia3, prefixTuning, promptTuning, pTuning, trainableTokens];

/** Name of the case, its base, its kind, and the options that make it in training. */
const cases: readonly (readonly [name: string, base: string, kind: Adapter, options: Record<string, unknown>])[] = [
  ['ia3', 'llama', ia3, {}],
  ['ia3-gpt2', 'gpt2', ia3, {}],
  ['dora', 'llama', dora, { rank: 3, alpha: 6, targets: ['q_proj', 'down_proj'] }],
  ['dora-gpt2', 'gpt2', dora, { rank: 2, alpha: 4, targets: ['c_attn'] }],
  ['prefix', 'llama', prefixTuning, { tokens: 3 }],
  ['prefix-projected', 'llama', prefixTuning, { tokens: 3, projection: true, hiddenSize: 10 }],
  ['prefix-gpt2', 'gpt2', prefixTuning, { tokens: 2 }],
  ['prompt', 'llama', promptTuning, { tokens: 4 }],
  ['prompt-gpt2', 'gpt2', promptTuning, { tokens: 2 }],
  ['p-tuning-mlp', 'llama', pTuning, { tokens: 3, hiddenSize: 12 }],
  ['embedding', 'llama', lora, { rank: 2, alpha: 4, targets: ['embed_tokens', 'q_proj'] }],
  ['embedding-gpt2', 'gpt2', lora, { rank: 3, alpha: 3, rsLora: true, targets: ['wte', 'wpe', 'c_attn'] }],
  ['tokens', 'llama', trainableTokens, { tokens: [40, 7, 3] }],
  ['tokens-gpt2', 'gpt2', trainableTokens, { tokens: [3, 7, 40] }],
  [
    'lora-tokens',
    'llama',
    lora,
    { rank: 2, alpha: 4, targets: ['q_proj'], trainableTokens: { embed_tokens: [3, 7], lm_head: [5, 7] } },
  ],
  ['lora-tokens-gpt2', 'gpt2', lora, { rank: 2, alpha: 4, targets: ['c_attn'], trainableTokens: [3, 7] }],
  [
    'modules',
    'llama',
    lora,
    {
      rank: 2,
      alpha: 4,
      targets: ['q_proj'],
      modulesToSave: ['embed_tokens', 'lm_head', 'post_attention_layernorm', 'down_proj'],
    },
  ],
  [
    'modules-gpt2',
    'gpt2',
    lora,
    { rank: 2, alpha: 4, targets: ['c_attn'], modulesToSave: ['wte', 'ln_f', 'mlp.c_proj'] },
  ],
  ['modules-dora', 'llama', dora, { rank: 2, alpha: 4, targets: ['q_proj'], modulesToSave: ['model.norm'] }],
  ['head', 'llama', lora, { rank: 2, alpha: 4, targets: ['q_proj', 'lm_head'] }],
  ['head-gpt2', 'gpt2', lora, { rank: 3, alpha: 3, rsLora: true, targets: ['c_attn', 'lm_head'] }],
  [
    'head-tied',
    'llama-tied-biased',
    lora,
    { rank: 2, alpha: 4, targets: ['q_proj', 'lm_head'], ensureWeightTying: true },
  ],
  [
    'modules-tied',
    'llama-tied-biased',
    lora,
    { rank: 2, alpha: 4, targets: ['q_proj'], modulesToSave: ['lm_head'], ensureWeightTying: true },
  ],
  ['p-tuning-lstm', 'llama', pTuning, { tokens: 4, hiddenSize: 6, encoder: 'lstm' }],
];

/** The name that PEFT's module has for what llmf trains. */
const peftName = (name: string, expected: Readonly<Record<string, HostTensor>>): string => {
  const [module, part] = name.startsWith('prompt_encoder.') ? ['prompt_encoder.', name.slice(15)] : ['', name];
  const candidates =
    name === 'prompt_embeddings'
      ? ['prompt_encoder.default.embedding.weight']
      : module === ''
        ? [
            part.replace(/\.(weight|bias)$/, '.modules_to_save.default.$1'),
            `${part}.default`,
            `${part}.default.weight`,
            part.replace(/\.weight$/, '.default.weight'),
          ]
        : [`prompt_encoder.default.${part}`];
  const found = candidates.find((candidate) => `trained.${candidate}` in expected);
  if (found === undefined) throw new Error(`${name} is none of ${Object.keys(expected).join(', ')}`);
  return found;
};

/** Values as the variable has them: a matrix that PEFT's module holds turned, and shapes of vectors. */
function asHere(tensor: HostTensor, of: Variable): tf.Tensor {
  const values = toFloat32(tensor);
  const isTurned = of.rank === 2 && tensor.shape.length === 2 && tensor.shape.join() === of.shape.toReversed().join();
  if (isTurned && tensor.shape.join() !== of.shape.join()) return tf.transpose(tf.tensor(values, [...tensor.shape]));
  return tf.tensor(values, tensor.shape.length === of.rank ? [...tensor.shape] : of.shape);
}

let scratch: string;
beforeAll(async () => {
  await jsBackend.start({}, 'f32');
  scratch = process.env['LLMF_SAVED_ADAPTERS'] ?? mkdtempSync(join(tmpdir(), 'llmf-adapters-'));
});
afterAll(() => {
  if (process.env['LLMF_SAVED_ADAPTERS'] === undefined) rmSync(scratch, { recursive: true, force: true });
});

it('every case of the oracle is held', () => {
  const made = readdirSync(folderOf(), { withFileTypes: true }).flatMap((each) =>
    each.isDirectory() ? [each.name] : [],
  );
  const residual = ['pissa', 'pissa-rs', 'olora']; // residual.test.ts
  const resized = ['resized', 'resized-kept', 'resized-gpt2']; // resized.test.ts
  expect([...cases.map(([name]) => name), ...residual, ...resized].toSorted()).toEqual(made.toSorted());
});

describe.each(cases)('%s', (name, base, kind, options) => {
  let model: Model;
  let expected: Readonly<Record<string, HostTensor>>;
  let ids: Int32Array;
  beforeAll(async () => {
    model = await loadTiny(base);
    expected = await readSafetensors(folderOf(name, 'expected.safetensors'));
    ids = intsOf(expected['ids']!);
  });
  afterAll(() => model.dispose());
  const fresh = () => attached(kind, model, options);

  it("is read by its kind and gives PEFT's logits, to 1e-5", async () => {
    const found = await adapterKindOf(kinds, folderOf(name, 'saved'), '--adapter');
    expect(found.name).toBe(kind.name);
    const adapter = await found.load(model, folderOf(name, 'saved'), '--adapter');
    expect(largest(logits(model, adapter, ids), toFloat32(expected['logits']!))).toBeLessThan(1e-5);
    expect(largest(logits(model, null, ids), toFloat32(expected['logits']!))).toBeGreaterThan(1e-2);
    adapter.dispose();
  });

  it("trains as PEFT's for 20 steps of AdamW: each loss to 1e-4 of it, the change of each weight to 1e-3", async () => {
    const adapter = await fresh();
    for (const [variable, of] of adapter.variables) {
      const tensor = expected[`trained.${peftName(variable, expected)}`]!;
      of.assign(asHere(tensor, of));
    }
    expect(Object.keys(expected).filter((each) => each.startsWith('trained.'))).toHaveLength(adapter.variables.size);
    const losses = train(model, adapter, ids, toFloat32(expected['losses']!).length);
    for (const [step, loss] of toFloat32(expected['losses']!).entries())
      expect(Math.abs(losses[step]! - loss) / loss, `step ${step + 1}`).toBeLessThan(1e-4);
    for (const [variable, of] of adapter.variables) {
      const [before, after] = ['trained', 'after'].map(
        (when) => asHere(expected[`${when}.${peftName(variable, expected)}`]!, of).dataSync() as Float32Array,
      );
      const error = norm(after!.map((value, at) => value - of.dataSync()[at]!));
      expect(error / norm(after!.map((value, at) => value - before![at]!)), variable).toBeLessThan(1e-3);
    }
    adapter.dispose();
  });

  it('is written and read again with the same logits, and leaves no tensor', async () => {
    const tensors = tf.memory().numTensors;
    const adapter = await fresh();
    for (const variable of adapter.variables.values()) {
      tf.tidy(() => variable.assign(tf.add(variable, 0.01)));
    }
    const folder = join(scratch, name, 'adapter');
    mkdirSync(folder, { recursive: true });
    await loader.saveAdapter(adapter, folder, { source: baseFolder(base) });
    if (name.endsWith('-tied')) {
      const keysIn = async (path: string) =>
        Object.keys(await readSafetensors(join(path, 'adapter_model.safetensors')));
      expect((await keysIn(folder)).toSorted()).toEqual((await keysIn(folderOf(name, 'saved'))).toSorted());
    }
    const again = await (await adapterKindOf(kinds, folder, '--adapter')).load(model, folder, '--adapter');
    const [before, after] = [logits(model, adapter, ids), logits(model, again, ids)];
    expect(largest(before, after)).toBeLessThan(2e-6);
    const rows = Array.from(ids, (_, at) =>
      Array.from(before.slice(at * model.vocabularySize, (at + 1) * model.vocabularySize)),
    );
    writeFileSync(join(scratch, name, 'expected.json'), JSON.stringify({ base, ids: [...ids], logits: rows }));
    const written = JSON.parse(readFileSync(join(folder, 'adapter_config.json'), 'utf8')) as Record<string, unknown>;
    const theirs = JSON.parse(readFileSync(folderOf(name, 'saved', 'adapter_config.json'), 'utf8')) as typeof written;
    for (const [field, value] of Object.entries(written)) {
      if (field === 'base_model_name_or_path') continue;
      // PEFT leaves the flag as the last module had it; it sets it for each again when it loads.
      if (field === 'fan_in_fan_out' && name === 'head-gpt2') continue;
      // A path or an end of it that no other module has: both mean the same modules.
      const sorted = (given: unknown) =>
        Array.isArray(given) ? given.map((each) => String(each).split('.').at(-1)).toSorted() : given;
      expect(sorted(value), field).toEqual(sorted(theirs[field]));
    }
    adapter.dispose();
    again.dispose();
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('begins as the base alone, where it says so', async () => {
    const adapter = await fresh();
    const difference = largest(logits(model, adapter, ids), logits(model, null, ids));
    if (adapter.isIdentity) expect(difference).toBe(0);
    else expect(difference).toBeGreaterThan(1e-3);
    adapter.dispose();
  });

  if (![dora, ia3, lora, trainableTokens].includes(kind)) return;
  if (['embedding-gpt2', 'modules-gpt2', 'head-gpt2'].includes(name)) {
    it('is not put into weights: its head would become another one', async () => {
      const adapter = await kind.load!(model, folderOf(name, 'saved'), '--adapter');
      expect(() => adapter.ownWeights!()).toThrow(/LLMF_NN_ADAPTER_TIED/);
      adapter.dispose();
    });
    return;
  }
  it('put into the weights gives the same logits', async () => {
    const adapter = await kind.load!(model, folderOf(name, 'saved'), '--adapter');
    const merged = await loader.load(baseFolder(base), { isTrainable: () => true, find });
    for (const [weight, values] of adapter.ownWeights?.() ?? []) {
      (merged.parameters.get(weight)!.value as Variable).assign(values);
      values.dispose();
    }
    for (const layer of model.linears.values()) {
      const parts = adapter.merged!(layer);
      expect(parts !== null).toBe(changesLayer(adapter, layer.path));
      if (parts === null) continue;
      (merged.parameters.get(`${layer.path}.weight`)!.value as Variable).assign(parts.weight);
      if (parts.bias !== undefined) (merged.parameters.get(`${layer.path}.bias`)!.value as Variable).assign(parts.bias);
      tf.dispose([parts.weight, ...(parts.bias === undefined ? [] : [parts.bias])]);
    }
    expect(largest(logits(merged, null, ids), logits(model, adapter, ids))).toBeLessThan(1e-5);
    adapter.dispose();
    merged.dispose();
  });
});
