// SPDX-License-Identifier: Apache-2.0
import { beforeAll, describe, expect, it } from 'vitest';
import type { Addon } from './addon.js';
import { bindKernels } from './bind-kernels.js';
import { addonUnavailable, loadAddon } from './load.js';
import { allocate } from './out-of-memory.js';

const reason = addonUnavailable();

describe.skipIf(reason !== null)(`memory${reason === null ? '' : ` (${reason})`}`, () => {
  let addon: Addon;
  beforeAll(async () => {
    addon = await loadAddon();
  }, 180_000); // it may have to be compiled

  it.each([-1, 2 ** 53, 2 ** 60])('of %d bytes is refused with a code, not by the end of the process', (bytes) => {
    expect(() => addon.allocate(bytes)).toThrow(/there is no memory for/);
    expect(() => allocate(addon, bytes)).toThrow(/LLMF_BACKEND_CPU_MEMORY: there is not enough memory[^]*--resume/);
  });

  it('is not touched by sizes whose product overflows', () => {
    const { softmax, rope } = bindKernels(addon);
    const some = new Float32Array(16);
    expect(() => softmax({ rows: 2 ** 32, columns: 2 ** 32, logarithm: false, x: some, y: some })).toThrow(
      /expected 18446744073709551616 elements, got 16/,
    );
    const sizes = { tokens: 2 ** 22, heads: 2 ** 21, size: 2 ** 21, half: 0, inverse: false, interleaved: false };
    expect(() => rope({ ...sizes, x: some, cosines: some, sines: some, y: some })).toThrow(/expected \d+ elements/);
  });
});
