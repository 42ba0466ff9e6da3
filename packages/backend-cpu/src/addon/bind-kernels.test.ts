// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { Addon } from './addon.js';
import { bindKernels } from './bind-kernels.js';
import { addonUnavailable, loadAddon } from './load.js';

const reason = addonUnavailable();

/** The addon as if it had been compiled when `linearWeightGradient` named its parameters otherwise. */
async function otherwise(change: (signature: string) => string): Promise<Addon> {
  const addon = await loadAddon();
  const linearWeightGradient = change(addon.signatures['linearWeightGradient']!);
  return { ...addon, signatures: { ...addon.signatures, linearWeightGradient } };
}

describe.skipIf(reason !== null)(`a kernel's one signature${reason === null ? '' : ` (${reason})`}`, () => {
  const [tokens, inputs, outputs, rounds] = [1, 2, 2, false];
  const dy = Float32Array.of(1, 2);
  const x = Float32Array.of(3, 5);

  it('makes the order of a call mean nothing: names say which of two equally long arrays is which', async () => {
    const { linearWeightGradient } = bindKernels(await loadAddon());
    const [dWeight, other] = [new Float32Array(4), new Float32Array(4)];
    linearWeightGradient({ tokens, inputs, outputs, rounds, dy, x, dWeight });
    linearWeightGradient({ dWeight: other, x, dy, rounds, outputs, inputs, tokens });
    expect([...dWeight]).toEqual([3, 5, 6, 10]); // dyᵀ x
    expect(other).toEqual(dWeight);
  });

  it('refuses an addon that was compiled with two arguments of equal length swapped', async () => {
    const swapped = await otherwise((text) => text.replace('dy:floats x:floats', 'x:floats dy:floats'));
    expect(() => bindKernels(swapped)).toThrow(
      expect.objectContaining({
        code: 'LLMF_BACKEND_CPU_SIGNATURES',
        message: expect.stringContaining('linearWeightGradient'),
      }),
    );
  });

  it.each([
    ['lacks an argument', (text: string) => text.replace('dy:floats ', '')],
    ['takes one more', (text: string) => `${text} mask:floats`],
    ['has the name of one twice', (text: string) => text.replace('x:floats', 'dy:floats')],
    ['takes null where none is passed', (text: string) => text.replace('x:floats', 'x:floats?')],
  ])('refuses an addon whose kernel %s', async (_, change) => {
    const other = await otherwise(change);
    expect(other.signatures['linearWeightGradient']).not.toBe((await loadAddon()).signatures['linearWeightGradient']);
    expect(() => bindKernels(other)).toThrow(expect.objectContaining({ code: 'LLMF_BACKEND_CPU_SIGNATURES' }));
  });

  it('is the type of a call: a name that lacks or is unknown does not compile', async () => {
    const { linearWeightGradient } = bindKernels(await loadAddon());
    const dWeight = new Float32Array(4);
    // @ts-expect-error x is missing
    expect(() => linearWeightGradient({ tokens, inputs, outputs, rounds, dy, dWeight })).toThrow('x: expected float32');
    // @ts-expect-error mask is unknown
    linearWeightGradient({ tokens, inputs, outputs, rounds, dy, x, dWeight, mask: null });
  });
});
