// SPDX-License-Identifier: Apache-2.0
// llmf, TRL and a plain PyTorch loop in turn (A B C A B C …), each in a process of its own, on the same rows of token ids,
// with the same shapes and threads: preference tuning, or supervised tuning of an adapter or of every weight. Prints the
// medians, and a table of each llmf variant against each peer; appends the medians to results.csv.
//
// usage: npm run bench:peers -- [--python PATH] [--rows ROWS.jsonl] [--pairs N] [--choice first|spread]
//          [--max-tokens 512] [--repeats 5] [--systems llmf,llmf-two-row,trl,torch] [--loss dpo|simpo|sft]
//          [--adapter lora|none] [--targets all|attention] [--dtype bf16|f32] [--precompute] [--epochs N] [--second-pass] [--tcmalloc FILE]
//          [--threads N] [--model CONFIG.json] [--dry]
//
// Systems are in support/peer-systems.mjs. Rows come from benchmarks/peers/make_rows.py, or are random ids. The Python
// needs torch, transformers, trl, peft and datasets: --python or LLMF_PEERS_PYTHON.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cachedModel } from './support/llmf-run.mjs';
import {
  hashOf,
  longestSequence,
  preferenceRows,
  realTokens,
  supervisedRow,
  trainedHash,
} from './support/peer-rows.mjs';
import { systemOf, systemsOf } from './support/peer-systems.mjs';
import { appendResults, median, printTable, processor } from './support/results.mjs';

const { values: options } = parseArgs({
  options: {
    python: { type: 'string', default: process.env.LLMF_PEERS_PYTHON ?? 'python3' },
    rows: { type: 'string' }, // promptIds, chosenIds, rejectedIds per line; otherwise random ids
    pairs: { type: 'string', default: '6' },
    choice: { type: 'string', default: 'first' }, // of the file's pairs; spread: of every length
    'max-tokens': { type: 'string', default: '512' }, // of a random pair
    repeats: { type: 'string', default: '5' },
    systems: { type: 'string', default: 'llmf,trl,torch' },
    loss: { type: 'string', default: 'dpo' }, // sft: supervised, prompt and chosen answer
    adapter: { type: 'string', default: 'lora' }, // none: every weight is trained; with sft only
    targets: { type: 'string', default: 'all' }, // attention: LoRA there alone, where a mixture has experts; llmf and torch
    dtype: { type: 'string', default: 'bf16' },
    tcmalloc: { type: 'string' }, // the library that names with +tcmalloc preload; otherwise where Debian has it
    'second-pass': { type: 'boolean', default: false }, // two epochs, of which the second is charged
    precompute: { type: 'boolean', default: false }, // reference log-probs once; that pass is charged to the total
    epochs: { type: 'string' }, // 1; 2 with --precompute
    threads: { type: 'string', default: String(availableParallelism()) },
    model: { type: 'string', default: join(import.meta.dirname, 'peers', 'qwen2.5-0.5b.json') },
    dry: { type: 'boolean', default: false }, // append nothing
  },
});
const { loss, adapter, dtype, precompute } = options;
check('--loss', loss, ['dpo', 'simpo', 'sft']);
check('--dtype', dtype, ['bf16', 'f32']);
check('--adapter', adapter, loss === 'sft' ? ['lora', 'none'] : ['lora']);
check('--targets', options.targets, loss === 'sft' && adapter === 'lora' ? ['all', 'attention'] : ['all']);
if (options.targets !== 'all' && options.systems.split(',').some((name) => !/^(llmf|torch)(\+|$)/.test(name))) {
  throw new Error('--targets attention is for the systems llmf and torch.');
}
if (precompute && loss !== 'dpo') throw new Error(`--precompute is for dpo: ${loss} has no reference.`);
const chosen = systemsOf(options.systems.split(','), loss);
const systems = Object.fromEntries(chosen.map((name) => [name, systemOf(name, options.tcmalloc)]));
const config = resolve(options.model);
const secondPass = options['second-pass'];
if (secondPass && (precompute || options.epochs !== undefined)) {
  throw new Error('--second-pass is two epochs, without --precompute.');
}
const epochs = Number(options.epochs ?? (precompute || secondPass ? 2 : 1));
const chargedEpochs = secondPass ? 1 : epochs;

