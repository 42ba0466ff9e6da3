// SPDX-License-Identifier: Apache-2.0
// Tokens per second of generation, and what that is of what this processor can do at most, measured in the same run: with
// one sequence the weights' bytes beside the read bandwidth, with many the products' FLOPs beside the peak. Systems run in
// turn (A B A B …), each in a process of its own. Medians are appended to benchmarks/results.csv.
//
// usage: node benchmarks/generation.mjs [--batch 1,32] [--prompt 64] [--tokens 48] [--dtype bf16|f32] [--repeats 3]
//          [--model CONFIG.json|FOLDER] [--systems llmf,transformers] [--python PATH] [--preload libtcmalloc.so]
//          [--threads N] [--isa avx2] [--dry]
//
// Prompts are random ids, no answer ends early, tokens are sampled at temperature 1. Charged are the tokens after each
// sequence's first one: prompts are not. A folder is read as it is; of a config weights are random.
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cachedModel } from './support/llmf-run.mjs';
import { measuredPeak } from './support/peak.mjs';
import { appendResults, median, printTable, processor } from './support/results.mjs';

const { values: options } = parseArgs({
  options: {
    batch: { type: 'string', default: '1,32' }, // sequences at a time
    prompt: { type: 'string', default: '64' }, // tokens
    tokens: { type: 'string', default: '48' }, // of each answer
    dtype: { type: 'string', default: 'bf16' },
    repeats: { type: 'string', default: '3' },
    model: { type: 'string', default: join(import.meta.dirname, 'peers', 'qwen2.5-0.5b.json') },
    systems: { type: 'string', default: 'llmf' },
    python: { type: 'string', default: process.env.LLMF_PEERS_PYTHON ?? 'python3' },
    preload: { type: 'string' }, // LD_PRELOAD of the Python, such as tcmalloc
    threads: { type: 'string', default: String(availableParallelism()) },
    isa: { type: 'string' }, // instruction path of llmf
    dry: { type: 'boolean', default: false }, // append nothing
  },
});
const systems = { llmf: runLlmf, transformers: runTransformers };
const chosen = options.systems.split(',');
for (const name of chosen)
  if (!(name in systems)) throw new Error(`There is no system ${name}; known are ${Object.keys(systems).join(', ')}.`);

const model = resolve(options.model);
const isFolder = !model.endsWith('.json');
const folder = isFolder ? model : await cachedModel(model, options.dtype === 'bf16' ? 'BF16' : 'F32');
const threads = Number(options.threads);
const peak = measuredPeak(threads);
console.log(`${processor()}, ${threads} threads, ${options.dtype}; reads ${peak.read} GB/s at most\n`);

const measured = [];
for (const batch of options.batch.split(',').map(Number)) {
  const runs = Object.fromEntries(chosen.map((name) => [name, []]));
  for (let repeat = 1; repeat <= Number(options.repeats); repeat++) {
    for (const name of chosen) {
      const run = systems[name](batch);
      runs[name].push({ ...run, perSecond: run.tokens / run.seconds });
      console.log(`batch ${batch}, run ${repeat}, ${name}: ${(run.tokens / run.seconds).toFixed(1)} tokens/s`);
    }
  }
  for (const name of chosen) measured.push(summary(name, batch, runs[name]));
}
report();
if (!options.dry) append();

function runLlmf(batch) {
  const task = {
    folder,
    batch,
    prompt: Number(options.prompt),
    tokens: Number(options.tokens),
    precision: options.dtype,
    threads,
  };
  const script = join(import.meta.dirname, 'support', 'generation-run.mjs');
  const env = { ...process.env, ...(options.isa !== undefined && { LLMF_CPU_ISA: options.isa }) };
  return outputOf(process.execPath, [script, JSON.stringify(task)], env);
}

function runTransformers(batch) {
  const script = join(import.meta.dirname, 'peers', 'generate.py');
  const counts = ['--batch-size', batch, '--prompt', options.prompt, '--tokens', options.tokens, '--threads', threads];
  const words = [script, '--model', folder, '--dtype', options.dtype, ...counts].map(String);
  const env = {
    ...process.env,
    OMP_NUM_THREADS: String(threads),
    ...(options.preload !== undefined && { LD_PRELOAD: options.preload }),
  };
  return outputOf(options.python, words, env);
}

/** The last line, as JSON. */
function outputOf(command, words, env) {
  const { status, stdout, stderr, error } = spawnSync(command, words, { encoding: 'utf8', maxBuffer: 1 << 28, env });
  if (status !== 0) throw new Error(`${command} ${words[0]} failed:\n${error?.message ?? stderr.slice(-2000)}`);
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

function summary(name, batch, runs) {
  const perSecond = median(runs.map((run) => run.perSecond));
  const { path, weightBytes, weights, ...rest } = runs[0];
  const products = { amx: peak.tiles, avx512bf16: peak.bf16 }[path];
  const most = options.dtype === 'bf16' && products !== undefined ? products : peak.multiplyAdd;
  return {
    name,
    batch,
    path: path ?? name,
    perSecond,
    memory: median(runs.map((run) => run.peakMemoryBytes)),
    ofReads: weightBytes && (perSecond / batch) * (weightBytes / 1e9 / peak.read),
    ofProducts: weights && (perSecond * 2 * weights) / 1e9 / most,
    cacheBytes: rest.cacheBytes,
  };
}

function report() {
  const percent = (share) => (share === undefined ? '–' : `${(100 * share).toFixed(0)}`);
  console.log(
    `\nMedians of ${options.repeats} runs, in turn; prompts of ${options.prompt}, answers of ${options.tokens} tokens:`,
  );
  printTable(
    ['system', 'path', 'batch', 'tokens/s', '% of reads', '% of products', 'peak GiB', 'keys and values, MiB'],
    measured.map(({ name, path, batch, perSecond, ofReads, ofProducts, memory, cacheBytes }) => [
      name,
      path,
      batch,
      perSecond.toFixed(1),
      percent(ofReads),
      percent(ofProducts),
      (memory / 2 ** 30).toFixed(2),
      cacheBytes === undefined ? '–' : (cacheBytes / 2 ** 20).toFixed(0),
    ]),
  );
}

function append() {
  appendResults(
    measured.map(({ name, path, batch, perSecond, ofReads, ofProducts, memory }) => ({
      threads,
      path,
      benchmark: `generation: ${name}, ${options.dtype}`,
      shape: `batch ${batch}, prompts of ${options.prompt}, answers of ${options.tokens}`,
      medianSeconds: (batch / perSecond).toFixed(5),
      rate: perSecond.toFixed(2),
      rateUnit: 'tokens/s',
      shareOfPeak: (batch === 1 ? ofReads : ofProducts)?.toFixed(3),
      peakMemoryBytes: Math.round(memory),
    })),
  );
}
