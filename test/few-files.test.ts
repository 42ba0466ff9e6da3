// SPDX-License-Identifier: Apache-2.0
// A process that may hold few files open: whatever it cannot open any more, a module of its own or the user's file, has a code.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { llmfBinary, run } from './support/command.js';
import { firstRunCopy } from './support/first-run.js';

let copy: Awaited<ReturnType<typeof firstRunCopy>>;
beforeAll(async () => {
  copy = await firstRunCopy();
});
afterAll(() => copy.remove());

it.runIf(process.platform !== 'win32').each([20, 30, 45, 70])(
  'with %d open files a command works or says so',
  async (limit) => {
    const words = 'check llmf.yaml --plugin loss-simpo backend=js data.eval=null';
    const limited = `ulimit -n ${limit} && exec "$0" "$1" ${words}`;
    const finished = await run('bash', ['-c', limited, process.execPath, llmfBinary], { folder: copy.folder });
    if (finished.status === 0) return;
    expect(finished.status, finished.err).toBe(1);
    expect(finished.err).toMatch(/^LLMF_/);
    expect(finished.err).toContain('EMFILE');
  },
);
