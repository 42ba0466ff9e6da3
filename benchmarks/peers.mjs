// SPDX-License-Identifier: Apache-2.0
// llmf, TRL and a plain PyTorch + PEFT loop in turn (A B C A B C …), each in a process of its own, on the same rows of
// token ids, with the same shapes and threads. Prints one table of medians and ratios, appends to results.csv.
//
// usage: npm run bench:peers -- [--python PATH] [--rows ROWS.jsonl] [--pairs N] [--max-tokens 512] [--repeats 5]
//          [--loss dpo|simpo] [--dtype bf16|f32] [--two-row] [--precompute] [--epochs N] [--threads N]
//          [--model CONFIG.json] [--systems llmf,trl,torch] [--dry]
//
// Rows come from benchmarks/peers/make_rows.py, or are random ids. The Python needs torch, transformers, trl, peft and
// datasets: --python or LLMF_PEERS_PYTHON.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cachedModel, train } from './support/llmf-run.mjs';
import { randomRows } from './support/random-rows.mjs';
import { appendResults, median, printTable, processor } from './support/results.mjs';

const { values: options } = parseArgs({
  options: {
    python: { type: 'string', default: process.env.LLMF_PEERS_PYTHON ?? 'python3' },
    rows: { type: 'string' }, // promptIds, chosenIds, rejectedIds per line; otherwise random ids
    pairs: { type: 'string', default: '6' }, // the first of them
    'max-tokens': { type: 'string', default: '512' }, // of a random row; the peers' max_length
    repeats: { type: 'string', default: '5' },
    loss: { type: 'string', default: 'dpo' },
    dtype: { type: 'string', default: 'bf16' },
    'two-row': { type: 'boolean', default: false }, // llmf computes the prompt once per answer, as the others do
    precompute: { type: 'boolean', default: false }, // reference log-probs once; that pass is charged to the total
    epochs: { type: 'string' }, // 1; 2 with --precompute
    threads: { type: 'string', default: String(availableParallelism()) },
    model: { type: 'string', default: join(import.meta.dirname, 'peers', 'qwen2.5-0.5b.json') },
    systems: { type: 'string', default: 'llmf,trl,torch' },
    dry: { type: 'boolean', default: false }, // append nothing
  },
});
const batchSize = 2;
const epochs = Number(options.epochs ?? (options.precompute ? 2 : 1));
const maxTokens = Number(options['max-tokens']);
const isBf16 = options.dtype === 'bf16';
const config = resolve(options.model);

