// SPDX-License-Identifier: Apache-2.0
// A process whose memory is limited: what a kernel cannot have is an error with a code, on whatever thread it was asked for.
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { repository, run } from './support/command.js';

const built = (path: string) => pathToFileURL(join(repository, 'packages/backend-cpu/dist', path)).href;

/** Log-probs over a head of rows so long that a thread's copy of 128 of them takes half a gigabyte. */
const program = `
  import { loadAddon } from '${built('addon/load.js')}';
  import { bindKernels } from '${built('addon/bind-kernels.js')}';
  const addon = await loadAddon();
  addon.setThreads(2, 0);
  const { selectedLogProbs, softmax } = bindKernels(addon);
  const columns = 2 ** 20;
  const facts = { softCap: 0, temperature: 1, rounds: false, bias: null, keptRow: 0, keep: null };
  const call = { tokens: 1, columns, vocabulary: 64, selected: 1, ...facts };
  const [hidden, head] = [new Float32Array(columns), new Uint16Array(64 * columns)];
  const [rows, targets] = [new Int32Array(1), new Int32Array(1)];
  const out = { logProb: new Float32Array(1), logSumExp: new Float32Array(1), entropy: null, squared: null };
  console.log('started');
  try {
    selectedLogProbs({ ...call, hidden, head, rows, targets, ...out });
    console.log('computed');
  } catch (error) {
    console.log(error.code);
  }
  const y = new Float32Array(2);
  softmax({ rows: 1, columns: 2, logarithm: false, x: new Float32Array(2), y });
  console.log(y.join());`;

it.runIf(process.platform === 'linux')(
  'a kernel without memory throws, and the next one computes',
  async () => {
    const ends: string[] = [];
    for (let megabytes = 1000; megabytes <= 3000 && ends.at(-1) !== 'computed'; megabytes += 200) {
      const limited = `ulimit -v ${megabytes * 1000} && exec "$0" --input-type=module -e "$1"`;
      const { out, status } = await run('bash', ['-c', limited, process.execPath, program], { folder: repository });
      const [started, end = '', after] = out.trim().split('\n');
      if (started !== 'started') continue; // too little for Node itself
      expect([status, after]).toEqual([0, '0.5,0.5']);
      ends.push(end);
    }
    expect(new Set(ends)).toEqual(new Set(['LLMF_BACKEND_CPU_MEMORY', 'computed']));
  },
  60_000,
);

/** Fills the JavaScript heap, the last part little by little, as long runs do, and lets timers in. */
const filling = `
  import { getHeapStatistics } from 'node:v8';
  import { watchHeap } from '${pathToFileURL(join(repository, 'packages/cli/dist/heap-watch.js')).href}';
  watchHeap((text) => process.stderr.write(text));
  const share = () => getHeapStatistics().used_heap_size / getHeapStatistics().heap_size_limit;
  const kept = [];
  const fill = () => {
    do kept.push(Array.from({ length: 500 }, (_, i) => ({ i })));
    while (share() < 0.85);
    setTimeout(fill, 5);
  };
  fill();`;

it('a full JavaScript heap is told of, with what to do, before Node.js ends the process', async () => {
  const argv = ['--max-old-space-size=64', '--max-semi-space-size=1', '--input-type=module', '-e', filling];
  const { err, signal } = await run(process.execPath, argv, { folder: repository });
  expect(signal).toBe('SIGABRT');
  const [warning, fatal] = ['LLMF_CLI_HEAP_NEARLY_FULL', 'heap out of memory'].map((text) => err.indexOf(text));
  expect(warning).toBeGreaterThanOrEqual(0);
  expect(fatal).toBeGreaterThan(warning!);
  expect(err).toContain('--max-old-space-size');
}, 60_000);
