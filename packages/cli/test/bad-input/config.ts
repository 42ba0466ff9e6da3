// SPDX-License-Identifier: Apache-2.0
import { asConfigFile, changed, inConfig, type BadInput } from './bad-input.js';

export const configFiles = asConfigFile([
  ['a config of another kind', 'my.toml', 'a = 1', 'CONFIG_KIND', '.yaml, .yml, .json or .mjs'],
  ['broken YAML', 'llmf.yaml', 'train:\n  seed: [1\noutput: x\n', 'CONFIG_SYNTAX', 'llmf.yaml:3:1'],
  ['a tab in YAML', 'llmf.yaml', 'train:\n\tseed: 1\n', 'CONFIG_SYNTAX', 'llmf.yaml:2:1'],
  ['a key written twice', 'llmf.yaml', 'output: a\noutput: b\n', 'CONFIG_SYNTAX', 'llmf.yaml:2:1'],
  ['broken JSON', 'llmf.json', '{\n  "output": "x"\n  "train": {}\n}', 'CONFIG_SYNTAX', 'llmf.json:3:3'],
  ['JSON that ends too early', 'llmf.json', '{\n  "output": "x",', 'CONFIG_SYNTAX', 'llmf.json:2:'],
  ['a list as config', 'llmf.yaml', '- a\n', 'CONFIG_SHAPE', 'a list'],
  ['a module config that throws', 'llmf.mjs', 'throw new Error("my bug")', 'CONFIG_PROGRAM', 'my bug'],
]);

export const configChoice: BadInput[] = [
  { title: 'no config', files: {}, argv: ['train'], code: 'LLMF_CORE_CONFIG_MISSING', text: 'llmf.yaml, llmf.yml' },
  {
    title: 'two configs in the folder',
    files: { 'llmf.yaml': '', 'llmf.json': '{}' },
    argv: ['train'],
    code: 'LLMF_CORE_CONFIG_AMBIGUOUS',
    text: 'llmf.yaml, llmf.json',
  },
  {
    title: 'a plugin of the config that is not installed',
    files: { 'llmf.yaml': changed('plugins: [loss-nowhere]') },
    argv: ['train'],
    code: 'LLMF_CORE_PLUGIN_NOT_FOUND',
    text: 'llmf-plugin-loss-nowhere',
  },
];

export const keys = inConfig([
  ['an unknown key', 'lerningRate: 1', 'UNKNOWN_KEY', 'llmf.yaml:6:1'],
  ['a misspelt section', 'trian: { seed: 1 }', 'UNKNOWN_KEY', 'did you mean "train"'],
  ['a key of another system', 'train: { learning_rate: 1e-5 }', 'UNKNOWN_KEY', 'did you mean "learningRate"'],
  ['a key outside its section', 'learningRate: 1e-5', 'UNKNOWN_KEY', 'move it to the section train'],
  ['a key of a plugin that is not loaded', 'wandb: { project: x }', 'UNKNOWN_KEY', 'load the plugin that reads it'],
  ['text for a number', 'train: { epochs: two }', 'BAD_VALUE', 'got: "two" (text)'],
  ['a negative learning rate', 'train: { learningRate: -1 }', 'BAD_VALUE', 'expected: number > 0'],
  ['a fraction of a row', 'train: { batchSize: 0.5 }', 'BAD_VALUE', 'whole number ≥ 1'],
  ['a warm-up longer than the run', 'train: { warmupRatio: 1.5 }', 'BAD_VALUE', '≥ 0 and ≤ 1'],
  ['a list for a section', 'train: [1]', 'BAD_VALUE', 'got: [1] (list)'],
  ['a number for a folder', ['output: run', 'output: 5'], 'BAD_VALUE', '"output"'],
  ['one plugin without a list', 'plugins: loss-dpo', 'BAD_VALUE', 'list of texts'],
  ['no model', [/model: .*\n/, ''], 'MISSING_KEY', '"model.path" is missing'],
  ['no data', [/data: .*\n/, ''], 'MISSING_KEY', '"data.train" is missing'],
  ['data without entries', [/data: .*\n/, 'data: { train: [] }\n'], 'BAD_VALUE', '"data.train"'],
  ['an unknown key of a data entry', ['path: rows', 'file: rows'], 'UNKNOWN_KEY', 'data.train.0.file'],
  ['an unknown stage', ['stage: toy', 'stage: tyo'], 'UNKNOWN_NAME', 'write "toy"'],
  ['an unknown loss', 'loss: dop', 'UNKNOWN_NAME', 'there is no loss named "dop"'],
  ['an unknown adapter', 'adapter: { name: loar }', 'UNKNOWN_NAME', 'llmf.yaml:6:18'],
  ['an unknown reference', 'reference: aut', 'UNKNOWN_NAME', 'write "auto"'],
  [
    'rewards for a stage that writes no answers',
    'rewards: { name: function, path: reward.mjs }',
    'CHOICE_UNREAD',
    'llmf.yaml:6:10',
  ],
  ['an option of another adapter', 'adapter: { name: none, rank: 8 }', 'UNKNOWN_KEY', 'belongs to adapter lora'],
  ['a rank of zero', 'adapter: { rank: 0 }', 'BAD_VALUE', '"adapter.rank"'],
  ['a dropout of one', 'adapter: { dropout: 1 }', 'BAD_VALUE', 'number ≥ 0 and < 1'],
  ['an unknown backend', ['backend: toy', 'backend: cuda'], 'UNKNOWN_NAME', 'there is no backend named "cuda"'],
  ['an unknown backend option', ['backend: toy', 'backend: { name: toy, gpu: 1 }'], 'UNKNOWN_KEY', 'backend.gpu'],
  [
    'a precision it lacks',
    ['toy\nmodel', '{ name: toy, precision: bf16 }\nmodel'],
    'PRECISION_UNSUPPORTED',
    'f32 or auto',
  ],
  ['a precision nobody has', ['backend: toy', 'backend: { precision: f8 }'], 'BAD_VALUE', 'one of auto, f32, bf16'],
  ['a negative weight of a loss', 'loss: [{ name: toy, weight: -1 }]', 'BAD_VALUE', '"loss.0.weight"'],
  ['an empty list of losses', 'loss: []', 'BAD_VALUE', '"loss"'],
  ['a loss entry without a name', 'loss: [{ weight: 1 }]', 'MISSING_KEY', '"loss.0.name" is missing'],
  ['several mistakes', 'a: 1\ntrain: { seed: x, epochs: 0 }', 'CONFIG_INVALID', 'the config has 3 mistakes'],
]);
