// SPDX-License-Identifier: Apache-2.0
// Hostile files for every reader: well-formed ones, mutated from a seed. Each is read, or refused with a code, in bounded time.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createContainer, findNamed, LlmfError, openSafetensorsFolder, readConfig } from '@llmf/core';
import { ChatTemplate, RowProblem, Tokenizer } from '@llmf/data';
import { architectures, createModelLoader, readGenerationDefaults } from '@llmf/models';
import { ArchitectureToken, headsText, readHeads } from '@llmf/nn';
import { awqLayout, bitsandbytesLayout, ggufBlocks, gptqLayout } from '@llmf/quantization';
import { memorySource, qwen25Vl, qwen2Vl, qwen3Vl, readImageHeader, readProcessorConfig } from '@llmf/vision';
import { vectorsOf } from '../../packages/cli/src/pooling-of.js';
import { openReader } from '../../packages/data/src/readers/open-reader.js';
import { readAdapterConfig } from '../../packages/nn/src/adapters/adapter-config.js';
import { ggufFolder } from '../../packages/models/src/gguf/gguf-folder.js';
import { loraForm } from '../../packages/nn/src/adapters/lora-form.js';
import { firstRun } from './first-run.js';
import { memoryPeak } from './peak-memory.js';

/** What a reader does with one file of a folder of its own. */
export interface Target {
  readonly name: string;
  /** Its folder's name where another target has that of `name`. */
  readonly title?: string;
  readonly sample: () => Buffer;
  /** Whole files beside it, of the first run's model. */
  readonly beside?: readonly string[];
  /** Another folder whose files all stand beside it. */
  readonly within?: string;
  /** How a sample is changed; left out: byte by byte. */
  readonly mutate?: (sample: Buffer, random: Random) => Buffer;
  readonly read: (file: string) => Promise<unknown>;
}

export interface FuzzReport {
  readonly files: number;
  readonly refused: number;
  /** Each with the seed that makes it again. */
  readonly faults: readonly string[];
  /** Memory that reading one took, above twice its folder: the most, in bytes. */
  readonly mostMemory: number;
}

const slowestMs = 5000;
/** Beyond twice the folder: what the heap grows by between two collections, and code that is compiled meanwhile (3 MiB were seen). */
const heapBytes = 64 * 2 ** 20;

