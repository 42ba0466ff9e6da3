// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestFolder, toyConfig, toyPlugin } from './support/folder.js';

/** One thing a user may get wrong, and what llmf must say. */
interface BadInput {
  readonly title: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly argv: readonly string[];
  readonly code: string;
  readonly text: string;
  readonly status?: number;
  readonly prepare?: (folder: TestFolder) => Promise<void>;
}

const train = ['train', '--plugin', toyPlugin];
const withLine = (line: string) => ({ 'llmf.yaml': `${toyConfig}${line}\n` });
const plugin = (body: string) => ({ 'llmf.yaml': toyConfig, 'mine.mjs': body });

const commandLine: BadInput[] = [
  { title: 'an unknown command', argv: ['trian'], code: 'LLMF_CLI_USAGE', text: 'perhaps train' },
  { title: 'an unknown flag', argv: ['train', '--plugn', 'x'], code: 'LLMF_CLI_USAGE', text: 'perhaps --plugin' },
  { title: 'a flag without its value', argv: ['train', '--plugin'], code: 'LLMF_CLI_USAGE', text: 'argument missing' },
  { title: 'two configs', argv: ['train', 'a.yaml', 'b.yaml'], code: 'LLMF_CLI_USAGE', text: '"b.yaml" is neither' },
  { title: 'too many arguments', argv: ['env', 'x'], code: 'LLMF_CLI_USAGE', text: 'too many arguments' },
  {
    title: 'a broken override',
    argv: [...train, 'train.seed=[1'],
    code: 'LLMF_CORE_OVERRIDE',
    text: 'got: train.seed=[1',
  },
  {
    title: 'an override inside a number',
    argv: [...train, 'output.x=1', 'train.seed.x=1'],
    code: 'LLMF_CORE_OVERRIDE',
    text: 'train.seed',
    files: withLine('train: { seed: 1 }'),
  },
  {
    title: 'an override beyond a list',
    argv: [...train, 'data.train.7.path=x'],
    code: 'LLMF_CORE_OVERRIDE',
    text: 'is a list of 1',
  },
  {
    title: 'an override of a wrong type',
    argv: [...train, 'train.seed=abc'],
    code: 'LLMF_CORE_BAD_VALUE',
    text: 'command line: train.seed=abc',
  },
  {
    title: 'an override of an unknown key',
    argv: [...train, 'train.sed=1'],
    code: 'LLMF_CORE_UNKNOWN_KEY',
    text: 'did you mean "seed"',
  },
];

const configFiles: BadInput[] = [
  {
    title: 'no config',
    files: {},
    argv: ['train'],
    code: 'LLMF_CORE_CONFIG_MISSING',
    text: 'llmf.yaml, llmf.yml, llmf.json, llmf.mjs',
  },
  {
    title: 'a config that is not there',
    argv: ['train', 'gone.yaml'],
    code: 'LLMF_CORE_CONFIG_UNREADABLE',
    text: 'ENOENT',
  },
  {
    title: 'two configs in the folder',
    files: { 'llmf.yaml': '', 'llmf.json': '{}' },
    argv: ['train'],
    code: 'LLMF_CORE_CONFIG_AMBIGUOUS',
    text: 'llmf.yaml, llmf.json',
  },
  {
    title: 'a config of another kind',
    files: { 'my.toml': 'a = 1' },
    argv: ['train', 'my.toml'],
    code: 'LLMF_CORE_CONFIG_KIND',
    text: '.yaml, .yml, .json or .mjs',
  },
  {
    title: 'broken YAML',
    files: { 'llmf.yaml': 'train:\n  seed: [1\noutput: x\n' },
    argv: ['train'],
    code: 'LLMF_CORE_CONFIG_SYNTAX',
    text: 'llmf.yaml:3:1',
  },
  {
    title: 'a tab in YAML',
    files: { 'llmf.yaml': 'train:\n\tseed: 1\n' },
    argv: ['train'],
    code: 'LLMF_CORE_CONFIG_SYNTAX',
    text: 'llmf.yaml:2:1',
  },
  {
    title: 'a key written twice',
    files: { 'llmf.yaml': 'output: a\noutput: b\n' },
    argv: ['train'],
    code: 'LLMF_CORE_CONFIG_SYNTAX',
    text: 'llmf.yaml:2:1',
  },
  {
    title: 'broken JSON',
    files: { 'llmf.json': '{\n  "output": "x"\n  "train": {}\n}' },
    argv: ['train'],
    code: 'LLMF_CORE_CONFIG_SYNTAX',
    text: 'llmf.json:3:3',
  },
  {
    title: 'JSON that ends too early',
    files: { 'llmf.json': '{\n  "output": "x",' },
    argv: ['train'],
    code: 'LLMF_CORE_CONFIG_SYNTAX',
    text: 'llmf.json:2:',
  },
  {
    title: 'a list as config',
    files: { 'llmf.yaml': '- a\n' },
    argv: ['train'],
    code: 'LLMF_CORE_CONFIG_SHAPE',
    text: 'a list',
  },
  {
    title: 'a module config that throws',
    files: { 'llmf.mjs': 'throw new Error("my own bug")' },
    argv: ['train'],
    code: 'LLMF_CORE_CONFIG_UNREADABLE',
    text: 'my own bug',
  },
];

