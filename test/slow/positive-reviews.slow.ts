// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { repository, run } from '../support/command.js';
import { withoutWarning } from '../support/silent.js';

it.each([1, 2, 3])('examples/positive-reviews raises the reward of held-out openings, seed %i', async (seed) => {
  const folder = await mkdtemp(join(tmpdir(), 'llmf-reviews-'));
  const script = join(repository, 'examples', 'positive-reviews', 'run.mjs');
  try {
    const out = withoutWarning(
      await run(process.execPath, [script, '--seed', String(seed), '--output', folder], { folder }),
    );
    const { rewardBefore, rewardAfter, kl } = JSON.parse(out.trimEnd().split('\n').at(-1)!) as Record<string, number>;
    expect(rewardAfter).toBeGreaterThan(rewardBefore! + 0.2);
    expect(kl).toBeLessThan(10);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
