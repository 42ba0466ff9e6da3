// SPDX-License-Identifier: Apache-2.0
// The quickstart's two trainings (examples/first-run: supervised, then SimPO) on the native backend and on wasm, in turn,
// each through the real `llmf` command. Prints seconds and their ratio, appends to results.csv. Steps alone are timed:
// neither the program's start nor evaluation.
//
// usage: node benchmarks/quickstart.mjs [--repeats 3] [--steps N] [--precision auto|f32|bf16] [--dry]
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { appendResults, median, printTable, processor } from './support/results.mjs';

const { values: options } = parseArgs({
  options: {
    repeats: { type: 'string', default: '3' },
    steps: { type: 'string' }, // of each training; else those of the example: 400 and 60
    precision: { type: 'string', default: 'auto' }, // of the native backend; wasm has f32 only
    dry: { type: 'boolean', default: false }, // append nothing
  },
});
const repository = join(import.meta.dirname, '..');
const command = join(repository, 'packages', 'cli', 'bin', 'llmf.js');
const trainings = {
  supervised: ['sft.yaml', 'model.path=runs/untrained'],
  SimPO: ['--plugin', 'loss-simpo'],
};

const folder = mkdtempSync(join(tmpdir(), 'llmf-bench-'));
const seconds = { cpu: { supervised: [], SimPO: [] }, wasm: { supervised: [], SimPO: [] } };
try {
  for (const name of ['architecture', 'data', 'model', 'llmf.yaml', 'sft.yaml'])
    cpSync(join(repository, 'examples', 'first-run', name), join(folder, name), { recursive: true });
  llmf('init', 'runs/untrained', '--config', 'architecture/config.json', '--tokenizer', 'architecture', '--seed', '1');
  for (let repeat = 0; repeat < Number(options.repeats); repeat++) {
    for (const [title, words] of Object.entries(trainings)) {
      for (const backend of ['cpu', 'wasm']) seconds[backend][title].push(train(words, backend));
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

const rows = [...Object.keys(trainings), 'both'].map((title) => {
  const of = (backend) =>
    title === 'both'
      ? median(seconds[backend].supervised.map((value, i) => value + seconds[backend].SimPO[i]))
      : median(seconds[backend][title]);
  return { title, cpu: of('cpu'), wasm: of('wasm') };
});
console.log(`${processor()}, median of ${options.repeats}, seconds of steps\n`);
printTable(
  ['training', 'native', 'wasm', 'ratio'],
  rows.map(({ title, cpu, wasm }) => [title, cpu.toFixed(2), wasm.toFixed(2), (wasm / cpu).toFixed(2)]),
);
if (!options.dry) {
  appendResults(
    rows.flatMap(({ title, cpu, wasm }) =>
      Object.entries({ cpu, wasm }).map(([path, medianSeconds]) => ({
        path: path === 'cpu' ? 'llmf' : path,
        benchmark: `quickstart: ${title}`,
        shape: options.steps === undefined ? 'all steps' : `${options.steps} steps each`,
        medianSeconds: medianSeconds.toFixed(3),
      })),
    ),
  );
}

/** Seconds of all steps of one training. */
function train(words, backend) {
  const own = backend === 'cpu' ? [`backend.precision=${options.precision}`] : [];
  const length = options.steps === undefined ? [] : [`train.maxSteps=${options.steps}`];
  const output = join('runs', 'timed');
  rmSync(join(folder, output), { recursive: true, force: true });
  llmf('train', ...words, `backend.name=${backend}`, ...own, ...length, `output=${output}`);
  const lines = readFileSync(join(folder, output, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n');
  // A row holds the mean of the steps since the one before it.
  const logged = lines.map((line) => JSON.parse(line)).filter(({ stepSeconds }) => stepSeconds !== undefined);
  return logged.reduce((sum, { step, stepSeconds }, at) => sum + stepSeconds * (step - (logged[at - 1]?.step ?? 0)), 0);
}

function llmf(...words) {
  const { status, stderr } = spawnSync(process.execPath, [command, ...words], { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`llmf ${words.join(' ')} ended with status ${status}:\n${stderr}`);
}
