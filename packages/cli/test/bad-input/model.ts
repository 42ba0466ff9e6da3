// SPDX-License-Identifier: Apache-2.0
import { readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestFolder } from '../support/folder.js';
import { inTinyRun, pluginSource, type TinyRun } from './bad-input.js';

const weights = (folder: TestFolder) => join(folder.path, 'model', 'model.safetensors');

type Header = Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;

/** Rewrites the JSON header of the weights; the numbers behind it stay. */
const header = (change: (header: Header) => void): TinyRun => ({
  async prepare(folder) {
    const bytes = await readFile(weights(folder));
    const length = Number(bytes.readBigUInt64LE(0));
    const content = JSON.parse(bytes.subarray(8, 8 + length).toString()) as Header;
    delete (content as Record<string, unknown>)['__metadata__'];
    change(content);
    const text = Buffer.from(JSON.stringify(content));
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(text.length));
    await writeFile(weights(folder), Buffer.concat([size, text, bytes.subarray(8 + length)]));
  },
});

/** Writes the size field alone. */
const headerSize = (size: bigint): TinyRun => ({
  async prepare(folder) {
    const bytes = await readFile(weights(folder));
    bytes.writeBigUInt64LE(size);
    await writeFile(weights(folder), bytes);
  },
});

/** Changes values of config.json. */
const config = (changes: Record<string, unknown>): TinyRun => ({
  async prepare(folder) {
    const path = join(folder.path, 'model', 'config.json');
    const content = JSON.parse(await readFile(path, 'utf8')) as object;
    await writeFile(path, JSON.stringify({ ...content, ...changes }));
  },
});

const setting = (line: string): TinyRun => ({ config: [['output: run', `${line}\noutput: run`]] });
/** Sets a key of `train` besides those of the tiny run. */
const trained = (line: string): TinyRun => ({
  config: [['train: { maxSteps: 2,', `train: { ${line}, maxSteps: 2,`]],
});
const norm = 'model.norm.weight';

const pairPlugin = pluginSource(`engine.provide(Symbol.for('llmf:loss'), {
  name: 'pairs',
  needs: () => ({ rows: 'pair', reference: 'required', stats: [], span: 'response', coupling: 'item' }),
  compute: () => [],
  atReference: () => null,
})`);
const pair = '{"prompt":"What is a goat?","chosen":"It is an animal.","rejected":"Go away!"}\n';

/** A plugin's loss that compares pairs with a reference; it brings the stage `preference` along. */
const pairLoss = (line: string): TinyRun => ({
  config: [['stage: sft', `plugins: [./pairs.mjs]\n${line}`]],
  files: { 'pairs.mjs': pairPlugin, 'rows.jsonl': pair.repeat(2) },
});

