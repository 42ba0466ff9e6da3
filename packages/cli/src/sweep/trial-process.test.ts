// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isLock, tryLock } from '@llmf/core';
import { expect, it } from 'vitest';
import type { Sweep } from './sweep-file.js';
import { runTrial } from './trial-process.js';

it('a trial whose folder another process still runs in is waited for, until the sweep ends', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'llmf-trial-'));
  const lock = tryLock(join(folder, '.lock'));
  try {
    const call = { params: {}, folder, stop: AbortSignal.timeout(300), report: async () => false };
    expect(await runTrial({ metric: 'eval_loss' } as Sweep, call)).toEqual({ kind: 'interrupted' });
    expect(await readdir(folder)).toEqual(['.lock']); // nothing was started
  } finally {
    if (isLock(lock)) lock.release();
    await rm(folder, { recursive: true });
  }
});
