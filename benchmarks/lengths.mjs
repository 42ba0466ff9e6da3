// SPDX-License-Identifier: Apache-2.0
// How the cost of a step grows with the tokens of the packed row, with and without gradient checkpointing: supervised
// steps of LoRA on rows of random ids, each through the real `llmf` command in a process of its own. Prints a table of
// tokens per second and peak memory, and how far memory is from a straight line in tokens; appends to results.csv.
//
// usage: node benchmarks/lengths.mjs [--lengths 256,512,…,8192] [--segment N] [--layers N] [--model CONFIG.json]
//          [--dtype bf16|f32] [--checkpointing yes|no|both] [--threads N] [--steps 2] [--dry]
//
// A length is one row, so attention reaches over all of it; with --segment, a step of so many tokens has rows of at most N,
// which are computed in passes by tokens as the run's defaults say.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { linearFit } from './support/linear-fit.mjs';
import { cachedModel, train } from './support/llmf-run.mjs';
import { randomIds } from './support/random-rows.mjs';
import { appendResults, median, printTable, processor } from './support/results.mjs';

const { values: options } = parseArgs({
  options: {
    lengths: { type: 'string', default: '256,512,1024,2048,4096,8192' },
    segment: { type: 'string' }, // tokens of a row; left out: one row per length
    checkpointing: { type: 'string', default: 'both' }, // yes, no
    layers: { type: 'string' }, // of the model's, to save time; all when left out
    model: { type: 'string', default: join(import.meta.dirname, 'peers', 'qwen2.5-0.5b.json') },
    dtype: { type: 'string', default: 'bf16' },
    threads: { type: 'string', default: String(availableParallelism()) },
    steps: { type: 'string', default: '2' }, // measured; one more comes before them
    dry: { type: 'boolean', default: false }, // append nothing
  },
});
const lengths = options.lengths.split(',').map(Number);
const steps = Number(options.steps);
const isBf16 = options.dtype === 'bf16';
const { num_hidden_layers: allLayers, vocab_size: words } = JSON.parse(readFileSync(options.model, 'utf8'));
const layers = Number(options.layers ?? allLayers);
const vocabulary = Math.min(1000, words); // of the ids; the head computes all of it whatever they are
const modesByName = { yes: [true], no: [false], both: [false, true] };
const modes = modesByName[options.checkpointing];
if (modes === undefined) throw new Error(`--checkpointing is yes, no or both, not ${options.checkpointing}.`);

const model = await cachedModel(
  resolve(options.model),
  isBf16 ? 'BF16' : 'F32',
  layers === allLayers ? undefined : layers,
);
const layersText = layers === allLayers ? `${layers} layers` : `${layers} of ${allLayers} layers`;
const packing = options.segment === undefined ? 'one row per length' : `rows of at most ${options.segment} tokens`;
console.log(
  `${processor()}, ${options.threads} threads, ${options.dtype}, ${layersText}, ${packing}, LoRA; medians of ${steps} steps\n`,
);
const rows = lengths.flatMap((length) => modes.map((checkpointing) => measure(length, checkpointing)));
console.log();
printTable(
  ['tokens', 'checkpointing', 'step s', 'tokens/s', 'peak GiB'],
  rows.map(({ length, checkpointing, seconds, peakMemoryBytes }) => [
    length,
    checkpointing ? 'yes' : 'no',
    seconds.toFixed(2),
    (length / seconds).toFixed(1),
    (peakMemoryBytes / 2 ** 30).toFixed(2),
  ]),
);
if (lengths.length > 2) {
  console.log('\nPeak memory as a straight line in tokens (least squares):');
  printTable(
    ['checkpointing', 'at 0 tokens, GiB', 'KiB per token', '… and layer', 'largest deviation', 'at tokens'],
    modes.map((mode) => fitRow(mode)),
  );
}
if (!options.dry) {
  appendResults(
    rows.map(({ length, checkpointing, seconds, peakMemoryBytes }) => ({
      threads: options.threads,
      path: 'llmf',
      benchmark: `lengths: ${options.dtype}, LoRA, ${checkpointing ? 'with' : 'without'} checkpointing`,
      shape: `${length} tokens, ${layersText}, ${packing}`,
      medianSeconds: seconds.toFixed(3),
      rate: (length / seconds).toFixed(1),
      rateUnit: 'tokens/s',
      peakMemoryBytes,
    })),
  );
}

function fitRow(mode) {
  const points = rows
    .filter(({ checkpointing }) => checkpointing === mode)
    .map(({ length, peakMemoryBytes }) => [length, peakMemoryBytes]);
  const { atZero, slope, farthest } = linearFit(points);
  return [
    mode ? 'yes' : 'no',
    (atZero / 2 ** 30).toFixed(2),
    (slope / 1024).toFixed(1),
    (slope / 1024 / layers).toFixed(1),
    `${(100 * Math.abs(farthest.share)).toFixed(1)} %`,
    farthest.x,
  ];
}

/** Half of a row is prompt, half is learned from, as in chat data. */
function measure(length, checkpointing) {
  const folder = mkdtempSync(join(tmpdir(), 'llmf-lengths-'));
  try {
    const file = join(folder, 'rows.jsonl');
    const batchSize = Math.ceil(length / Number(options.segment ?? length));
    const count = (steps + 1) * batchSize;
    const size = Math.floor(length / batchSize);
    const ids = randomIds(count * size, vocabulary);
    const lines = Array.from({ length: count }, (_, i) => {
      const row = ids.slice(i * size, (i + 1) * size);
      const half = Math.floor(size / 2);
      return JSON.stringify({ promptIds: row.slice(0, half), responseIds: row.slice(half) });
    });
    writeFileSync(file, `${lines.join('\n')}\n`);
    const { steps: measured } = train(
      {
        model: { path: model },
        stage: 'sft',
        adapter: { name: 'lora', rank: 8 },
        data: { train: [{ path: file }], maxLength: length, shuffle: false },
        train: {
          batchSize,
          gradientAccumulation: 1,
          gradientCheckpointing: checkpointing,
          saveEvery: null,
          evalEvery: null,
        },
        backend: { name: 'cpu', precision: isBf16 ? 'bf16' : 'f32', threads: Number(options.threads) },
      },
      [],
    );
    const timed = measured.slice(1).map((step) => step.stepSeconds); // the first step touches new memory
    const peakMemoryBytes = Math.max(...measured.map((step) => step.peakMemoryBytes));
    const result = { length, checkpointing, seconds: median(timed), peakMemoryBytes };
    const memory = `${(peakMemoryBytes / 2 ** 30).toFixed(2)} GiB`;
    const words = checkpointing ? `${length} tokens, checkpointing` : `${length} tokens`;
    console.log(`${words}: ${result.seconds.toFixed(2)} s a step, ${memory}`);
    return result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
