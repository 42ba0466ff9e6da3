// SPDX-License-Identifier: Apache-2.0
// The systems of a comparison, by name: what is special about each, and how one run of it is made. A run gives the seconds
// it is charged for, its peak memory, the hash of the rows it read and, in supervised training, what it learned from.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { train } from './llmf-run.mjs';
import { longestSequence, trainedHash } from './peer-rows.mjs';

const plugin = join(import.meta.dirname, 'trained-tokens-plugin.mjs');
const preference = ['dpo', 'simpo'];

/** `losses`: those that it makes sense for; all others are this project's or a peer's in its plainest form. */
export const systems = {
  llmf: { ours: true, words: 'its default; the prompt of a pair once', run: (task) => runLlmf(task, {}) },
  'llmf-two-row': {
    ours: true,
    words: 'prompt once per answer, as the peers do',
    losses: preference,
    run: (task) => runLlmf(task, { twoRow: true }),
  },
  'llmf-checkpointing': {
    ours: true,
    words: 'gradient checkpointing',
    run: (task) => runLlmf(task, { checkpointing: true }),
  },
  trl: { words: "TRL's trainer, without gradient checkpointing", run: (task) => runTrl(task, []) },
  'trl-checkpointing': {
    words: "TRL's trainer with gradient checkpointing, its default",
    run: (task) => runTrl(task, ['--checkpointing']),
  },
  'trl-bf16-weights': {
    words: "TRL's trainer with parameters, gradients and optimizer state in bf16",
    losses: ['sft'],
    run: (task) => runTrl(task, ['--weights', 'bf16']),
  },
  torch: { words: 'a plain PyTorch loop', run: runTorch },
  'torch-best': {
    words: 'the fastest plain PyTorch loop that we know how to write (peers/best_loop.py), a batch as one sequence',
    run: (task) => runBest(task, []),
  },
  'torch-best-rows': {
    words: 'the same, a row as one sequence',
    run: (task) => runBest(task, ['--form', 'row']),
  },
};

/** Where Debian and its kin have tcmalloc; --tcmalloc names another. */
const tcmallocFiles = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map(
  (machine) => `/usr/lib/${machine}/libtcmalloc_minimal.so.4`,
);
/** Behind a peer's name: the same with tcmalloc preloaded, which gives memory again that glibc gives back. */
const preloaded = '+tcmalloc';

/** A system by its name, with what it is run with. @throws Error where tcmalloc is not found */
export function systemOf(name, tcmalloc) {
  if (!name.endsWith(preloaded)) return systems[name];
  const system = systems[name.slice(0, -preloaded.length)];
  const file = tcmalloc ?? tcmallocFiles.find((each) => existsSync(each));
  if (file === undefined)
    throw new Error('There is no libtcmalloc_minimal here: install it, or name it by --tcmalloc.');
  return {
    ...system,
    words: `${system.words}; tcmalloc preloaded`,
    run: (task) => system.run({ ...task, preload: file }),
  };
}

/** @throws Error naming the known systems, or the losses that a system is for */
export function systemsOf(names, loss) {
  for (const name of names) {
    const plain = name.endsWith(preloaded) ? name.slice(0, -preloaded.length) : name;
    if (systems[plain] === undefined || (plain !== name && systems[plain].ours)) {
      const known = Object.keys(systems).join(', ');
      throw new Error(`There is no system ${name}; known are ${known}, and peers with ${preloaded} behind.`);
    }
    const { losses } = systems[plain];
    if (losses !== undefined && !losses.includes(loss)) throw new Error(`${name} is for ${losses.join(', ')} only.`);
  }
  return names;
}

const losses = {
  dpo: (task) => ({
    loss: { name: 'dpo', beta: 0.1 },
    reference: { name: task.precompute ? 'cached' : 'auto' },
  }),
  simpo: () => ({ loss: { name: 'simpo', beta: 2, gamma: 1 } }),
  sft: () => ({ stage: 'sft' }),
};

