// SPDX-License-Identifier: Apache-2.0
// Full tuning of one model by several optimizers, the same rows in the same order: loss of the last 20 steps, loss over
// held-out rows, and what each run's optimizer keeps, per weight; each beside the first one's.
//
// usage: node benchmarks/optimizers.mjs --model FOLDER --answers FILE [--optimizers adamw,adamw8bit] [--seeds 1,2,3]
//          [--steps 200] [--learning-rate 1e-5] [--batch-size 2] [--max-length 128] [--held-out 20] [--precision bf16]
//          [--threads N]
//
// The last rows of FILE (a JSON list) are held out.
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { holdOut, metricsOf } from './support/held-out.mjs';
import { printTable } from './support/results.mjs';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string' },
    answers: { type: 'string' },
    optimizers: { type: 'string', default: 'adamw,adamw8bit' },
    seeds: { type: 'string', default: '1,2,3' },
    steps: { type: 'string', default: '200' },
    'learning-rate': { type: 'string', default: '1e-5' },
    'batch-size': { type: 'string', default: '2' },
    'max-length': { type: 'string', default: '128' },
    'held-out': { type: 'string', default: '20' },
    precision: { type: 'string', default: 'bf16' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
});
const command = join(import.meta.dirname, '..', 'packages', 'cli', 'bin', 'llmf.js');
const folder = mkdtempSync(join(tmpdir(), 'llmf-optimizers-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
holdOut(options.answers, Number(options['held-out']), folder, 'answers');

const [first, ...others] = options.optimizers.split(',');
const quantities = ['last', 'heldOut', 'stateBytes'];
const rows = [];
for (const seed of options.seeds.split(',').map(Number)) {
  const beside = run(first, seed);
  rows.push([seed, first, ...quantities.flatMap((quantity) => [beside[quantity].toFixed(4), ''])]);
  for (const optimizer of others) {
    const found = run(optimizer, seed);
    const shares = quantities.flatMap((quantity) => [
      found[quantity].toFixed(4),
      (found[quantity] / beside[quantity]).toFixed(4),
    ]);
    rows.push([seed, optimizer, ...shares]);
  }
  console.log(
    rows
      .slice(-1 - others.length)
      .map((row) => row.join(' '))
      .join('\n'),
  );
}
printTable(['seed', 'optimizer', ...quantities.flatMap((quantity) => [quantity, `of ${first}'s`])], rows);

function run(optimizer, seed) {
  const output = `${optimizer}-${seed}`;
  const steps = Number(options.steps);
  const config = {
    model: { path: resolve(options.model) },
    stage: 'sft',
    adapter: 'none',
    backend: { name: 'cpu', precision: options.precision, threads: Number(options.threads) },
    data: {
      train: [{ path: 'answers.json' }],
      eval: [{ path: 'answers-held-out.json' }],
      maxLength: Number(options['max-length']),
    },
    train: {
      optimizer,
      learningRate: Number(options['learning-rate']),
      batchSize: Number(options['batch-size']),
      gradientAccumulation: 1,
      maxSteps: steps,
      logEvery: 1,
      evalEvery: null,
      saveEvery: steps,
      seed,
    },
    output,
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, 'train', 'config.json'], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(`llmf train ended with status ${status}:\n${stdout.slice(-2000)}\n${stderr}`);
  const metrics = metricsOf(join(folder, output));
  const losses = metrics.flatMap(({ loss }) => loss ?? []).slice(-20);
  const file = (name) => join(folder, output, 'checkpoints', `step-${steps}`, `${name}.safetensors`);
  const result = {
    last: losses.reduce((sum, loss) => sum + loss, 0) / losses.length,
    heldOut: metrics.findLast((row) => row.eval_loss !== undefined).eval_loss,
    stateBytes: statSync(file('optimizer')).size / (statSync(file('weights')).size / 4),
  };
  rmSync(join(folder, output), { recursive: true });
  return result;
}