export const model = inTinyRun([
  ['a model that is not there', { config: [['path: model', 'path: ./modell']] }, 'MODELS_FOLDER_MISSING', 'modell'],
  [
    'a model without config.json',
    { prepare: (f) => rm(join(f.path, 'model/config.json')) },
    'MODELS_CONFIG_UNREADABLE',
    'config.json',
  ],
  [
    'a broken config.json',
    { files: { 'model/config.json': '{"model_type"' } },
    'MODELS_CONFIG_UNREADABLE',
    'config.json',
  ],
  ['a config without model_type', config({ model_type: undefined }), 'MODELS_MODEL_TYPE', 'model_type'],
  ['an unknown architecture', config({ model_type: 'qwen22' }), 'CORE_UNKNOWN_NAME', 'qwen2'],
  ['a wrong value in config.json', config({ hidden_size: 'big' }), 'NN_CONFIG_VALUE', 'hidden_size'],
  ['something that is not computed', config({ hidden_act: 'mish' }), 'NN_UNSUPPORTED', 'hidden_act'],
  ['a model without weights', { prepare: (f) => rm(weights(f)) }, 'CORE_NO_WEIGHTS', 'model.safetensors'],
  [
    'weights that were cut short',
    { prepare: (f) => truncate(weights(f), 50_000) },
    'CORE_SAFETENSORS_TRUNCATED',
    'model.safetensors',
  ],
  [
    'weights cut within the header',
    { prepare: (f) => truncate(weights(f), 100) },
    'CORE_SAFETENSORS_TRUNCATED',
    'cut short',
  ],
  ['a header size that lies', headerSize(1n << 62n), 'CORE_SAFETENSORS_HEADER', 'header length'],
  ['a header that is not JSON', headerSize(10n), 'CORE_SAFETENSORS_HEADER', 'header'],
  ['offsets beyond the file', header((h) => (h[norm]!.data_offsets[1] += 1e9)), 'CORE_SAFETENSORS_OFFSETS', norm],
  ['a shape that does not fit its bytes', header((h) => (h[norm]!.shape = [63])), 'CORE_SAFETENSORS_OFFSETS', norm],
  ['an unknown dtype', header((h) => (h[norm]!.dtype = 'F7')), 'CORE_SAFETENSORS_DTYPE', 'F7'],
  ['a weight less', config({ num_hidden_layers: 3 }), 'MODELS_WEIGHT_MISSING', 'model.layers.2'],
  ['a weight more', config({ num_hidden_layers: 1 }), 'MODELS_WEIGHT_UNEXPECTED', 'model.layers.1'],
  ['a weight of another shape', config({ intermediate_size: 128 }), 'MODELS_WEIGHT_SHAPE', '[128, 64]'],
  [
    'an adapter target that is not there',
    setting('adapter: { targets: [q_prj] }'),
    'NN_UNKNOWN_TARGET',
    'llmf.yaml:6:21, adapter.targets',
  ],
  ['an adapter pattern that is none', setting('adapter: { targets: "/q_(/" }'), 'NN_BAD_PATTERN', '/q_(/'],
  ['an adapter folder that is not there', setting('adapter: { path: ./gone }'), 'NN_ADAPTER_FILE', 'no such folder'],
  [
    'a reference that is not there',
    pairLoss('reference: { path: ./gone }'),
    'TRAINING_REFERENCE_MISSING',
    'llmf.yaml:3:20, reference.path\n  got: ./gone (there is no model folder at this path)',
  ],
  [
    'a reference that is no model',
    { ...pairLoss('reference: { path: . }') },
    'MODELS_CONFIG_UNREADABLE',
    'config.json',
  ],
  [
    'a reference without the adapter that it switches off',
    pairLoss('reference: adapter-off\nadapter: none'),
    'TRAINING_REFERENCE_NEEDS_ADAPTER',
    'llmf.yaml:3:12, reference\n',
  ],
  [
    'rows that are longer than the model has positions',
    {
      config: [['maxLength: 64', 'maxLength: 4096']],
      files: { 'rows.jsonl': JSON.stringify({ prompt: 'q'.repeat(1500), response: 'a'.repeat(1500) }) },
    },
    'TRAINING_TOO_LONG',
    'llmf.yaml:3:51, data.maxLength',
  ],
  [
    'the best of evaluations that there are none of',
    trained('keepBest: { metric: eval_loss }'),
    'CORE_METRIC_ABSENT',
    'set data.eval',
  ],
  [
    'a stop by evaluations that there are none of',
    trained('earlyStopping: { patience: 2 }'),
    'CORE_METRIC_ABSENT',
    'train.earlyStopping',
  ],
  [
    'a group of parameters that matches none',
    trained('groups: [{ match: q_prj, rate: 2 }]'),
    'TRAINING_GROUP_EMPTY',
    'q_prj',
  ],
  [
    'an output folder that holds a model',
    { config: [['output: run', 'output: model']] },
    'CORE_OUTPUT_HOLDS_WEIGHTS',
    'model.safetensors',
  ],
  ['a reference that no loss compares with', setting('reference: copy'), 'TRAINING_REFERENCE_UNUSED', 'loss sft'],
  ['a loss of pairs over single answers', pairLoss('stage: sft'), 'TRAINING_LOSS_ROWS', 'does not fit stage sft'],
  [
    'an unknown schedule',
    { config: [['maxSteps: 2', 'maxSteps: 2, schedule: cosin']] },
    'CORE_UNKNOWN_NAME',
    'write "cosine"',
  ],
  [
    'an unknown optimizer',
    { config: [['maxSteps: 2', 'maxSteps: 2, optimizer: adam']] },
    'CORE_UNKNOWN_NAME',
    'write "adamw"',
  ],
  [
    'an unknown option of it',
    { config: [['maxSteps: 2', 'maxSteps: 2, optimizer: { name: adamw, betas: 1 }']] },
    'CORE_UNKNOWN_KEY',
    'did you mean "beta1"?',
  ],
  [
    'an unknown option of the schedule',
    { config: [['maxSteps: 2', 'maxSteps: 2, schedule: { name: cosine, cycle: 2 }']] },
    'CORE_UNKNOWN_KEY',
    'did you mean "cycles"?',
  ],
]);