const { rows, words: choice } = chosenRows();
const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
const folder = mkdtempSync(join(tmpdir(), 'llmf-peers-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const rowsFile = join(folder, 'rows.jsonl');
writeFileSync(rowsFile, text);
const rowsHash = hashOf(text);
const tokens = realTokens(rows);
const unit = loss === 'sft' ? 'rows' : 'pairs';

const title = [
  loss,
  adapter === 'none' ? 'every weight' : options.targets === 'all' ? 'LoRA' : 'LoRA of attention',
  dtype,
  ...(loss === 'dpo' ? [precompute ? 'cached reference' : 'live reference'] : []),
  secondPass ? 'the second of 2 epochs' : `${epochs} epoch${epochs === 1 ? '' : 's'}`,
].join(', ');
console.log(`${title}: ${rows.length} ${unit} of up to ${longestSequence(rows)} tokens, ${tokens} real tokens`);
console.log(`rows ${rowsHash}: ${choice}`);
console.log(`${processor()}, ${options.threads} threads`);
for (const name of chosen) console.log(`  ${name}: ${systems[name].words}`);
console.log();

// Where every weight is trained, llmf expands it to float32: the storage is that of the file.
const needsModel = chosen.some((name) => systems[name].ours);
const task = {
  loss,
  adapter,
  targets: options.targets,
  dtype,
  precompute,
  epochs,
  batchSize: 2,
  threads: Number(options.threads),
  rows,
  rowsFile,
  rowsHash,
  folder, // for what a run leaves behind
  config,
  python: options.python,
  modelFolder: needsModel ? await cachedModel(config, dtype === 'bf16' ? 'BF16' : 'F32') : null,
};
// What supervised training must have learned from, on all sides: the chosen answers, once per epoch.
const answers = loss === 'sft' ? Array.from({ length: epochs }, () => rows.map((row) => row.responseIds)).flat() : null;

const results = Object.fromEntries(chosen.map((name) => [name, []]));
for (let repeat = 1; repeat <= Number(options.repeats); repeat++) {
  for (const name of chosen) {
    const result = systems[name].run(task);
    requireSame(name, result);
    const { peakMemoryBytes } = result;
    const seconds = secondPass ? lastPass(result) : result.seconds;
    results[name].push({ ...result, seconds, perSecond: (rows.length * chargedEpochs) / seconds });
    console.log(`run ${repeat}, ${name}: ${seconds.toFixed(1)} s, ${(peakMemoryBytes / 2 ** 30).toFixed(2)} GiB`);
  }
}
report();
if (!options.dry) append();

/** Seconds of the last epoch's steps: memory is touched, code is compiled. */
function lastPass({ stepSeconds }) {
  const steps = Math.ceil(rows.length / task.batchSize);
  return stepSeconds.slice(-steps).reduce((sum, seconds) => sum + seconds, 0);
}

function check(name, value, known) {
  if (!known.includes(value)) throw new Error(`${name} is ${known.join(' or ')} here, not ${value}.`);
}

function chosenRows() {
  const given = preferenceRows({
    file: options.rows,
    count: Number(options.pairs),
    choice: options.choice,
    maxTokens: Number(options['max-tokens']),
    vocabulary: JSON.parse(readFileSync(config, 'utf8')).vocab_size,
  });
  return loss === 'sft' ? { ...given, rows: given.rows.map(supervisedRow) } : given;
}

/** @throws Error when a system read other rows or learned from other tokens */
function requireSame(name, result) {
  if (result.rowsHash !== rowsHash) throw new Error(`${name} read other rows: ${result.rowsHash}, not ${rowsHash}.`);
  if (answers === null) return;
  const [count, hash] = [answers.flat().length, trainedHash(answers)];
  if (result.trainedTokens !== count || result.trainedHash !== hash) {
    const got = `${result.trainedTokens} tokens of hash ${result.trainedHash}`;
    throw new Error(`${name} learned from ${got}, not from the ${count} of hash ${hash}.`);
  }
}

function middle(name, quantity) {
  return median(results[name].map((result) => result[quantity]));
}

function report() {
  console.log(`\nMedians of ${options.repeats} runs, in turn:`);
  printTable(
    ['system', 'seconds', `${unit}/s`, 'real tokens/s', 'peak GiB'],
    chosen.map((name) => [
      name,
      middle(name, 'seconds').toFixed(2),
      middle(name, 'perSecond').toFixed(4),
      ((tokens * chargedEpochs) / middle(name, 'seconds')).toFixed(1),
      (middle(name, 'peakMemoryBytes') / 2 ** 30).toFixed(2),
    ]),
  );
  const ours = chosen.filter((name) => systems[name].ours);
  const peers = chosen.filter((name) => !systems[name].ours);
  if (ours.length > 0 && peers.length > 0) {
    console.log(`\nRatios of the medians; in brackets the lowest and highest ratio of one turn:`);
    printTable(
      ['llmf', 'against', 'times as fast', '(of a turn)', 'share of its memory'],
      ours.flatMap((our) => peers.map((peer) => ratios(our, peer))),
    );
  }
  if (answers !== null) {
    const hash = trainedHash(answers);
    console.log(`\nLearned from, on all sides: ${answers.flat().length} tokens of hash ${hash}.`);
  }
}

function ratios(our, peer) {
  const ofTurns = results[our].map((result, turn) => results[peer][turn].seconds / result.seconds);
  return [
    our,
    peer,
    (middle(peer, 'seconds') / middle(our, 'seconds')).toFixed(2),
    `(${Math.min(...ofTurns).toFixed(2)} to ${Math.max(...ofTurns).toFixed(2)})`,
    (middle(our, 'peakMemoryBytes') / middle(peer, 'peakMemoryBytes')).toFixed(2),
  ];
}

function append() {
  appendResults(
    chosen.map((name) => ({
      threads: options.threads,
      path: name,
      benchmark: `peers: ${title}`,
      shape: `${rows.length} ${unit}, ${tokens} real tokens, rows ${rowsHash}`,
      medianSeconds: middle(name, 'seconds').toFixed(2),
      rate: middle(name, 'perSecond').toFixed(5),
      rateUnit: `${unit}/s`,
      peakMemoryBytes: Math.round(middle(name, 'peakMemoryBytes')),
    })),
  );
}
