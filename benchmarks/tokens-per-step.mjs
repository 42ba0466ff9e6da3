// SPDX-License-Identifier: Apache-2.0
// Tokens per second by the tokens of a step, with one thread and more: supervised steps on rows of random ids, each through
// the real `llmf` command in a process of its own, sizes in turn. Prints a table, writes it with a plot into docs
// (tokens-per-step.md and .svg) and appends to results.csv.
//
// usage: node benchmarks/tokens-per-step.mjs [--tokens 64,256,1024,4096] [--threads 1,2] [--row 256] [--repeats 3] [--steps 3]
//          [--adapter lora|none] [--dtype bf16|f32] [--layers N] [--model CONFIG.json] [--dry]
//
// A step of more tokens than a row has is several rows, as in practice; half of each is prompt. --dry writes nothing.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { linePlot } from './support/line-plot.mjs';
import { cachedModel, train } from './support/llmf-run.mjs';
import { randomIds } from './support/random-rows.mjs';
import { appendResults, median, printTable, processor } from './support/results.mjs';

const { values: options } = parseArgs({
  options: {
    tokens: { type: 'string', default: '64,256,1024,4096' }, // of a step
    threads: { type: 'string', default: [...new Set([1, availableParallelism()])].join(',') },
    row: { type: 'string', default: '256' }, // tokens of a row, at most
    repeats: { type: 'string', default: '3' }, // processes of each, in turn
    steps: { type: 'string', default: '3' }, // measured in each; one more comes before them
    adapter: { type: 'string', default: 'lora' },
    dtype: { type: 'string', default: 'bf16' },
    layers: { type: 'string' }, // of the model's, to save time; all when left out
    model: { type: 'string', default: join(import.meta.dirname, 'peers', 'qwen2.5-0.5b.json') },
    dry: { type: 'boolean', default: false },
  },
});
const [tokens, threads] = [options.tokens, options.threads].map((list) => list.split(',').map(Number));
const [rowTokens, repeats, steps] = [options.row, options.repeats, options.steps].map(Number);
const config = JSON.parse(readFileSync(options.model, 'utf8'));
const layers = options.layers === undefined ? undefined : Number(options.layers);
const model = await cachedModel(resolve(options.model), options.dtype === 'bf16' ? 'BF16' : 'F32', layers);
const layersText = `${layers ?? config.num_hidden_layers} of ${config.num_hidden_layers} layers`;
const title = `supervised, ${options.adapter === 'none' ? 'every weight' : 'LoRA'}, ${options.dtype}, ${layersText}, rows of at most ${rowTokens} tokens`;
console.log(`${title}\n${processor()}\n`);

const seconds = new Map(); // by threads and tokens: of every measured step
for (let repeat = 1; repeat <= repeats; repeat++) {
  for (const count of threads) {
    for (const size of tokens) {
      const key = `${count} ${size}`;
      const measured = measure(size, count);
      seconds.set(key, [...(seconds.get(key) ?? []), ...measured]);
      console.log(`run ${repeat}, ${count} threads, ${size} tokens: ${median(measured).toFixed(2)} s a step`);
    }
  }
}
const rateOf = (count, size) => size / median(seconds.get(`${count} ${size}`));
const header = ['tokens a step', ...threads.map((count) => `${count} thread${count === 1 ? '' : 's'}`)];
const rows = tokens.map((size) => [
  size.toLocaleString('en'),
  ...threads.map((count) => rateOf(count, size).toFixed(0)),
]);
console.log('\nTokens per second:');
printTable(header, rows);
const spreads = threads.map((count) => `${spreadOf(count).toFixed(0)} % with ${count}`).join(', ');
console.log(`\nFrom 256 tokens on, the slowest size is behind the fastest by: ${spreads} threads.`);
if (!options.dry) {
  writeDocs();
  appendResults(tokens.flatMap((size) => threads.map((count) => resultOf(size, count))));
}

/** How far the slowest size from 256 tokens on is behind the fastest, in percent. */
function spreadOf(count) {
  const rates = tokens.filter((size) => size >= 256).map((size) => rateOf(count, size));
  return 100 * (1 - Math.min(...rates) / Math.max(...rates));
}

function resultOf(size, count) {
  return {
    threads: count,
    path: 'llmf',
    benchmark: `tokens per step: supervised, ${options.adapter}, ${options.dtype}`,
    shape: `${size} tokens, ${layersText}, rows of ${Math.min(size, rowTokens)}`,
    medianSeconds: median(seconds.get(`${count} ${size}`)).toFixed(3),
    rate: rateOf(count, size).toFixed(1),
    rateUnit: 'tokens/s',
  };
}

function writeDocs() {
  const docs = join(import.meta.dirname, '..', 'docs');
  const lines = threads.map((count) => ({
    name: `${count} thread${count === 1 ? '' : 's'}`,
    points: tokens.map((size) => [size, rateOf(count, size)]),
  }));
  const plot = linePlot({ title: 'Tokens per second', xLabel: 'tokens a step', yLabel: title, lines });
  writeFileSync(join(docs, 'tokens-per-step.svg'), plot);
  const table = [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  const text = [
    '# Tokens per second by the tokens of a step',
    `Written by \`node benchmarks/tokens-per-step.mjs\`: ${title}. ${processor()}; medians of ${repeats} runs of ${steps} steps in turn, the first step of each left out.`,
    table.join('\n'),
    `From 256 tokens on, the slowest size is behind the fastest by ${spreads} threads.`,
    '![Tokens per second over the tokens of a step](tokens-per-step.svg)',
  ];
  writeFileSync(join(docs, 'tokens-per-step.md'), `${text.join('\n\n')}\n`);
  console.log('docs/tokens-per-step.md and docs/tokens-per-step.svg written');
}

/** Seconds of the steps after the first. */
function measure(size, count) {
  const folder = mkdtempSync(join(tmpdir(), 'llmf-tokens-'));
  try {
    const file = join(folder, 'rows.jsonl');
    const [batchSize, length] = [Math.ceil(size / rowTokens), Math.min(size, rowTokens)];
    const ids = randomIds((steps + 1) * batchSize * length, Math.min(1000, config.vocab_size));
    const lines = Array.from({ length: (steps + 1) * batchSize }, (_, i) => {
      const row = ids.slice(i * length, (i + 1) * length);
      return JSON.stringify({ promptIds: row.slice(0, length / 2), responseIds: row.slice(length / 2) });
    });
    writeFileSync(file, `${lines.join('\n')}\n`);
    const { steps: measured } = train(
      {
        model: { path: model },
        stage: 'sft',
        adapter: options.adapter === 'none' ? 'none' : { name: 'lora', rank: 8 },
        data: { train: [{ path: file }], maxLength: length, shuffle: false },
        train: { batchSize, gradientAccumulation: 1, saveEvery: null, evalEvery: null },
        backend: { name: 'cpu', precision: options.dtype, threads: count },
      },
      [],
    );
    return measured.slice(1).map((step) => step.stepSeconds); // the first one touches new memory
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
