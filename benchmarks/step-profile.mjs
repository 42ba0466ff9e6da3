// SPDX-License-Identifier: Apache-2.0
// Where the time of a training step goes: each native kernel of the real `llmf train`, in groups, and the time outside of
// all kernels. Steps of two pairs, as in peers.mjs: one to warm up, the given pairs once, and once more to tell what a
// product that computes a low-rank update along with it spends on that (it is run with and without the update).
//
// usage: node benchmarks/step-profile.mjs [--rows ROWS.jsonl] [--pairs 6] [--choice first|spread] [--max-tokens 512]
//          [--loss dpo|simpo|sft] [--adapter lora|none] [--dtype bf16|f32] [--two-row] [--checkpointing]
//          [--model CONFIG.json] [--layers N] [--threads N]
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cachedModel, train } from './support/llmf-run.mjs';
import { hashOf, preferenceRows, realTokens, supervisedRow } from './support/peer-rows.mjs';
import { printTable, processor } from './support/results.mjs';

const { values: options } = parseArgs({
  options: {
    rows: { type: 'string' }, // as for peers.mjs; otherwise random ids
    pairs: { type: 'string', default: '6' }, // an even number: two are a step
    choice: { type: 'string', default: 'first' },
    'max-tokens': { type: 'string', default: '512' }, // of a random pair
    loss: { type: 'string', default: 'dpo' },
    adapter: { type: 'string', default: 'lora' },
    dtype: { type: 'string', default: 'bf16' },
    'two-row': { type: 'boolean', default: false },
    checkpointing: { type: 'boolean', default: false },
    model: { type: 'string', default: join(import.meta.dirname, 'peers', 'qwen2.5-0.5b.json') },
    layers: { type: 'string' }, // of the model's, to save time; shares are those of the whole model only without it
    threads: { type: 'string', default: String(availableParallelism()) },
  },
});

const products = 'products of linear layers';
const lowRank = 'low-rank products';
const elsewhere = 'everything else';
/** Kernels by their name in the addon; one that is not here is part of everything else. */
const groups = {
  linear: products,
  linearInputGradient: products,
  linearWeightGradient: products, // of weights that are trained
  linearLowRankGradient: lowRank,
  attention: 'attention',
  attentionGradient: 'attention',
  selectedLogProbs: 'head',
  selectedLogProbsGradient: 'head',
  selectedLogProbsSlope: 'head',
};
const outside = 'outside of kernels (JS)';
const order = [products, 'attention', 'head', lowRank, elsewhere, outside];
const counted = [products, 'attention', 'head']; // what the rest is held against

const batchSize = 2;
const { rows, words } = chosenRows();
const stepCount = rows.length / batchSize;
if (!Number.isInteger(stepCount))
  throw new Error(`--pairs is an even number, not ${rows.length}: two pairs are a step.`);
const model = await cachedModel(
  resolve(options.model),
  options.dtype === 'bf16' ? 'BF16' : 'F32',
  options.layers === undefined ? undefined : Number(options.layers),
);
const form = options.loss === 'sft' ? '' : options['two-row'] ? ', two-row' : ', prompt once';
console.log(
  `${options.loss}, adapter ${options.adapter}, ${options.dtype}${form}; ${processor()}, ${options.threads} threads`,
);
console.log(`${rows.length} rows of hash ${hashOf(lines(rows))}, ${realTokens(rows)} real tokens: ${words}\n`);

const { steps, split } = profile();
const measured = steps.filter(({ step }) => step > 1 && step <= 1 + stepCount);
const stepMilliseconds = sum(measured.map(({ milliseconds }) => milliseconds)) / measured.length;
// The share of fused products that is their low-rank update: 0 without an adapter.
const lowRankShare = split.together > 0 ? Math.max(0, 1 - split.without / split.together) : 0;
printKernels();
printGroups();

