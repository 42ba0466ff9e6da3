// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { llmf, succeeded } from './support/command.js';
import { firstRunCopy } from './support/first-run.js';

let copy: Awaited<ReturnType<typeof firstRunCopy>>;
beforeAll(async () => {
  copy = await firstRunCopy();
});
afterAll(() => copy.remove());

it('a run whose weights overflow is no finished run, and its last good checkpoint stays', async () => {
  const words = [
    'train',
    '--plugin',
    'loss-simpo',
    'adapter=none',
    'output=out',
    'train.saveEvery=1',
    'train.keepCheckpoints=1',
    'data.eval=null',
  ];
  succeeded(await llmf([...words, 'train.maxSteps=2'], { folder: copy.folder }));
  const checkpoints = () => readdir(join(copy.folder, 'out', 'checkpoints'));
  expect(await checkpoints()).toEqual(['step-2']);
  const worse = await llmf(
    [
      ...words,
      'output=worse',
      'train.maxSteps=3',
      'train.learningRate=1e38',
      'train.warmupSteps=0',
      'train.maxGradNorm=null',
    ],
    {
      folder: copy.folder,
    },
  );
  expect(worse.status).toBe(1);
  expect(worse.err).toMatch(/LLMF_TRAINING_(WEIGHTS|GRADIENT)_NOT_FINITE[^]*lower train\.learningRate/);
  expect(worse.out).not.toContain('wrote the model');
  expect(existsSync(join(copy.folder, 'worse', 'model.safetensors'))).toBe(false);
  expect(await readdir(join(copy.folder, 'worse', 'checkpoints')).catch(() => [])).toEqual([]);
});