const folder = mkdtempSync(join(tmpdir(), 'llmf-peers-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const rowsFile = join(folder, 'rows.jsonl');
const rows = chosenRows();
writeFileSync(rowsFile, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
const rowsHash = createHash('sha256').update(readFileSync(rowsFile)).digest('hex').slice(0, 16);
const realTokens = rows.reduce(
  (sum, row) => sum + 2 * row.promptIds.length + row.chosenIds.length + row.rejectedIds.length,
  0,
);

const systems = {
  llmf: runLlmf,
  trl: () => runPython('trl_preference.py', ['--max-length', String(longestSequence())]),
  torch: () => runPython('torch_loop.py', []),
};
const chosen = options.systems.split(',');
const unknown = chosen.find((name) => !(name in systems));
if (unknown !== undefined)
  throw new Error(`There is no system ${unknown}; known are ${Object.keys(systems).join(', ')}.`);

const title = [
  options.loss,
  options.dtype,
  options['two-row'] ? 'two-row' : 'prompt-once',
  options.loss === 'dpo' ? (options.precompute ? 'cached reference' : 'live reference') : 'no reference',
  `${epochs} epoch${epochs === 1 ? '' : 's'}`,
].join(', ');
console.log(
  `${title}: ${rows.length} pairs of up to ${longestSequence()} tokens (${realTokens} real tokens), rows ${rowsHash}`,
);
console.log(`${processor()}, ${options.threads} threads\n`);

const model = chosen.includes('llmf') ? await cachedModel(config, isBf16 ? 'BF16' : 'F32') : null;
const results = Object.fromEntries(chosen.map((name) => [name, []]));
for (let repeat = 1; repeat <= Number(options.repeats); repeat++) {
  for (const name of chosen) {
    const result = systems[name]();
    if (result.rowsHash !== rowsHash) throw new Error(`${name} read other rows: ${result.rowsHash}, not ${rowsHash}`);
    results[name].push(result);
    console.log(`run ${repeat}, ${name}: ${result.seconds.toFixed(1)} s, ${result.pairsPerSecond.toFixed(4)} pairs/s`);
  }
}
report();

function chosenRows() {
  const count = Number(options.pairs);
  if (options.rows === undefined) {
    return randomRows(count, maxTokens, JSON.parse(readFileSync(config, 'utf8')).vocab_size);
  }
  const given = readFileSync(options.rows, 'utf8').trim().split('\n').slice(0, count);
  return given.map((line) => JSON.parse(line));
}

/** Of prompt and one answer: nothing is cut on any side. */
function longestSequence() {
  return Math.max(...rows.map((row) => row.promptIds.length + Math.max(row.chosenIds.length, row.rejectedIds.length)));
}

function runLlmf() {
  const { steps, seconds } = train(
    {
      model: { path: model },
      loss: options.loss === 'dpo' ? { name: 'dpo', beta: 0.1 } : { name: 'simpo', beta: 2, gamma: 1 },
      ...(options.loss === 'dpo' && { reference: { name: options.precompute ? 'cached' : 'auto' } }),
      adapter: { name: 'lora', rank: 8 },
      data: {
        train: [{ path: rowsFile }],
        maxLength: 1 << 15,
        shuffle: false,
        promptOnce: !options['two-row'],
      },
      train: { batchSize, gradientAccumulation: 1, learningRate: 5e-6, epochs, saveEvery: null, evalEvery: null },
      backend: { name: 'cpu', precision: isBf16 ? 'bf16' : 'f32', threads: Number(options.threads) },
    },
    [`loss-${options.loss}`],
  );
  // With a cached reference the whole process is charged: start, loading and the caching pass too.
  const charged = options.precompute ? seconds : steps.reduce((sum, step) => sum + step.stepSeconds, 0);
  return measured(charged, Math.max(...steps.map((step) => step.peakMemoryBytes)), rowsHash);
}

function runPython(script, words) {
  const fixed = ['--model', config, '--loss', options.loss, '--dtype', isBf16 ? 'bf16' : 'fp32'];
  const counts = ['--batch-size', String(batchSize), '--epochs', String(epochs), '--threads', options.threads];
  const { status, stdout, stderr, error } = spawnSync(
    options.python,
    [
      join(import.meta.dirname, 'peers', script),
      rowsFile,
      ...fixed,
      ...counts,
      ...words,
      ...(options.precompute ? ['--precompute'] : []),
    ],
    { encoding: 'utf8', maxBuffer: 1 << 28, env: { ...process.env, OMP_NUM_THREADS: options.threads } },
  );
  if (status !== 0) {
    const hint = 'Name a Python with torch, transformers, trl, peft and datasets: --python or LLMF_PEERS_PYTHON.';
    throw new Error(`${script} failed with ${options.python}. ${hint}\n${error?.message ?? stderr.slice(-2000)}`);
  }
  const { seconds, peakMemoryBytes, rowsHash: hash } = JSON.parse(stdout.trim().split('\n').at(-1));
  return measured(seconds, peakMemoryBytes, hash);
}

function measured(seconds, peakMemoryBytes, hash) {
  const pairsPerSecond = (rows.length * epochs) / seconds;
  return { seconds, pairsPerSecond, tokensPerSecond: (realTokens * epochs) / seconds, peakMemoryBytes, rowsHash: hash };
}

function report() {
  const middle = (name, quantity) => median(results[name].map((result) => result[quantity]));
  const [first, ...others] = chosen;
  console.log(`\nmedians of ${options.repeats}; ratios: ${first} against the others`);
  printTable(
    ['', 'seconds', 'pairs/s', 'real tokens/s', 'peak GiB', 'speed ratio', 'memory ratio'],
    [first, ...others].map((name) => [
      name,
      middle(name, 'seconds').toFixed(1),
      middle(name, 'pairsPerSecond').toFixed(4),
      middle(name, 'tokensPerSecond').toFixed(1),
      (middle(name, 'peakMemoryBytes') / 2 ** 30).toFixed(2),
      (middle(first, 'pairsPerSecond') / middle(name, 'pairsPerSecond')).toFixed(2),
      (middle(first, 'peakMemoryBytes') / middle(name, 'peakMemoryBytes')).toFixed(2),
    ]),
  );
  if (options.dry) return;
  appendResults(
    chosen.map((name) => ({
      threads: options.threads,
      path: name,
      benchmark: `peers: ${title}`,
      shape: `${rows.length} pairs, ${realTokens} real tokens, rows ${rowsHash}`,
      medianSeconds: middle(name, 'seconds').toFixed(2),
      rate: middle(name, 'pairsPerSecond').toFixed(5),
      rateUnit: 'pairs/s',
      peakMemoryBytes: Math.round(middle(name, 'peakMemoryBytes')),
    })),
  );
}
