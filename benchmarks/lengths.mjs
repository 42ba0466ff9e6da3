// SPDX-License-Identifier: Apache-2.0
// How the cost of a step grows with the tokens of the packed row, with and without gradient checkpointing: supervised
// steps of LoRA on rows of random ids, each through the real `llmf` command in a process of its own. Prints a table of
// tokens per second and peak memory, appends to results.csv.
//
// usage: node benchmarks/lengths.mjs [--lengths 256,512,…,8192] [--model CONFIG.json] [--dtype bf16|f32] [--threads N]
//          [--steps 2] [--dry]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cachedModel, train } from './support/llmf-run.mjs';
import { randomIds } from './support/random-rows.mjs';
import { appendResults, median, printTable, processor } from './support/results.mjs';

const { values: options } = parseArgs({
  options: {
    lengths: { type: 'string', default: '256,512,1024,2048,4096,8192' },
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
const vocabulary = 1000; // of the ids; the head computes the whole vocabulary whatever they are

const model = await cachedModel(resolve(options.model), isBf16 ? 'BF16' : 'F32');
console.log(`${processor()}, ${options.threads} threads, ${options.dtype}, one segment per row\n`);
const rows = lengths.flatMap((length) => [false, true].map((checkpointing) => measure(length, checkpointing)));
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
if (!options.dry) {
  appendResults(
    rows.map(({ length, checkpointing, seconds, peakMemoryBytes }) => ({
      threads: options.threads,
      path: 'llmf',
      benchmark: `lengths: ${options.dtype}, LoRA, ${checkpointing ? 'with' : 'without'} checkpointing`,
      shape: `${length} tokens`,
      medianSeconds: seconds.toFixed(3),
      rate: (length / seconds).toFixed(1),
      rateUnit: 'tokens/s',
      peakMemoryBytes,
    })),
  );
}

/** Half of a row is prompt, half is learned from, as in chat data. */
function measure(length, checkpointing) {
  const folder = mkdtempSync(join(tmpdir(), 'llmf-lengths-'));
  try {
    const file = join(folder, 'rows.jsonl');
    const ids = randomIds((steps + 1) * length, vocabulary);
    const lines = Array.from({ length: steps + 1 }, (_, i) => {
      const row = ids.slice(i * length, (i + 1) * length);
      return JSON.stringify({ promptIds: row.slice(0, length / 2), responseIds: row.slice(length / 2) });
    });
    writeFileSync(file, `${lines.join('\n')}\n`);
    const { steps: measured } = train(
      {
        model: { path: model },
        stage: 'sft',
        adapter: { name: 'lora', rank: 8 },
        data: { train: [{ path: file }], maxLength: length, shuffle: false },
        train: {
          batchSize: 1,
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
    console.log(`${length} tokens${checkpointing ? ', checkpointing' : ''}: ${result.seconds.toFixed(2)} s a step`);
    return result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