/** Reads `count` mutated files of each kind. */
export async function fuzz(count: number, firstSeed = 1, kinds: readonly Target[] = targets): Promise<FuzzReport> {
  const root = mkdtempSync(join(tmpdir(), 'llmf-fuzz-'));
  const faults: string[] = [];
  let refused = 0;
  let mostMemory = 0;
  try {
    for (const target of kinds) {
      const { mutate = mutated } = target;
      const sample = target.sample();
      const folder = join(root, titleOf(target));
      mkdirSync(folder);
      if (target.within !== undefined) cpSync(target.within, folder, { recursive: true });
      for (const name of target.beside ?? []) cpSync(join(firstRun, 'model', name), join(folder, name));
      for (let seed = firstSeed; seed < firstSeed + count; seed++) {
        writeFileSync(join(folder, target.name), mutate(sample, randomOf(seed)));
        const { outcome, memory } = await outcomeOf(target, folder);
        mostMemory = Math.max(mostMemory, memory);
        if (outcome === 'refused') refused++;
        else if (outcome !== 'read') faults.push(`${titleOf(target)}, seed ${seed}: ${outcome}`);
      }
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
  return { files: count * kinds.length, refused, faults, mostMemory };
}

const titleOf = ({ name, title = name }: Target): string => title;

async function outcomeOf({ name, read }: Target, folder: string): Promise<{ outcome: string; memory: number }> {
  const started = performance.now();
  const peak = memoryPeak();
  const outcome = await read(join(folder, name)).then(
    () => 'read',
    (error: unknown) => (LlmfError.is(error) && error.status === 1 ? 'refused' : `uncoded: ${String(error)}`),
  );
  const memory = peak() - 2 * bytesIn(folder);
  const ms = performance.now() - started;
  if (ms > slowestMs) return { outcome: `took ${Math.round(ms)} ms`, memory };
  if (memory > heapBytes) return { outcome: `took ${Math.round(memory / 2 ** 20)} MiB above twice its folder`, memory };
  return { outcome, memory };
}

const bytesIn = (folder: string): number =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);

/** Every row of a data file. */
async function readRows(file: string): Promise<void> {
  const reader = await openReader(file, { pieces: 'line' });
  try {
    await reader.read(0, Math.min(reader.length, 1000));
  } finally {
    await reader.close();
  }
}

const rows = Array.from({ length: 20 }, (_, row) => JSON.stringify({ prompt: `a "${row}", b`, response: 'é\\n🙂' }));
const model = (name: string) => () => readFileSync(join(firstRun, 'model', name));
const folderOf = (file: string) => join(file, '..');
const picture = (name: string) => () =>
  readFileSync(new URL(`../../packages/vision/fixtures/images/${name}`, import.meta.url));

const container = createContainer();
for (const architecture of architectures) container.register(ArchitectureToken, architecture);
for (const make of [qwen2Vl, qwen25Vl])
  container.register(
    ArchitectureToken,
    make(() => find('qwen2')),
  );
container.register(
  ArchitectureToken,
  qwen3Vl(() => find('qwen3')),
);
const find = (modelType: string) => findNamed(container, ArchitectureToken, modelType);
const forms = { formats: () => ggufBlocks, layouts: () => [bitsandbytesLayout, gptqLayout, awqLayout] };
const loader = createModelLoader({ find, forms });

/** Everything in a model folder, its weights too. */
export async function loadWhole(folder: string): Promise<void> {
  (await loader.load(folder, { isTrainable: () => false, find })).dispose();
}

const quantized = (name: string) =>
  fileURLToPath(new URL(`../../packages/models/fixtures-quantized/${name}`, import.meta.url));

/** Parsed and rendered: what it may not do shows there. */
async function renderTemplate(file: string): Promise<void> {
  const template = new ChatTemplate('fuzzed', readFileSync(file, 'utf8'), await Tokenizer.load(folderOf(file)));
  const messages = ['user', 'assistant'].map((role) => ({ role, content: 'Ä "b"' }));
  try {
    template.render(messages as never, { addGenerationPrompt: true });
  } catch (error) {
    if (!(error instanceof RowProblem)) throw error; // the row is left out, with this reason
  }
}

const chatTemplate = `{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
{{ raise_exception('roles') }}{% endif %}{{ '<|' + message['role'] + '|>' + message['content'] | trim }}{% endfor %}
{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}`;
const generation = { temperature: 0.7, top_p: 0.9, top_k: 50, eos_token_id: [1, 2], max_new_tokens: 100 };
const fixture = (path: string) => () => readFileSync(new URL(`../../packages/${path}`, import.meta.url));

const textModules = ['Transformer', 'Pooling', 'Normalize'].map((name, idx) => ({
  idx,
  name: String(idx),
  path: idx === 0 ? '' : `${idx}_${name}`,
  type: `sentence_transformers.models.${name}`,
}));
const pictures = {
  image_processor_type: 'Qwen2VLImageProcessorFast',
  size: { shortest_edge: 65536, longest_edge: 16777216 },
  patch_size: 16,
  temporal_patch_size: 2,
  merge_size: 2,
  image_mean: [0.5, 0.5, 0.5],
  image_std: [0.5, 0.5, 0.5],
};

const targets: readonly Target[] = [
  {
    name: 'llmf.yaml',
    sample: () => readFileSync(join(firstRun, 'llmf.yaml')),
    read: (file) => readConfig(folderOf(file), file),
  },
  {
    name: 'llmf.json',
    sample: () => Buffer.from('{"model":{"path":"m"},"data":{"train":[{"path":"a"}]}}'),
    read: (file) => readConfig(folderOf(file), file),
  },
  { name: 'tokenizer.json', sample: model('tokenizer.json'), read: (file) => Tokenizer.load(folderOf(file)) },
  {
    name: 'model.safetensors',
    sample: model('model.safetensors'),
    read: async (file) => await (await openSafetensorsFolder(folderOf(file))).close(),
  },
  { name: 'rows.jsonl', sample: () => Buffer.from(rows.join('\n')), read: readRows },
  { name: 'rows.json', sample: () => Buffer.from(`[${rows.join()}]`), read: readRows },
  { name: 'rows.csv', sample: () => Buffer.from('prompt,response\n"a ""1"", b",c\nd,"e\nf"\n'), read: readRows },
  { name: 'rows.parquet', sample: fixture('data/fixtures/pairs-snappy.parquet'), read: readRows },
  {
    name: 'config.json',
    sample: model('config.json'),
    beside: ['model.safetensors'],
    read: (file) => loader.inspect(folderOf(file), find),
  },
  {
    name: 'generation_config.json',
    sample: () => Buffer.from(JSON.stringify(generation)),
    beside: ['config.json'],
    read: (file) => readGenerationDefaults(folderOf(file), folderOf(file)),
  },
  {
    name: 'model.safetensors.index.json',
    sample: () => Buffer.from('{"metadata":{"total_size":1},"weight_map":{"a.weight":"model-1.safetensors"}}'),
    read: async (file) => await (await openSafetensorsFolder(folderOf(file))).close(),
  },
  {
    name: 'adapter_config.json',
    sample: fixture('nn/fixtures/peft-lora/adapter_config.json'),
    read: (file) => readAdapterConfig(file, 'adapter.path', loraForm, []),
  },
  {
    name: 'heads.json',
    sample: () => Buffer.from(headsText([{ name: 'score', outputs: 1, at: 'last', bias: true, hidden: [4] }])),
    read: (file) => readHeads(folderOf(file)),
  },
  {
    name: 'modules.json',
    sample: () => Buffer.from(JSON.stringify(textModules)),
    read: (file) => vectorsOf(folderOf(file)),
  },
  {
    name: 'config.json',
    title: 'pooling',
    sample: () =>
      Buffer.from('{"word_embedding_dimension":384,"pooling_mode_mean_tokens":true,"pooling_mode_cls_token":false}'),
    read: async (file) => {
      writeFileSync(join(file, '..', 'modules.json'), JSON.stringify([{ ...textModules[1], path: '' }]));
      return await vectorsOf(folderOf(file));
    },
  },
  {
    name: 'preprocessor_config.json',
    sample: () => Buffer.from(JSON.stringify(pictures)),
    read: (file) => readProcessorConfig(folderOf(file)),
  },
  {
    name: 'chat_template.jinja',
    sample: () => Buffer.from(chatTemplate),
    beside: ['tokenizer.json', 'tokenizer_config.json'],
    read: renderTemplate,
  },
  ...['llama', 'qwen3'].map((name): Target => ({
    name: `${name}.gguf`,
    sample: fixture(`models/fixtures/${name}.gguf`),
    read: async (file) => await loadWhole(await ggufFolder(file, join(folderOf(file), 'cache'))),
  })),
  ...['nf4', 'int8', 'gptq-act-order', 'awq'].flatMap((layout) =>
    ['config.json', 'model.safetensors'].map((name): Target => ({
      name,
      title: `${layout} ${name}`,
      within: quantized(layout),
      sample: () => readFileSync(join(quantized(layout), name)),
      read: (file) => loadWhole(folderOf(file)),
    })),
  ),
  ...['rgb-98x42.png', 'jpeg-420.jpg', 'gif-animated.gif', 'webp-lossy.webp'].map((name): Target => ({
    name,
    sample: picture(name),
    read: (file) => readImageHeader(memorySource(readFileSync(file), name)),
  })),
];

export type Random = () => number;

/** mulberry32: the same seed makes the same file. */
export function randomOf(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One to four mutations, most of them where headers are. */
export function mutated(sample: Buffer, random: Random): Buffer {
  let bytes: Buffer = Buffer.from(sample);
  for (let times = 1 + Math.floor(random() * 4); times > 0; times--) {
    bytes = mutations[Math.floor(random() * mutations.length)]!(bytes, random);
  }
  return bytes;
}

const placeIn = (bytes: Buffer, random: Random) =>
  Math.floor(random() * (random() < 0.7 ? Math.min(bytes.length, 256) : bytes.length));

const extremes = ['99999999999999999999', '-1', '1e308', 'null', '"', '[[[[', '{}', '\0', '\uFFFF', '&a [*a]', '<<: 5'];

const mutations: readonly ((bytes: Buffer, random: Random) => Buffer)[] = [
  (bytes, random) => {
    const at = placeIn(bytes, random);
    if (at < bytes.length) bytes[at] = Math.floor(random() * 256);
    return bytes;
  },
  (bytes, random) => bytes.subarray(0, placeIn(bytes, random)),
  (bytes, random) => {
    const at = placeIn(bytes, random);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + Math.floor(random() * 16))]);
  },
  (bytes, random) => {
    const at = placeIn(bytes, random);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at, at + 64), bytes.subarray(at)]);
  },
  (bytes, random) => {
    const at = placeIn(bytes, random);
    const text = extremes[Math.floor(random() * extremes.length)]!;
    return Buffer.concat([bytes.subarray(0, at), Buffer.from(text), bytes.subarray(at)]);
  },
  (bytes, random) => {
    const numbers = [...bytes.toString('latin1').matchAll(/\d+/g)];
    const chosen = numbers[Math.floor(random() * numbers.length)];
    if (chosen === undefined) return bytes;
    const rest = bytes.subarray(chosen.index + chosen[0].length);
    return Buffer.concat([bytes.subarray(0, chosen.index), Buffer.from(String(2 ** Math.floor(random() * 70))), rest]);
  },
];
