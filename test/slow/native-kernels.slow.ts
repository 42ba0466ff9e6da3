// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const script = fileURLToPath(new URL('../../packages/backend-cpu/scripts/test-native.mjs', import.meta.url));

it(
  'the kernels are right on every instruction path, and clean under the sanitizers this machine has',
  () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
    expect(status, `${stdout}\n${stderr}`).toBe(0);
    expect(stdout).toMatch(/\d passed, 0 failed, \d skipped\n$/);
  },
  20 * 60_000,
);
