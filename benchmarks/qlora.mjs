// SPDX-License-Identifier: Apache-2.0
// What the article's recipe loses to fewer bits: supervised, then DPO from that adapter with the supervised policy as the
// reference, both on a base in each format, over several seeds, from one pipeline file; losses and accuracy over held-out
// rows, and how far each format's mean is from the first one's.
//
// usage: node benchmarks/qlora.mjs --model FOLDER --answers FILE --pairs FILE [--formats none,nf4] [--seeds 1,2,3]
//          [--steps 40] [--held-out 100] [--max-length 512] [--precision bf16] [--threads N]
//
// The last rows of each file (a JSON list) are held out.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { holdOut, metricsOf } from './support/held-out.mjs';
import { printTable } from './support/results.mjs';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string' },
    answers: { type: 'string' }, // rows of the supervised half
    pairs: { type: 'string' }, // rows of DPO
    formats: { type: 'string', default: 'none,nf4' },
    seeds: { type: 'string', default: '1,2,3' },
    steps: { type: 'string', default: '40' }, // of each half, of eight rows
    'held-out': { type: 'string', default: '100' },
    'max-length': { type: 'string', default: '512' },
    precision: { type: 'string', default: 'bf16' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
});
const command = join(import.meta.dirname, '..', 'packages', 'cli', 'bin', 'llmf.js');
const plugin = join(import.meta.dirname, '..', 'packages', 'loss-dpo');
const folder = mkdtempSync(join(tmpdir(), 'llmf-qlora-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const name of ['answers', 'pairs']) holdOut(options[name], Number(options['held-out']), folder, name);

const formats = options.formats.split(',');
const seeds = options.seeds.split(',').map(Number);
const results = new Map(formats.map((format) => [format, []]));
for (const seed of seeds) {
  for (const format of formats) {
    const result = recipe(format, seed);
    results.get(format).push(result);
    console.log(`seed ${seed}, ${format}: ${JSON.stringify(result)}`);
  }
}
report();

function recipe(format, seed) {
  const output = `${format}-${seed}`;
  const data = (name) => ({ train: [{ path: `${name}.json` }], eval: [{ path: `${name}-held-out.json` }] });
  const maxSteps = Number(options.steps);
  const pipeline = {
    output,
    common: {
      model: { path: resolve(options.model) },
      quantization: format,
      adapter: { name: 'lora', rank: 16, targets: 'all' },
      backend: { name: 'cpu', precision: options.precision, threads: Number(options.threads) },
      data: { maxLength: Number(options['max-length']) },
      train: {
        batchSize: 8,
        gradientAccumulation: 1,
        maxSteps,
        evalOnStart: true,
        evalEvery: null,
        saveEvery: null,
        seed,
      },
    },
    stages: {
      sft: { stage: 'sft', data: data('answers'), train: { learningRate: 2e-4 } },
      dpo: {
        from: 'sft',
        plugins: [plugin],
        loss: { name: 'dpo', beta: 0.1 },
        data: data('pairs'),
        train: { learningRate: 5e-5 },
      },
    },
  };
  writeFileSync(join(folder, 'pipeline.json'), JSON.stringify(pipeline));
  const words = [command, 'run', 'pipeline.json'];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status !== 0)
    throw new Error(`llmf run ended with status ${status}:\n${stdout.slice(-2000)}\n${stderr.slice(-2000)}`);
  const [sft, dpo] = ['sft', 'dpo'].map((stage) =>
    metricsOf(join(folder, output, stage)).filter((row) => row.eval_loss !== undefined),
  );
  return {
    before: sft[0].eval_loss,
    supervised: sft.at(-1).eval_loss,
    preference: dpo.at(-1).eval_loss,
    accuracy: dpo.at(-1)['eval_rewards/accuracies'],
  };
}

function report() {
  const quantities = ['before', 'supervised', 'preference', 'accuracy'];
  const mean = (format, quantity) => results.get(format).reduce((sum, one) => sum + one[quantity], 0) / seeds.length;
  printTable(
    ['format', ...quantities.flatMap((quantity) => [quantity, `less ${formats[0]}`])],
    formats.map((format) => [
      format,
      ...quantities.flatMap((quantity) => {
        const value = mean(format, quantity);
        return [value.toFixed(4), (value - mean(formats[0], quantity)).toFixed(4)];
      }),
    ]),
  );
}
