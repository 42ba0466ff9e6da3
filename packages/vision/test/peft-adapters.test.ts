// SPDX-License-Identifier: Apache-2.0
/** Adapters of vision-language models, both ways: PEFT's as oracles/vision/peft_adapters.py recorded them, and ours. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeSafetensors } from '@llmf/core';
import { freshLora, lora, loraOptions, savedLora, tf, type LoraAdapter } from '@llmf/nn';
import { afterAll, describe, expect, it } from 'vitest';
import { replaceEmbeddings } from '../src/batch/batch-media.js';
import { freezeHalves } from '../src/models/frozen-halves.js';
import { VisionLanguageModel } from '../src/models/vision-language-model.js';
import {
  evaluation,
  gridOfTuple,
  patchesOf,
  tinyArchitectures as architectures,
  tinyConfig,
  tinyNames,
  tinyOracle,
  tinyPixels,
  tinyWeights,
  type TinyName,
} from './tiny-fixture.js';

interface Recorded {
  /** Paths of all modules of the model in Transformers. */
  readonly modules: readonly string[];
  readonly cases: Readonly<
    Record<
      string,
      {
        readonly config: Readonly<Record<string, unknown>>;
        readonly tensors: Readonly<Record<string, { readonly shape: number[]; readonly data: string }>>;
        readonly logits: readonly number[];
      }
    >
  >;
}

const scratch = mkdtempSync(join(tmpdir(), 'llmf-vision-adapters-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const random = { seed: 1, stream: 'adapter', step: 0, microbatch: 0 };
const recorded = (name: TinyName): Recorded =>
  JSON.parse(readFileSync(fileURLToPath(new URL(`../fixtures/${name}/adapters.json`, import.meta.url)), 'utf8'));
const build = async (name: TinyName) =>
  architectures[name].build(tinyConfig(name), await tinyWeights(name)) as VisionLanguageModel;

/** What the fixtures' targets are in our words. */
const targets: Readonly<Record<string, string | string[]>> = {
  'attention of the language half': '/language_model.*(q_proj|v_proj)$/',
  'all of the language half': '/language_model.*_proj/',
  'all linear layers, tower and merger too': 'all',
  'the merger': ['merger.mlp.0', 'merger.mlp.2'],
  'the merger of Qwen3-VL': ['merger.linear_fc1', 'merger.linear_fc2'],
};

/** Writes a recorded adapter as a PEFT folder, its names changed. */
async function adapterFolder(
  { config, tensors }: Recorded['cases'][string],
  label: string,
  rename = (key: string) => key,
): Promise<string> {
  const folder = join(scratch, label.replaceAll(/\W/g, '-'));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'adapter_config.json'), JSON.stringify(config));
  const written = Object.entries(tensors).map(([key, { shape, data }]) => [
    rename(key),
    { dtype: 'F32' as const, shape, data: new Uint8Array(Buffer.from(data, 'base64')) },
  ]);
  await writeSafetensors(join(folder, 'adapter_model.safetensors'), Object.fromEntries(written));
  return folder;
}

/** Logits of the last token of the oracle's first row, with its pictures. */
function lastLogits(name: TinyName, model: VisionLanguageModel, adapter: LoraAdapter | null): Float32Array {
  const row = tinyOracle(name).rows[0]!;
  return tf.tidy(() => {
    const mode = { ...evaluation, adapter };
    const seen = model.tower.forward(tinyPixels(patchesOf(row.images), 0), row.images.map(gridOfTuple), mode);
    let next = 0;
    const sources = Int32Array.from(row.ids, (id) => (id === model.vision.tokens.image ? next++ : -1));
    const embedded = replaceEmbeddings(model.embed(tf.tensor1d([...row.ids], 'int32')), seen, sources);
    const positions = row.positions.map((axis) => Int32Array.from(axis)) as never;
    const hidden = model.forward(embedded, { segments: [{ start: 0, length: row.ids.length }], positions, ...mode });
    const last = tf.slice(hidden, [row.ids.length - 1, 0], [1, -1]);
    return tf.matMul(last as tf.Tensor2D, model.head.weight, false, true).dataSync() as Float32Array;
  });
}

