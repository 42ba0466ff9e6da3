// SPDX-License-Identifier: Apache-2.0
// What fewer bits cost and give: a step of LoRA DPO over one packed row of 1,024 tokens, or the tokens per second of one
// sequence, with the same model in each format, in turn (A B C A B C …), each in a process of its own. With --python also
// bitsandbytes through Transformers and PEFT, once each.
//
// usage: node benchmarks/quantized.mjs --measure step|decoding [--formats bf16,nf4,int8] [--repeats 5] [--tokens 1024]
//          [--steps 2] [--model CONFIG.json] [--threads N] [--python PATH] [--dry]
//
// A step is the median of a run's steps after the first. Shares are of the read bandwidth measured in the same run.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cachedModel, quantizedModel, train, vocabularyOf } from './support/llmf-run.mjs';
import { measuredPeak } from './support/peak.mjs';
import { fullRows } from './support/random-rows.mjs';
import { appendResults, median, printTable, processor } from './support/results.mjs';

const { values: options } = parseArgs({
  options: {
    measure: { type: 'string' },
    formats: { type: 'string', default: 'bf16,nf4,int8' }, // the first is what others are held against
    repeats: { type: 'string', default: '5' },
    tokens: { type: 'string', default: '1024' }, // of a pair: its prompt once and both answers
    steps: { type: 'string', default: '2' }, // of a run; the first one warms up
    answer: { type: 'string', default: '64' }, // tokens that are decoded
    model: { type: 'string', default: join(import.meta.dirname, 'peers', 'qwen2.5-0.5b.json') },
    threads: { type: 'string', default: String(availableParallelism()) },
    python: { type: 'string' }, // with torch, transformers, peft and bitsandbytes
    dry: { type: 'boolean', default: false }, // append nothing
  },
});
const measures = { step: measureStep, decoding: measureDecoding };
const measure = measures[options.measure];
if (measure === undefined) throw new Error(`--measure is ${Object.keys(measures).join(' or ')}.`);
const formats = options.formats.split(',');
const threads = Number(options.threads);
const tokens = Number(options.tokens);
const config = resolve(options.model);
const plain = await cachedModel(config, 'BF16');
const folders = Object.fromEntries(
  formats.map((format) => [format, format === 'bf16' ? plain : quantizedModel(plain, format)]),
);
const scratch = mkdtempSync(join(tmpdir(), 'llmf-quantized-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
const rowsFile = join(scratch, 'rows.jsonl');
const rows = fullRows(Number(options.steps), tokens, vocabularyOf(config));
writeFileSync(rowsFile, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));

const read = options.measure === 'decoding' ? measuredPeak(threads).read : undefined;
console.log(`${options.measure}: ${config}; ${processor()}, ${threads} threads${read ? `; reads ${read} GB/s` : ''}\n`);
const results = Object.fromEntries(formats.map((format) => [format, []]));
for (let repeat = 1; repeat <= Number(options.repeats); repeat++) {
  for (const format of formats) {
    const result = measure(format);
    results[format].push(result);
    console.log(`run ${repeat}, ${format}: ${result.seconds.toFixed(3)} s`);
  }
}
const peers = options.python === undefined ? [] : [...formats].map((format) => [format, runPeer(format)]);
report();
if (!options.dry) append();

function measureStep(format) {
  const { steps } = train(
    {
      model: { path: folders[format] },
      loss: { name: 'dpo', beta: 0.1 },
      adapter: { name: 'lora', rank: 8 },
      data: { train: [{ path: rowsFile }], maxLength: tokens, shuffle: false },
      train: { batchSize: 1, gradientAccumulation: 1, gradientCheckpointing: false, saveEvery: null, evalEvery: null },
      backend: { name: 'cpu', precision: 'bf16', threads },
    },
    ['loss-dpo'],
  );
  const seconds = median(steps.slice(1).map(({ stepSeconds }) => stepSeconds));
  return { seconds, memory: Math.max(...steps.map(({ peakMemoryBytes }) => peakMemoryBytes)) };
}

/** Seconds of a token. */
function measureDecoding(format) {
  const task = {
    folder: folders[format],
    batch: 1,
    prompt: 64,
    tokens: Number(options.answer),
    precision: 'bf16',
    threads,
  };
  const script = join(import.meta.dirname, 'support', 'generation-run.mjs');
  const run = outputOf(process.execPath, [script, JSON.stringify(task)]);
  return { seconds: run.seconds / run.tokens, memory: run.peakMemoryBytes, weightBytes: run.weightBytes };
}

/** bitsandbytes, or torch in bf16. */
function runPeer(format) {
  const quantization = format === 'bf16' ? [] : ['--quantization', format];
  const common = ['--threads', String(threads), ...quantization];
  const script = (name) => join(import.meta.dirname, 'peers', name);
  if (options.measure === 'decoding') {
    const words = [script('generate.py'), '--model', plain, '--tokens', options.answer, ...common];
    const { seconds, tokens: written, peakMemoryBytes } = outputOf(options.python, words);
    return { seconds: seconds / written, memory: peakMemoryBytes };
  }
  const weights = quantization.length === 0 ? [] : ['--weights', plain];
  const words = [
    script('torch_preference.py'),
    rowsFile,
    '--model',
    config,
    '--batch-size',
    '1',
    ...weights,
    ...common,
  ];
  const { stepSeconds, peakMemoryBytes } = outputOf(options.python, words);
  return { seconds: median(stepSeconds.slice(1)), memory: peakMemoryBytes };
}

/** The last line, as JSON. */
function outputOf(command, words) {
  const env = { ...process.env, OMP_NUM_THREADS: String(threads) };
  const { status, stdout, stderr, error } = spawnSync(command, words, { encoding: 'utf8', maxBuffer: 1 << 28, env });
  if (status !== 0) throw new Error(`${command} ${words[0]} failed:\n${error?.message ?? stderr.slice(-2000)}`);
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

function summaries() {
  const middle = (format, quantity) => median(results[format].map((result) => result[quantity]));
  const first = middle(formats[0], 'seconds');
  const ours = formats.map((format) => {
    const ofTurns = results[format].map(({ seconds }, turn) => seconds / results[formats[0]][turn].seconds);
    const bytes = results[format][0].weightBytes;
    const seconds = middle(format, 'seconds');
    return {
      system: `llmf ${format}`,
      seconds,
      memory: middle(format, 'memory'),
      times: seconds / first,
      turns: `${Math.min(...ofTurns).toFixed(2)} to ${Math.max(...ofTurns).toFixed(2)}`,
      least: Math.min(...results[format].map((result) => result.seconds)), // what neighbours on the machine disturb least
      share: bytes === undefined ? undefined : bytes / seconds / 1e9 / read,
      bytes,
    };
  });
  const others = peers.map(([format, { seconds, memory }]) => ({
    system: format === 'bf16' ? 'torch bf16' : `bitsandbytes ${format}`,
    seconds,
    memory,
    times: seconds / first,
    turns: '',
    least: seconds,
  }));
  return [...ours, ...others];
}

function report() {
  console.log(
    `\nMedians of ${options.repeats} runs, in turn; seconds of a ${options.measure === 'step' ? 'step' : 'token'}:`,
  );
  printTable(
    ['system', 'seconds', 'least', `times ${formats[0]}`, 'of a turn', '% of reads', 'weights, GB', 'peak GiB'],
    summaries().map(({ system, seconds, least, memory, times, turns, share, bytes }) => [
      system,
      seconds.toFixed(4),
      least.toFixed(4),
      times.toFixed(3),
      turns,
      share === undefined ? '–' : (100 * share).toFixed(0),
      bytes === undefined ? '–' : (bytes / 1e9).toFixed(2),
      (memory / 2 ** 30).toFixed(2),
    ]),
  );
}

function append() {
  const shape = `${config.split('/').at(-1)}, ${options.measure === 'step' ? `${tokens} tokens` : `answers of ${options.answer}`}`;
  appendResults(
    summaries().map(({ system, seconds, memory, share }) => ({
      threads,
      path: system,
      benchmark: `quantized: ${options.measure}`,
      shape,
      medianSeconds: seconds.toFixed(4),
      rate: (1 / seconds).toFixed(3),
      rateUnit: options.measure === 'step' ? 'steps/s' : 'tokens/s',
      shareOfPeak: share?.toFixed(3),
      peakMemoryBytes: Math.round(memory),
    })),
  );
}
