// SPDX-License-Identifier: Apache-2.0
// What a model of billions of weights takes on this machine in fewer bits: the estimate of `llmf check` before loading, the
// memory while the model loads, and the peak of LoRA DPO on one pair, with its tokens per second. Linux only: anonymous
// memory and resident size (which counts what is mapped from files) are read from /proc.
//
// usage: node benchmarks/quantized-memory.mjs [--model FOLDER] … [--formats nf4] [--tokens 512] [--steps 2] [--rank 16]
//          [--precision bf16] [--threads N]
//
// A folder of random weights: node benchmarks/support/random-shards.mjs CONFIG.json FOLDER
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { vocabularyOf } from './support/llmf-run.mjs';
import { fullRows } from './support/random-rows.mjs';
import { median, printTable, processor } from './support/results.mjs';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string', multiple: true },
    formats: { type: 'string', default: 'nf4' }, // none: as the files have them
    tokens: { type: 'string', default: '512' }, // of a pair: its prompt once and both answers
    steps: { type: 'string', default: '2' }, // of several the first one warms up
    rank: { type: 'string', default: '16' },
    precision: { type: 'string', default: 'bf16' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
});
const command = join(import.meta.dirname, '..', 'packages', 'cli', 'bin', 'llmf.js');
const plugin = join(import.meta.dirname, '..', 'packages', 'loss-dpo');
const gib = (bytes) => (bytes / 2 ** 30).toFixed(2);

console.log(`LoRA DPO, a pair of ${options.tokens} tokens; ${processor()}, ${options.threads} threads; GiB\n`);
const results = [];
for (const model of options.model) {
  for (const format of options.formats.split(',')) {
    const result = await measured(resolve(model), format);
    results.push(result);
    console.log(JSON.stringify(result));
  }
}
printTable(
  [
    'model',
    'format',
    'check',
    'anonymous, loading',
    'resident, loaded',
    'anonymous, peak',
    'resident, peak',
    'off',
    'load s',
    'tokens/s',
  ],
  results.map((one) => [
    one.model,
    one.format,
    gib(one.estimate),
    gib(one.loadingAnonymous),
    gib(one.loadedResident),
    gib(one.peakAnonymous),
    gib(one.peakResident),
    `${(100 * (one.estimate / one.peakResident - 1)).toFixed(0)} %`,
    one.loadSeconds.toFixed(1),
    one.tokensPerSecond.toFixed(1),
  ]),
);

async function measured(model, format) {
  const folder = mkdtempSync(join(tmpdir(), 'llmf-memory-'));
  try {
    const steps = Number(options.steps);
    const tokens = Number(options.tokens);
    const rows = fullRows(steps, tokens, vocabularyOf(join(model, 'config.json')));
    writeFileSync(join(folder, 'rows.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    writeFileSync(join(folder, 'llmf.json'), JSON.stringify(configOf(model, format, tokens)));
    const check = await run(['check', 'llmf.json', '--plugin', plugin], folder);
    const train = await run(['train', 'llmf.json', '--plugin', plugin], folder);
    const lines = readFileSync(join(folder, 'run', 'metrics.jsonl'), 'utf8')
      .trim()
      .split('\n');
    const seconds = lines.flatMap((line) => JSON.parse(line).stepSeconds ?? []);
    return {
      model: basename(model),
      format,
      estimate: statedBytes(check.output),
      checkSeconds: check.seconds,
      checkResident: check.peak.resident,
      loadingAnonymous: train.loading.anonymous,
      loadedResident: train.loaded.resident,
      loadSeconds: train.loaded.seconds,
      peakAnonymous: train.peak.anonymous,
      peakResident: train.peak.resident,
      stepSeconds: seconds,
      tokensPerSecond: tokens / median(seconds.length > 1 ? seconds.slice(1) : seconds),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function configOf(model, format, tokens) {
  return {
    model: { path: model },
    quantization: format,
    loss: { name: 'dpo', beta: 0.1 },
    adapter: { name: 'lora', rank: Number(options.rank), targets: 'all' },
    data: { train: [{ path: 'rows.jsonl' }], maxLength: tokens, shuffle: false },
    train: { batchSize: 1, saveEvery: null, evalEvery: null },
    backend: { name: 'cpu', precision: options.precision, threads: Number(options.threads) },
    output: 'run',
  };
}

/** Runs `llmf`, looking at its memory ten times a second; loading ends where it says what it trains. */
function run(words, folder) {
  return new Promise((done, fail) => {
    const began = performance.now();
    const secondsNow = () => (performance.now() - began) / 1000;
    const child = spawn(process.execPath, [command, ...words], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    let [output, errors] = ['', ''];
    const peak = { anonymous: 0, resident: 0 };
    const loading = { anonymous: 0 };
    let loaded;
    const look = () => {
      const now = memoryOf(child.pid);
      if (now === null) return;
      peak.anonymous = Math.max(peak.anonymous, now.anonymous);
      peak.resident = Math.max(peak.resident, now.resident);
      if (loaded === undefined) loading.anonymous = peak.anonymous;
    };
    const timer = setInterval(look, 100);
    child.stdout.on('data', (text) => {
      output += text;
      if (loaded !== undefined || !/^training [\d,]+ of/m.test(output)) return;
      look();
      loaded = { ...memoryOf(child.pid), seconds: secondsNow() };
    });
    child.stderr.on('data', (text) => (errors += text));
    child.on('close', (status) => {
      clearInterval(timer);
      if (status !== 0) return fail(new Error(`llmf ${words[0]} ended with status ${status}:\n${output}${errors}`));
      done({ output, peak, loading, loaded, seconds: secondsNow() });
    });
  });
}

function memoryOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'utf8');
    const bytes = (name) => 1024 * Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
    return { anonymous: bytes('RssAnon'), resident: bytes('VmRSS') };
  } catch {
    return null; // it has ended
  }
}

function statedBytes(output) {
  const [, number, unit] = /memory: about ([\d.,]+) (MiB|GiB)/.exec(output) ?? [];
  return Number(number) * (unit === 'GiB' ? 2 ** 30 : 2 ** 20);
}
