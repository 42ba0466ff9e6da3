// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  asConfigFile,
  changed,
  inConfig,
  inPlugin,
  onCommandLine,
  pluginSource,
  train,
  type BadInput,
} from './support/bad-input.js';
import { TestFolder, toyConfig } from './support/folder.js';

const commandLine = onCommandLine([
  ['an unknown command', ['trian'], 'CLI_USAGE', 'perhaps train'],
  ['an unknown flag', ['train', '--plugn', 'x'], 'CLI_USAGE', 'perhaps --plugin'],
  ['a flag without its value', ['train', '--plugin'], 'CLI_USAGE', 'argument missing'],
  ['two configs', ['train', 'a.yaml', 'b.yaml'], 'CLI_USAGE', '"b.yaml" is neither'],
  ['too many arguments', ['env', 'x'], 'CLI_USAGE', 'too many arguments'],
  ['an override that is not YAML', [...train, 'train.seed=[1'], 'CORE_OVERRIDE', 'got: train.seed=[1'],
  ['an override beyond a list', [...train, 'data.train.7.path=x'], 'CORE_OVERRIDE', 'is a list of 1'],
  ['an override below a number', [...train, 'train.seed=1', 'train.seed.x=1'], 'CORE_OVERRIDE', '"train.seed" is 1'],
  ['an override of a wrong type', [...train, 'train.seed=abc'], 'CORE_BAD_VALUE', 'command line: train.seed=abc'],
  ['an override of an unknown key', [...train, 'train.sed=1'], 'CORE_UNKNOWN_KEY', 'did you mean "seed"'],
  ['a config that is not there', ['train', 'gone.yaml'], 'CORE_CONFIG_UNREADABLE', 'ENOENT'],
  [
    'a plugin that is not installed',
    ['train', '--plugin', 'loss-x'],
    'CORE_PLUGIN_NOT_FOUND',
    'npm install @llmf/loss-x',
  ],
  ['a scoped one', ['train', '--plugin', '@me/llmf-x'], 'CORE_PLUGIN_NOT_FOUND', 'npm install @me/llmf-x'],
  ['a plugin file that is not there', ['train', '--plugin', './gone.mjs'], 'CORE_PLUGIN_FILE_MISSING', 'gone.mjs'],
]);

const configFiles = asConfigFile([
  ['a config of another kind', 'my.toml', 'a = 1', 'CONFIG_KIND', '.yaml, .yml, .json or .mjs'],
  ['broken YAML', 'llmf.yaml', 'train:\n  seed: [1\noutput: x\n', 'CONFIG_SYNTAX', 'llmf.yaml:3:1'],
  ['a tab in YAML', 'llmf.yaml', 'train:\n\tseed: 1\n', 'CONFIG_SYNTAX', 'llmf.yaml:2:1'],
  ['a key written twice', 'llmf.yaml', 'output: a\noutput: b\n', 'CONFIG_SYNTAX', 'llmf.yaml:2:1'],
  ['broken JSON', 'llmf.json', '{\n  "output": "x"\n  "train": {}\n}', 'CONFIG_SYNTAX', 'llmf.json:3:3'],
  ['JSON that ends too early', 'llmf.json', '{\n  "output": "x",', 'CONFIG_SYNTAX', 'llmf.json:2:'],
  ['a list as config', 'llmf.yaml', '- a\n', 'CONFIG_SHAPE', 'a list'],
  ['a module config that throws', 'llmf.mjs', 'throw new Error("my bug")', 'CONFIG_UNREADABLE', 'my bug'],
]);

