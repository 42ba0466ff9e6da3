// SPDX-License-Identifier: Apache-2.0
// The composites as a backend runs them whose values are not in host memory (a GPU's).
import { describeOps, evaluateOp, opCases } from '@llmf/testkit';
import { describe, expect, it, vi } from 'vitest';
import { tf } from '../tf.js';

vi.mock('./host-memory.js', () => ({ isInHostMemory: () => false, isPlainJs: () => false }));

const start = async () => void (await tf.setBackend('cpu'));

describeOps('kernels alone', { start });

describe('no op reads a tensor back, forwards or backwards', () => {
  it.each(opCases.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
    await start();
    const readSync = vi.spyOn(tf.engine(), 'readSync');
    await evaluateOp(one, 'run');
    expect(readSync).not.toHaveBeenCalled();
    readSync.mockRestore();
  });
});
