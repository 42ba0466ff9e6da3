// SPDX-License-Identifier: Apache-2.0
import { describe, it } from 'vitest';
import { addonUnavailable } from '../src/addon/load.js';
import { startNativeBackend } from '../src/backend/start.js';

/**
 * Tests of one instruction path: forced for this process, so one path per test file. Skips, saying why, where the addon
 * cannot be compiled or the processor lacks the path.
 */
export async function onPath(path: string, tests: (start: () => Promise<void>) => void): Promise<void> {
  process.env['LLMF_CPU_ISA'] = path;
  const reason = await whyNot(path);
  if (reason === null) tests(async () => void (await startNativeBackend({ threads: 2 })));
  else describe.skip(`${path}: ${reason}`, () => it('is not tested here'));
}

async function whyNot(path: string): Promise<string | null> {
  const unavailable = addonUnavailable();
  if (unavailable !== null) return unavailable;
  try {
    await startNativeBackend({ threads: 2 });
    return null;
  } catch (error) {
    if (String(error).includes('LLMF_BACKEND_CPU_PATH')) return `this processor has no ${path}`;
    throw error;
  }
}