function runLlmf(task, { twoRow = false, checkpointing = false }) {
  const isSupervised = task.loss === 'sft';
  const trainedFile = join(task.folder, 'trained.json');
  const { steps, seconds } = train(
    {
      model: { path: task.modelFolder },
      ...losses[task.loss](task),
      adapter: task.adapter === 'lora' ? { name: 'lora', rank: 8, ...targetsOf(task) } : 'none',
      data: { train: [{ path: task.rowsFile }], maxLength: 1 << 15, shuffle: false, promptOnce: !twoRow },
      train: {
        batchSize: task.batchSize,
        gradientAccumulation: 1,
        gradientCheckpointing: checkpointing,
        learningRate: 5e-6,
        epochs: task.epochs,
        saveEvery: null,
        evalEvery: null,
      },
      backend: { name: 'cpu', precision: task.dtype, threads: task.threads },
      ...(isSupervised && { trainedTokens: { file: trainedFile } }),
    },
    isSupervised ? [plugin] : [`loss-${task.loss}`],
  );
  const trained = isSupervised ? JSON.parse(readFileSync(trainedFile, 'utf8')) : undefined;
  return {
    // With a cached reference the whole process is charged: start, loading and the caching pass too.
    seconds: task.precompute ? seconds : steps.reduce((sum, step) => sum + step.stepSeconds, 0),
    stepSeconds: steps.map((step) => step.stepSeconds),
    peakMemoryBytes: Math.max(...steps.map((step) => step.peakMemoryBytes)),
    rowsHash: task.rowsHash,
    ...(trained !== undefined && { trainedTokens: trained.flat().length, trainedHash: trainedHash(trained) }),
  };
}

/** Names of layers that every family here has. */
const attentionLayers = ['q_proj', 'k_proj', 'v_proj', 'o_proj'];
const targetsOf = ({ targets }) => (targets === 'attention' ? { targets: attentionLayers } : {});

function runTrl(task, words) {
  if (task.loss === 'sft') return runPython(task, 'trl_supervised.py', ['--adapter', task.adapter, ...words]);
  const length = ['--max-length', String(longestSequence(task.rows))];
  return runPython(task, 'trl_preference.py', [...preferenceWords(task), ...length, ...words]);
}

function runTorch(task) {
  if (task.loss === 'sft')
    return runPython(task, 'torch_supervised.py', ['--adapter', task.adapter, '--targets', task.targets]);
  return runPython(task, 'torch_preference.py', preferenceWords(task));
}

function runBest(task, words) {
  return runPython(task, 'torch_best.py', ['--loss', task.loss, '--adapter', task.adapter, ...words]);
}

const preferenceWords = ({ loss, precompute }) => ['--loss', loss, ...(precompute ? ['--precompute'] : [])];

function runPython(task, script, words) {
  const threads = String(task.threads);
  const model = ['--model', task.config, '--dtype', task.dtype === 'bf16' ? 'bf16' : 'fp32', '--threads', threads];
  const counts = ['--batch-size', String(task.batchSize), '--epochs', String(task.epochs)];
  const { status, stdout, stderr, error } = spawnSync(
    task.python,
    [join(import.meta.dirname, '..', 'peers', script), task.rowsFile, ...model, ...counts, ...words],
    {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      env: {
        ...process.env,
        OMP_NUM_THREADS: threads,
        ...(task.preload !== undefined && { LD_PRELOAD: task.preload }),
      },
    },
  );
  if (status !== 0) {
    const hint = 'Name a Python with torch, transformers, trl, peft and datasets: --python or LLMF_PEERS_PYTHON.';
    throw new Error(`${script} failed with ${task.python}. ${hint}\n${error?.message ?? stderr.slice(-2000)}`);
  }
  return JSON.parse(stdout.trim().split('\n').at(-1));
}