const configChoice: BadInput[] = [
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

const keys = inConfig([
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

const plugins = inPlugin([
  ['a plugin with a syntax error', 'export default {', 'PLUGIN_LOAD', 'mine.mjs'],
  ['a plugin that throws when loaded', 'throw new Error("no luck")', 'PLUGIN_LOAD', 'no luck'],
  ['a file that is no plugin', 'export const x = 1;', 'PLUGIN_SHAPE', 'a default export that is a plugin'],
  ['a plugin for another API', pluginSource('', { apiVersion: 99 }), 'API_VERSION', 'got: apiVersion 99'],
  ['a plugin with the name of another', pluginSource('', { name: 'toy' }), 'PLUGIN_TWICE', '"toy"'],
  ['a plugin that fails when applied', pluginSource('null.x'), 'PLUGIN_FAILED', '"mine" failed in apply', 2],
  [
    'a plugin whose tap fails',
    pluginSource('engine.hooks.run.tap("mine", () => null.x)'),
    'PLUGIN_FAILED',
    'plugin "mine" failed in hook run',
    2,
  ],
  [
    'a plugin that wants to go before nobody',
    pluginSource('engine.hooks.run.tap({ name: "mine", before: "nobody" }, () => {})'),
    'HOOK_ORDER',
    '"nobody"',
  ],
]);

const toyStage = (option: string) => changed(['stage: toy', `stage: { name: toy, ${option} }`]);

const runs: BadInput[] = [
  {
    title: 'the output folder of another run',
    files: { 'llmf.yaml': toyConfig, 'run/metrics.jsonl': '{"step":1}\n', 'run/run.json': '{}' },
    argv: train,
    code: 'LLMF_CORE_OUTPUT_IN_USE',
    text: '--resume',
  },
  {
    title: 'an output folder below a file',
    files: { 'llmf.yaml': changed(['output: run', 'output: file/run']), file: 'precious' },
    argv: train,
    code: 'LLMF_CORE_OUTPUT_UNWRITABLE',
    text: 'ENOTDIR',
  },
  {
    title: 'an output that is a file',
    files: { 'llmf.yaml': toyConfig, run: 'precious' },
    argv: train,
    code: 'LLMF_CORE_OUTPUT_UNWRITABLE',
    text: 'EEXIST',
  },
  {
    title: 'a loss that is not a number',
    files: { 'llmf.yaml': toyStage('nanAt: 3') },
    argv: train,
    code: 'LLMF_CORE_LOSS_NOT_FINITE',
    text: 'the loss of step 3',
  },
  {
    title: 'a full disk',
    files: { 'llmf.yaml': toyStage('noSpaceAt: 2') },
    argv: train,
    code: 'LLMF_CLI_SYSTEM',
    text: 'make room on the disk',
  },
  {
    title: 'a fault of the code',
    files: { 'llmf.yaml': toyStage('failAt: 2') },
    argv: train,
    code: 'LLMF_CLI_UNEXPECTED',
    text: 'toy.stumble is not a function',
    status: 2,
  },
];

const groups = { commandLine, configFiles, configChoice, keys, plugins, runs };

let folder: TestFolder;
beforeEach(async () => {
  folder = await TestFolder.create();
});
afterEach(() => folder.remove());

describe.each(Object.entries(groups))('bad input: %s', (_, cases) => {
  it.each(cases)('$title', async ({ files = { 'llmf.yaml': toyConfig }, argv, code, text, status = 1, prepare }) => {
    for (const [name, content] of Object.entries(files)) await folder.write(name, content);
    await prepare?.(folder);
    const before = await folder.snapshot();
    const result = await folder.llmf(...argv);
    expect(result.err).toContain(`${code}: `);
    expect(result.err).toContain(text);
    expect(result.err).not.toMatch(/\n\s+at .*\(.*:\d+:\d+\)/); // no stack trace
    expect(result.status).toBe(status);
    const after = await folder.snapshot();
    for (const [file, content] of before) expect(after.get(file), `${file} was changed`).toBe(content);
  });
});

describe('the table', () => {
  it('holds at least 60 bad inputs, each told apart by its title', () => {
    const all = Object.values(groups).flat();
    expect(all.length).toBeGreaterThanOrEqual(60);
    expect(new Set(all.map(({ title }) => title)).size).toBe(all.length);
  });
});

describe('--debug', () => {
  it('adds version and stack trace', async () => {
    await folder.write('llmf.yaml', toyStage('failAt: 1'));
    const { err } = await folder.llmf(...train, '--debug');
    expect(err).toMatch(/^llmf \d+\.\d+\.\d+ \(/);
    expect(err).toMatch(/TypeError: toy\.stumble[^]*\n\s+at .*toy\.mjs/);
    expect(err).toContain('This is our fault');
  });
});