function chosenRows() {
  const given = preferenceRows({
    file: options.rows,
    count: Number(options.pairs),
    choice: options.choice,
    maxTokens: Number(options['max-tokens']),
    vocabulary: JSON.parse(readFileSync(options.model, 'utf8')).vocab_size,
  });
  return options.loss === 'sft' ? { ...given, rows: given.rows.map(supervisedRow) } : given;
}

function lines(some) {
  return some.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** The plugin's times of one step to warm up, the rows, and the rows again. */
function profile() {
  const folder = mkdtempSync(join(tmpdir(), 'llmf-profile-'));
  try {
    const [rowsFile, timesFile] = [join(folder, 'rows.jsonl'), join(folder, 'times.json')];
    writeFileSync(rowsFile, lines([...rows.slice(0, batchSize), ...rows, ...rows]));
    train(
      {
        model: { path: model },
        ...(options.loss === 'sft' ? { stage: 'sft' } : { loss: options.loss }),
        adapter: options.adapter === 'lora' ? { name: 'lora', rank: 8 } : 'none',
        data: { train: [{ path: rowsFile }], maxLength: 1 << 15, shuffle: false, promptOnce: !options['two-row'] },
        train: {
          batchSize,
          gradientAccumulation: 1,
          gradientCheckpointing: options.checkpointing,
          saveEvery: null,
          evalEvery: null,
        },
        backend: { name: 'cpu', precision: options.dtype, threads: Number(options.threads) },
        kernelTimes: { file: timesFile, splitFrom: 2 + stepCount },
      },
      [
        join(import.meta.dirname, 'support', 'kernel-times-plugin.mjs'),
        ...(options.loss === 'sft' ? [] : [`loss-${options.loss}`]),
      ],
    );
    return JSON.parse(readFileSync(timesFile, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Per step: calls and milliseconds of each kernel, longest first. */
function kernelTimes() {
  const names = [...new Set(measured.flatMap(({ kernels }) => Object.keys(kernels)))];
  const mean = (name, quantity) => sum(measured.map(({ kernels }) => kernels[name]?.[quantity] ?? 0)) / measured.length;
  return names
    .map((name) => ({ name, calls: mean(name, 'calls'), milliseconds: mean(name, 'milliseconds') }))
    .toSorted((a, b) => b.milliseconds - a.milliseconds);
}

function printKernels() {
  printTable(
    ['kernel', 'group', 'calls a step', 'ms a step', '% of a step'],
    kernelTimes().map(({ name, calls, milliseconds }) => [
      name,
      groups[name] ?? elsewhere,
      calls.toFixed(0),
      milliseconds.toFixed(1),
      percent(milliseconds),
    ]),
  );
}

function printGroups() {
  const times = Object.fromEntries(order.map((group) => [group, 0]));
  for (const { name, milliseconds } of kernelTimes()) {
    const group = groups[name] ?? elsewhere;
    const update = name === 'linear' || name === 'linearInputGradient' ? milliseconds * lowRankShare : 0;
    times[group] += milliseconds - update;
    times[lowRank] += update;
  }
  times[outside] = stepMilliseconds - sum(Object.values(times));
  console.log(`\nOf a step of ${(stepMilliseconds / 1000).toFixed(2)} s (mean of ${measured.length}):`);
  printTable(
    ['group', 'ms a step', '% of a step'],
    order.map((group) => [group, times[group].toFixed(1), percent(times[group])]),
  );
  const rest = sum(order.filter((group) => !counted.includes(group)).map((group) => times[group]));
  const verdict = rest < 0.15 * stepMilliseconds ? 'under' : 'not under';
  console.log(`\nNeither of the first three: ${percent(rest)} % of a step, ${verdict} 15 %.`);
  if (lowRankShare > 0) {
    console.log(
      `Of the fused products ${(100 * lowRankShare).toFixed(1)} % is their low-rank update, measured by leaving it out.`,
    );
  }
}

function percent(milliseconds) {
  return ((100 * milliseconds) / stepMilliseconds).toFixed(1);
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}