const distance = (got: ArrayLike<number>, expected: readonly number[]) =>
  Math.max(...expected.map((value, at) => Math.abs(value - got[at]!)));

/** PEFT's rule for a list of names (peft 0.21, check_target_module_exists). */
const meantByPeft = (modules: readonly string[], names: readonly string[]) =>
  modules.filter((path) => names.some((name) => path === name || path.endsWith(`.${name}`)));

const layersOf = (keys: Iterable<string>) => [
  ...new Set([...keys].map((key) => key.replace('base_model.model.', '').replace(/\.lora_[AB]\.weight$/, ''))),
];

describe.each(tinyNames)('adapters of %s', (name) => {
  const { modules, cases } = recorded(name);

  it.each(Object.keys(cases))(
    'gives what PEFT gives with pictures, by names of today and of before: %s',
    async (label) => {
      const model = await build(name);
      const { logits } = cases[label]!;
      expect(distance(lastLogits(name, model, null), logits)).toBeGreaterThan(1e-2); // the adapter does something
      const before = (key: string) =>
        key.replace('.model.language_model.', '.model.').replace('.model.visual.', '.visual.');
      const bare = (key: string) => key.replace('base_model.model.model.', 'base_model.model.');
      for (const [form, rename] of Object.entries({ today: (key: string) => key, before, bare })) {
        const folder = await adapterFolder(cases[label]!, `${name}-${label}-${form}`, rename);
        const adapter = await savedLora(model, folder, '--adapter');
        expect(distance(lastLogits(name, model, adapter), logits), form).toBeLessThan(1e-4);
        adapter.dispose();
      }
      model.dispose();
    },
  );

  it.each(Object.keys(cases))("writes PEFT's names, and targets that mean the same layers there: %s", async (label) => {
    const model = await build(name);
    const adapter = await freshLora(model, loraOptions.parse({ rank: 1, targets: targets[label] }), random);
    expect([...adapter.variables.keys()].sort()).toEqual(Object.keys(cases[label]!.tensors).sort());
    const names = adapter.peftConfig['target_modules'] as string[];
    expect(meantByPeft(modules, names).sort()).toEqual(layersOf(adapter.variables.keys()).sort());
    adapter.dispose();
    model.dispose();
  });

  it('leaves the frozen tower out of new adapters, also by the meaning of its target names', async () => {
    const model = freezeHalves(await build(name), { tower: true, projector: true, language: false });
    const adapter = await freshLora(model, loraOptions.parse({}), random);
    const layers = layersOf(adapter.variables.keys());
    expect(layers).toHaveLength(7 * model.blocks.length); // seven linear layers in each block
    expect(layers.every((path) => path.startsWith('model.language_model.layers.'))).toBe(true);
    expect(meantByPeft(modules, adapter.peftConfig['target_modules'] as string[]).sort()).toEqual(layers.sort());
    adapter.dispose();
    model.dispose();
  });

  it('an adapter of the tower is read where the tower is frozen, but not trained on', async () => {
    const model = freezeHalves(await build(name), { tower: true, projector: true, language: false });
    const folder = await adapterFolder(cases['all linear layers, tower and merger too']!, `${name}-frozen`);
    const options = loraOptions.parse({ path: folder });
    const adapter = await lora.load!(model, folder, '--adapter');
    expect(adapter.variables.size).toBe(Object.keys(cases['all linear layers, tower and merger too']!.tensors).length);
    adapter.dispose();
    const tensors = tf.memory().numTensors;
    await expect(lora.attach(model, options, random, '.')).rejects.toThrow(
      /LLMF_NN_ADAPTER_FROZEN[^]*got: visual\.blocks\.0[^]*vision\.freeze/,
    );
    expect(tf.memory().numTensors).toBe(tensors);
    model.dispose();
  });
});