const keys: BadInput[] = [
  {
    title: 'an unknown key',
    files: withLine('lerningRate: 1'),
    argv: train,
    code: 'LLMF_CORE_UNKNOWN_KEY',
    text: 'llmf.yaml:6:1',
  },
  {
    title: 'a misspelt section',
    files: withLine('trian: { seed: 1 }'),
    argv: train,
    code: 'LLMF_CORE_UNKNOWN_KEY',
    text: 'did you mean "train"',
  },
  {
    title: 'a key of another system',
    files: withLine('train: { learning_rate: 1e-5 }'),
    argv: train,
    code: 'LLMF_CORE_UNKNOWN_KEY',
    text: 'did you mean "learningRate"',
  },
  {
    title: 'a key of a plugin that is not loaded',
    files: withLine('wandb: { project: x }'),
    argv: train,
    code: 'LLMF_CORE_UNKNOWN_KEY',
    text: 'load the plugin that reads it',
  },
  {
    title: 'text for a number',
    files: withLine('train: { epochs: two }'),
    argv: train,
    code: 'LLMF_CORE_BAD_VALUE',
    text: 'got: "two" (text)',
  },
  {
    title: 'a negative learning rate',
    files: withLine('train: { learningRate: -1 }'),
    argv: train,
    code: 'LLMF_CORE_BAD_VALUE',
    text: 'expected: number > 0',
  },
  {
    title: 'a fraction of a row',
    files: withLine('train: { batchSize: 0.5 }'),
    argv: train,
    code: 'LLMF_CORE_BAD_VALUE',
    text: 'whole number ≥ 1',
  },
  {
    title: 'a warm-up longer than the run',
    files: withLine('train: { warmupRatio: 1.5 }'),
    argv: train,
    code: 'LLMF_CORE_BAD_VALUE',
    text: '≥ 0 and ≤ 1',
  },
  {
    title: 'a list for a section',
    files: withLine('train: [1]'),
    argv: train,
    code: 'LLMF_CORE_BAD_VALUE',
    text: 'got: [1] (list)',
  },
  {
    title: 'a number for the output folder',
    files: { 'llmf.yaml': toyConfig.replace('output: run', 'output: 5') },
    argv: train,
    code: 'LLMF_CORE_BAD_VALUE',
    text: '"output"',
  },
  {
    title: 'one plugin without a list',
    files: withLine('plugins: loss-dpo'),
    argv: train,
    code: 'LLMF_CORE_BAD_VALUE',
    text: 'expected: list of (text (not empty))',
  },
  {
    title: 'no model',
    files: { 'llmf.yaml': toyConfig.replace(/model: .*\n/, '') },
    argv: train,
    code: 'LLMF_CORE_MISSING_KEY',
    text: 'model',
  },
  {
    title: 'no data',
    files: { 'llmf.yaml': toyConfig.replace(/data: .*\n/, '') },
    argv: train,
    code: 'LLMF_CORE_MISSING_KEY',
    text: '"data.train" is missing',
  },
  {
    title: 'data without entries',
    files: { 'llmf.yaml': toyConfig.replace(/data: .*\n/, 'data: { train: [] }\n') },
    argv: train,
    code: 'LLMF_CORE_BAD_VALUE',
    text: '"data.train"',
  },
  {
    title: 'an unknown key of a data entry',
    files: { 'llmf.yaml': toyConfig.replace('path: rows', 'file: rows') },
    argv: train,
    code: 'LLMF_CORE_UNKNOWN_KEY',
    text: 'data.train.0.file',
  },
  {
    title: 'an unknown stage',
    files: { 'llmf.yaml': toyConfig.replace('stage: toy', 'stage: tyo') },
    argv: train,
    code: 'LLMF_CORE_UNKNOWN_NAME',
    text: 'write "toy"',
  },
  {
    title: 'an unknown loss',
    files: withLine('loss: dop'),
    argv: train,
    code: 'LLMF_CORE_UNKNOWN_NAME',
    text: 'there is no loss named "dop"',
  },
  {
    title: 'an unknown adapter',
    files: withLine('adapter: { name: loar }'),
    argv: train,
    code: 'LLMF_CORE_UNKNOWN_NAME',
    text: 'llmf.yaml:6:18',
  },
  {
    title: 'an unknown backend',
    files: { 'llmf.yaml': toyConfig.replace('backend: toy', 'backend: cuda') },
    argv: train,
    code: 'LLMF_CORE_UNKNOWN_NAME',
    text: 'there is no backend named "cuda"',
  },
  {
    title: 'an option of another backend',
    files: { 'llmf.yaml': toyConfig.replace('backend: toy', 'backend: { name: toy, gpu: 1 }') },
    argv: train,
    code: 'LLMF_CORE_UNKNOWN_KEY',
    text: 'backend.gpu',
  },
  {
    title: 'a precision the backend lacks',
    files: { 'llmf.yaml': toyConfig.replace('backend: toy', 'backend: { name: toy, precision: bf16 }') },
    argv: train,
    code: 'LLMF_CORE_PRECISION_UNSUPPORTED',
    text: 'f32 or auto',
  },
  {
    title: 'a precision nobody has',
    files: { 'llmf.yaml': toyConfig.replace('backend: toy', 'backend: { name: toy, precision: f8 }') },
    argv: train,
    code: 'LLMF_CORE_BAD_VALUE',
    text: 'one of auto, f32, bf16',
  },
  {
    title: 'a negative weight of a loss',
    files: withLine('loss: [{ name: toy, weight: -1 }]'),
    argv: train,
    code: 'LLMF_CORE_BAD_VALUE',
    text: '"loss.0.weight"',
  },
  {
    title: 'an empty list of losses',
    files: withLine('loss: []'),
    argv: train,
    code: 'LLMF_CORE_BAD_VALUE',
    text: '"loss"',
  },
  {
    title: 'several mistakes at once',
    files: withLine('a: 1\ntrain: { seed: x, epochs: 0 }'),
    argv: train,
    code: 'LLMF_CORE_CONFIG_INVALID',
    text: 'the config has 3 mistakes',
  },
];

