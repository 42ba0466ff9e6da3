// SPDX-License-Identifier: Apache-2.0
// What each kind of tuning costs on one model: largest memory of the process, and processor seconds of a step (user and
// system, of all threads; a run of a few steps less a run of one, so that the start does not count).
//
//   node benchmarks/methods.mjs [--steps 9] [--methods lora,dpo] [--config config.json]
//
// The model has 34 million random weights in bf16 unless a config is named; rows are those of examples/first-run, 8 a step.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cachedModel } from './support/llmf-run.mjs';
import { printTable } from './support/results.mjs';

const repository = join(import.meta.dirname, '..');
const command = join(repository, 'packages', 'cli', 'bin', 'llmf.js');
const lora = { name: 'lora', rank: 8 };
const sft = { stage: 'sft' };
const pairs = (name, more = {}) => ({ plugins: [`loss-${name}`], loss: name, ...more });

/** Config keys of each method, beside the shared ones. */
const methods = {
  'all weights': { ...sft, adapter: 'none' },
  'all weights, adamw8bit': { ...sft, adapter: 'none', train: { optimizer: 'adamw8bit' } },
  'last two blocks': { ...sft, adapter: { name: 'freeze', trainableLayers: 2 } },
  lora: { ...sft, adapter: lora },
  'lora on nf4': { ...sft, adapter: lora, quantization: 'nf4' },
  dora: { ...sft, adapter: { name: 'dora', rank: 8 } },
  ia3: { ...sft, adapter: 'ia3' },
  'prompt tuning': { ...sft, adapter: { name: 'prompt-tuning', tokens: 20 } },
  'prefix tuning': { ...sft, adapter: { name: 'prefix-tuning', tokens: 20 } },
  'dpo, lora': pairs('dpo', { adapter: lora }),
  'dpo, all weights, cached reference': pairs('dpo', { adapter: 'none', reference: 'cached' }),
  'dpo, all weights, copied reference': pairs('dpo', { adapter: 'none', reference: 'copy' }),
  'orpo, lora': pairs('orpo', { adapter: lora }),
  'simpo, lora': pairs('simpo', { adapter: lora }),
  'kto, lora': pairs('kto', { adapter: lora, stage: 'unpaired' }),
};

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '9' },
    methods: { type: 'string', default: Object.keys(methods).join(';') },
    config: { type: 'string', default: join(import.meta.dirname, 'support', 'methods-model.json') },
  },
});
const model = await cachedModel(values.config, 'BF16');
const rows = values.methods.split(';').map((name) => {
  const [one, many] = [1, Number(values.steps)].map((steps) => measured(methods[name], steps));
  return { name, memory: many.memory / 2 ** 20, seconds: (many.seconds - one.seconds) / (Number(values.steps) - 1) };
});
printTable(
  ['Method', 'Peak MiB', 'CPU seconds a step'],
  rows.map(({ name, memory, seconds }) => [name, memory.toFixed(0), seconds.toFixed(2)]),
);

/** Trains in an empty folder; the largest resident memory in bytes, processor seconds of the whole process. */
function measured({ plugins = [], train = {}, ...method }, maxSteps) {
  const folder = mkdtempSync(join(tmpdir(), 'llmf-methods-'));
  try {
    const config = {
      model: { path: model },
      data: { train: [{ path: join(repository, 'examples', 'first-run', 'data', 'train.json') }], maxLength: 128 },
      train: { batchSize: 8, gradientAccumulation: 1, maxSteps, logEvery: 1, saveEvery: null, seed: 1, ...train },
      plugins: plugins.map((name) => join(repository, 'packages', name)),
      output: 'run',
      ...method,
    };
    writeFileSync(join(folder, 'llmf.json'), JSON.stringify(config));
    const timed = `TIMEFORMAT='%U %S'; time "$@" > output.txt 2>&1`;
    const words = ['-c', timed, 'bash', process.execPath, command, 'train', 'llmf.json'];
    const { status, stderr } = spawnSync('bash', words, { cwd: folder, encoding: 'utf8' });
    if (status !== 0) throw new Error(readFileSync(join(folder, 'output.txt'), 'utf8').slice(-2000));
    const [user, system] = stderr.trim().split('\n').at(-1).split(' ').map(Number);
    const lines = readFileSync(join(folder, 'run', 'metrics.jsonl'), 'utf8')
      .trim()
      .split('\n');
    const memory = Math.max(...lines.map((line) => JSON.parse(line).peakMemoryBytes ?? 0));
    return { memory, seconds: user + system };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
