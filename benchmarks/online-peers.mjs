// SPDX-License-Identifier: Apache-2.0
// Online algorithms beside TRL's: samples per second of GRPO, RLOO and PPO with LoRA, the same prompts, answers of the same
// length, a rule as reward. Systems run in turn, each in a process of its own; the first step is not charged. And PPO's peak
// memory beside that of supervised tuning on the very tokens that it wrote (`--memory`).
//
// usage: node benchmarks/online-peers.mjs --model FOLDER [--algorithms grpo,rloo,ppo] [--steps 4] [--prompts 4]
//          [--answers 4] [--tokens 32] [--dtype bf16|f32] [--threads N] [--repeats 3] [--memory] [--dry]
//          [--python PATH] [--ppo-path FOLDER] [--preload libtcmalloc.so]
//
// The Python needs torch, transformers, trl, peft and datasets (--python or LLMF_PEERS_PYTHON). TRL's PPO is in no release
// after 0.29: --ppo-path is a folder of `pip install --no-deps --target FOLDER trl==0.29.1`, put before the others' path.
import { mkdtempSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Workshop } from './online/commands.mjs';
import { appendResults, median, printTable, processor } from './support/results.mjs';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string' },
    algorithms: { type: 'string', default: 'grpo,rloo,ppo' },
    steps: { type: 'string', default: '4' },
    prompts: { type: 'string', default: '4' }, // of a step
    answers: { type: 'string', default: '4' }, // to each
    tokens: { type: 'string', default: '32' }, // of an answer, at most
    dtype: { type: 'string', default: 'bf16' },
    threads: { type: 'string', default: String(availableParallelism()) },
    repeats: { type: 'string', default: '3' },
    memory: { type: 'boolean', default: false },
    dry: { type: 'boolean', default: false }, // append nothing
    python: { type: 'string', default: process.env.LLMF_PEERS_PYTHON },
    'ppo-path': { type: 'string' },
    preload: { type: 'string' }, // LD_PRELOAD of the Python, such as tcmalloc
  },
});
if (options.model === undefined) throw new Error('--model is needed: a folder with a tokenizer.');
const [steps, prompts, answers, tokens] = ['steps', 'prompts', 'answers', 'tokens'].map((name) =>
  Number(options[name]),
);
const samples = prompts * answers;
const folder = mkdtempSync(join(tmpdir(), 'llmf-online-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const shop = new Workshop(folder);
const rows = Array.from({ length: steps * prompts }, (_, at) => ({ prompt: textOf(at) }));
shop.writeRows('prompts.jsonl', rows);
shop.write(
  'rule.mjs',
  "export default (samples) => samples.map(({ answer }) => answer.split('e').length / (1 + answer.length));\n",
);
console.log(
  `${processor()}, ${options.threads} threads, ${options.dtype}: ${prompts} × ${answers} answers a step, at most ${tokens} tokens each\n`,
);
if (options.memory) compareMemory();
else compareSpeed();

/** Some hundred characters, other ones each time. */
function textOf(at) {
  const subjects = ['a river', 'old maps', 'the night train', 'bread', 'winter in the north', 'a borrowed book'];
  const subject = subjects[at % subjects.length];
  return `Note ${at + 1}. Yesterday we spoke about ${subject} for a long time, and nobody could agree on what is best about it. I think that`;
}

function configOf(algorithm, output) {
  const isPpo = algorithm === 'ppo';
  const stages = {
    grpo: { name: 'grpo', answers, klCoefficient: 0.04 },
    rloo: { name: 'grpo', variant: 'rloo', answers, klCoefficient: 0.04 },
    ppo: { name: 'ppo', answers, epochs: 4, miniBatches: 1, valueHead: 'linear' },
  };
  return {
    output,
    model: { path: resolve(options.model) },
    plugins: [isPpo ? 'algo-ppo' : 'algo-grpo'],
    stage: { ...stages[algorithm], maxNewTokens: tokens, shownSamples: 0 },
    rewards: { name: 'function', path: 'rule.mjs' },
    adapter: { name: 'lora', rank: 8, alpha: 16 },
    data: { train: [{ path: 'prompts.jsonl' }], template: 'none' },
    train: {
      batchSize: prompts,
      gradientAccumulation: 1,
      maxSteps: steps,
      learningRate: 1e-5,
      logEvery: 1,
      saveEvery: null,
      seed: 1,
    },
    backend: { name: 'cpu', threads: Number(options.threads), precision: options.dtype },
  };
}

/** One run of ours: seconds of its steps, mean length of answers, peak memory. */
function ours(algorithm) {
  rmSync(join(folder, 'run'), { recursive: true, force: true });
  shop.json('run.json', configOf(algorithm, 'run'));
  const { memoryBytes } = shop.llmf('train', 'run.json');
  const metrics = shop.rows('run', 'metrics.jsonl').filter(({ stepSeconds }) => stepSeconds !== undefined);
  return {
    stepSeconds: metrics.map(({ stepSeconds }) => stepSeconds),
    meanLength: metrics.at(-1)['completions/mean_length'],
    peakMemoryBytes: memoryBytes,
  };
}

function trl(algorithm) {
  const script = join(import.meta.dirname, 'peers', 'trl_online.py');
  const path = algorithm === 'ppo' ? options['ppo-path'] : undefined;
  const counts = ['steps', 'prompts', 'answers', 'tokens', 'threads'].flatMap((name) => [`--${name}`, options[name]]);
  const dtype = options.dtype === 'f32' ? 'fp32' : options.dtype;
  const words = [
    script,
    shop.path('prompts.jsonl'),
    '--model',
    resolve(options.model),
    '--algorithm',
    algorithm,
    '--dtype',
    dtype,
  ];
  const env = {
    ...process.env,
    OMP_NUM_THREADS: options.threads,
    TRL_EXPERIMENTAL_SILENCE: '1',
    ...(path === undefined ? {} : { PYTHONPATH: path }),
    ...(options.preload === undefined ? {} : { LD_PRELOAD: options.preload }),
  };
  const { status, stdout, stderr } = spawnSync(options.python, [...words, ...counts], {
    encoding: 'utf8',
    env,
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(`${script} failed:\n${stderr.slice(-2000)}`);
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

function compareSpeed() {
  const systems = { llmf: ours, ...(options.python === undefined ? {} : { TRL: trl }) };
  const results = [];
  for (const algorithm of options.algorithms.split(',')) {
    const of = (name) => !(name === 'TRL' && algorithm === 'ppo' && options['ppo-path'] === undefined);
    const names = Object.keys(systems).filter(of);
    const runs = Object.fromEntries(names.map((name) => [name, []]));
    for (let repeat = 1; repeat <= Number(options.repeats); repeat++) {
      for (const name of names) {
        const run = systems[name](algorithm);
        const seconds = median(run.stepSeconds.slice(1));
        runs[name].push({ ...run, perSecond: samples / seconds });
        console.log(`${algorithm}, run ${repeat}, ${run.system ?? name}: ${(samples / seconds).toFixed(2)} samples/s`);
      }
    }
    for (const name of names) results.push({ algorithm, name, runs: runs[name] });
  }
  const row = ({ algorithm, name, runs }) => ({
    algorithm,
    name: runs[0].system ?? name,
    perSecond: median(runs.map(({ perSecond }) => perSecond)),
    length: median(runs.map(({ meanLength }) => meanLength)),
    memory: median(runs.map(({ peakMemoryBytes }) => peakMemoryBytes)),
  });
  const all = results.map(row);
  console.log();
  printTable(
    ['algorithm', 'system', 'samples/s', 'tokens an answer', 'peak GiB'],
    all.map((each) => [
      each.algorithm,
      each.name,
      each.perSecond.toFixed(2),
      each.length.toFixed(1),
      (each.memory / 2 ** 30).toFixed(2),
    ]),
  );
  if (options.dry) return;
  appendResults(
    all.map(({ algorithm, name, perSecond, memory }) => ({
      threads: options.threads,
      path: name,
      benchmark: `online: ${algorithm}, LoRA, ${options.dtype}`,
      shape: `${prompts} × ${answers} answers of ${tokens}`,
      medianSeconds: (samples / perSecond).toFixed(3),
      rate: perSecond.toFixed(3),
      rateUnit: 'samples/s',
      peakMemoryBytes: Math.round(memory),
    })),
  );
}

/** PPO's peak, and that of supervised tuning on the prompts and answers of its steps, as many a step. */
function compareMemory() {
  const ppo = ours('ppo');
  const written = shop.rows('run', 'completions.jsonl');
  shop.writeRows(
    'written.jsonl',
    written.map(({ prompt, answer }) => ({ prompt, completion: answer })),
  );
  const { model, adapter, train, backend } = configOf('ppo');
  shop.json('sft.json', {
    output: 'sft',
    model,
    stage: 'sft',
    adapter,
    data: { train: [{ path: 'written.jsonl' }], template: 'none' },
    train: { ...train, batchSize: samples, maxSteps: steps },
    backend,
  });
  const { memoryBytes } = shop.llmf('train', 'sft.json');
  const gib = (bytes) => `${(bytes / 2 ** 30).toFixed(2)} GiB`;
  console.log(
    `${written.length} answers of ${written.reduce((sum, row) => sum + row.tokens, 0)} tokens, ${samples} a step`,
  );
  console.log(
    `peak memory: PPO ${gib(ppo.peakMemoryBytes)}, supervised ${gib(memoryBytes)}: ${(ppo.peakMemoryBytes / memoryBytes).toFixed(2)} times`,
  );
}
