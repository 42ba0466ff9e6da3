// SPDX-License-Identifier: Apache-2.0
// What stands around a run, as processes: another run in its folder, others at its cache, its terminal, its standard output.
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { llmf, llmfBinary, run, succeeded } from './support/command.js';
import { firstRunCopy } from './support/first-run.js';
import { sha256 } from './support/kill-and-resume.js';

let copy: Awaited<ReturnType<typeof firstRunCopy>>;
beforeAll(async () => {
  copy = await firstRunCopy();
});
afterAll(() => copy.remove());

const words = (output: string, steps: number) => [
  'train',
  'sft.yaml',
  'model.path=model',
  'adapter=none',
  `train.maxSteps=${steps}`,
  `output=${output}`,
  'data.eval=null',
];
const weights = (output: string) => sha256(join(copy.folder, output, 'model.safetensors'));

it('a second run in the folder of one that runs is refused and names it; the terminal’s end stops the first with a checkpoint', async () => {
  let second: ReturnType<typeof llmf> | null = null;
  const first = await llmf([...words('shared', 100_000), 'train.logEvery=1'], {
    folder: copy.folder,
    onOutput: (out, send) => {
      if (second !== null || !out.includes('step 1/')) return;
      second = llmf(words('shared', 1), copy);
      void second.then(() => send('SIGHUP'));
    },
  });
  const { status, err } = await second!;
  expect([status, err]).toEqual([1, expect.stringMatching(/^LLMF_CORE_OUTPUT_RUNNING: [^]*process \d+/m)]);
  expect(first.status).toBe(130);
  expect(await readdir(join(copy.folder, 'shared', 'checkpoints'))).toHaveLength(1);
}, 120_000);

it('four runs that build the same cache at once end with the same weights', async () => {
  const outputs = ['one', 'two', 'three', 'four'];
  const cache = 'data.cache=fresh-cache';
  const finished = await Promise.all(outputs.map((output) => llmf([...words(output, 2), cache], copy)));
  for (const each of finished) succeeded(each);
  expect(new Set(await Promise.all(outputs.map(weights))).size).toBe(1);
  const left = await readdir(join(copy.folder, 'fresh-cache'), { recursive: true });
  expect(left.filter((name) => /\.(tmp|lock)$/.test(name))).toEqual([]);
}, 120_000);

it.runIf(existsSync('/dev/full'))(
  'a full standard output neither ends a run nor loses it',
  async () => {
    const script = '"$0" "$@" > /dev/full';
    succeeded(await run('sh', ['-c', script, process.execPath, llmfBinary, ...words('unheard', 2)], copy));
    succeeded(await llmf(words('heard', 2), copy));
    expect(await weights('unheard')).toBe(await weights('heard'));
  },
  120_000,
);