const plugins: BadInput[] = [
  {
    title: 'a plugin that is not installed',
    argv: ['train', '--plugin', 'loss-nowhere'],
    code: 'LLMF_CORE_PLUGIN_NOT_FOUND',
    text: 'run: npm install @llmf/loss-nowhere',
  },
  {
    title: 'a scoped plugin that is not installed',
    argv: ['train', '--plugin', '@me/llmf-x'],
    code: 'LLMF_CORE_PLUGIN_NOT_FOUND',
    text: 'run: npm install @me/llmf-x',
  },
  {
    title: 'a plugin of the config that is not installed',
    files: withLine('plugins: [loss-nowhere]'),
    argv: ['train'],
    code: 'LLMF_CORE_PLUGIN_NOT_FOUND',
    text: 'llmf-plugin-loss-nowhere',
  },
  {
    title: 'a plugin file that is not there',
    argv: ['train', '--plugin', './gone.mjs'],
    code: 'LLMF_CORE_PLUGIN_FILE_MISSING',
    text: 'gone.mjs',
  },
  {
    title: 'a plugin with a syntax error',
    files: plugin('export default {'),
    argv: ['train', '--plugin', './mine.mjs'],
    code: 'LLMF_CORE_PLUGIN_LOAD',
    text: 'mine.mjs',
  },
  {
    title: 'a plugin that throws when loaded',
    files: plugin('throw new Error("no luck")'),
    argv: ['train', '--plugin', './mine.mjs'],
    code: 'LLMF_CORE_PLUGIN_LOAD',
    text: 'no luck',
  },
  {
    title: 'a file that is no plugin',
    files: plugin('export const x = 1;'),
    argv: ['train', '--plugin', './mine.mjs'],
    code: 'LLMF_CORE_PLUGIN_SHAPE',
    text: 'a default export that is a plugin',
  },
  {
    title: 'a plugin for another API',
    files: plugin('export default () => ({ name: "mine", apiVersion: 99, apply() {} });'),
    argv: ['train', '--plugin', './mine.mjs'],
    code: 'LLMF_CORE_API_VERSION',
    text: 'got: apiVersion 99',
  },
  {
    title: 'a plugin that fails when applied',
    files: plugin('export default () => ({ name: "mine", apiVersion: 1, apply() { null.x; } });'),
    argv: ['train', '--plugin', './mine.mjs'],
    code: 'LLMF_CORE_PLUGIN_FAILED',
    text: 'plugin "mine" failed in apply',
    status: 2,
  },
  {
    title: 'a plugin whose tap fails',
    files: plugin(
      'export default () => ({ name: "mine", apiVersion: 1, apply({ hooks }) { hooks.run.tap("mine", () => null.x); } });',
    ),
    argv: [...train, '--plugin', './mine.mjs'],
    code: 'LLMF_CORE_PLUGIN_FAILED',
    text: 'plugin "mine" failed in hook run',
    status: 2,
  },
  {
    title: 'a plugin with the name of another',
    files: plugin('export default () => ({ name: "toy", apiVersion: 1, apply() {} });'),
    argv: [...train, '--plugin', './mine.mjs'],
    code: 'LLMF_CORE_PLUGIN_TWICE',
    text: '"toy"',
  },
  {
    title: 'a plugin that wants to go before nobody',
    files: plugin(
      'export default () => ({ name: "mine", apiVersion: 1, apply({ hooks }) { hooks.run.tap({ name: "mine", before: "nobody" }, () => {}); } });',
    ),
    argv: [...train, '--plugin', './mine.mjs'],
    code: 'LLMF_CORE_HOOK_ORDER',
    text: '"nobody"',
  },
];

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
    files: { 'llmf.yaml': toyConfig.replace('output: run', 'output: file/run'), file: 'precious' },
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
    files: { 'llmf.yaml': toyConfig.replace('stage: toy', 'stage: { name: toy, nanAt: 3 }') },
    argv: train,
    code: 'LLMF_CORE_LOSS_NOT_FINITE',
    text: 'the loss of step 3',
  },
  {
    title: 'a full disk',
    files: { 'llmf.yaml': toyConfig.replace('stage: toy', 'stage: { name: toy, noSpaceAt: 2 }') },
    argv: train,
    code: 'LLMF_CLI_SYSTEM',
    text: 'make room on the disk',
  },
  {
    title: 'a fault of the code',
    files: { 'llmf.yaml': toyConfig.replace('stage: toy', 'stage: { name: toy, failAt: 2 }') },
    argv: train,
    code: 'LLMF_CLI_UNEXPECTED',
    text: 'toy.stumble is not a function',
    status: 2,
  },
];

const groups = { commandLine, configFiles, keys, plugins, runs };

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
  it('holds at least 60 bad inputs, each told apart by code and text', () => {
    const all = Object.values(groups).flat();
    expect(all.length).toBeGreaterThanOrEqual(60);
    expect(new Set(all.map(({ title }) => title)).size).toBe(all.length);
  });
});

describe('--debug', () => {
  it('adds version and stack trace', async () => {
    await folder.write('llmf.yaml', toyConfig.replace('stage: toy', 'stage: { name: toy, failAt: 1 }'));
    const { err } = await folder.llmf(...train, '--debug');
    expect(err).toMatch(/^llmf \d+\.\d+\.\d+ \(/);
    expect(err).toMatch(/TypeError: toy\.stumble[^]*\n\s+at .*toy\.mjs/);
    expect(err).toContain('This is our fault');
  });
});
