// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { signedCodes, tf, unsignedCodes, type Variable } from '@llmf/nn';
import { describe, expect, it, vi } from 'vitest';
import { adamw8bit } from './adamw8bit.js';
import { EightBitMoment } from './eight-bit-moment.js';
import { lion8bit } from './lion8bit.js';
import { optimizers } from './index.js';

/** Written by oracles/training/eight_bit.py: bitsandbytes 0.50. */
const oracle = JSON.parse(readFileSync(new URL('../../fixtures/eight-bit.json', import.meta.url), 'utf8')) as {
  readonly quantization: Record<'signed' | 'unsigned', Record<'book' | 'values' | 'codes' | 'scales', string>>;
  readonly shape: [number, number];
  readonly steps: number;
  readonly adamw8bit: string;
  readonly lion8bit: string;
};
const floatsOf = (text: string) => new Float32Array(Uint8Array.from(Buffer.from(text, 'base64')).buffer);
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) => new Uint8Array(buffer, byteOffset, byteLength);

const size = oracle.shape[0] * oracle.shape[1];
/** As the oracle's `spread`: the upper half of i · 2654435761, as −1 … 1. */
const spread = (seed: number) =>
  Float32Array.from({ length: size }, (_, i) => (Math.imul(i + seed, 2_654_435_761) >>> 16) / 32_768 - 1);

describe.each([
  ['signed', signedCodes],
  ['unsigned', unsignedCodes],
] as const)('%s dynamic codes', (name, codes) => {
  const expected = oracle.quantization[name];

  it('have the values of bitsandbytes to the bit', () => expect(digest(bytesOf(codes.book))).toBe(expected.book));

  it('are the nearest ones, in blocks of 256, on hostile values', async () => {
    const values = floatsOf(expected.values);
    const moment = new EightBitMoment(values.length, codes);
    moment.pack(values);
    const { 'x/codes': packed, 'x/scales': scales } = moment.tensors('x');
    expect(digest(packed!.data)).toBe(expected.codes);
    expect(digest(scales!.data)).toBe(expected.scales);
  });

  it('give what they stand for back to themselves', () => {
    codes.book.forEach((value, code) => expect(codes.codeOf(value)).toBe(code));
  });

  it('take everything beyond the ends for the ends', () => {
    expect([codes.codeOf(-2), codes.codeOf(2)]).toEqual([0, 255]);
    expect(codes.book[codes.codeOf(-0)]).toBe(0);
  });
});

const variablesOf = () => new Map<string, Variable>([['w', tf.variable(tf.tensor(spread(0), oracle.shape))]]);
const gradientsOf = (variables: ReadonlyMap<string, Variable>, step: number) =>
  new Map(
    [...variables].map(([name, variable]) => {
      const value = tf.tensor(
        spread(1000 * step)
          .slice(0, variable.size)
          .map((each) => each * 0.01),
        variable.shape,
      );
      return [name, { variable, value, rate: 1, weightDecay: 0.1 }] as const;
    }),
  );

describe.each([adamw8bit, lion8bit])('$name', (optimizer) => {
  const parse = () => (optimizer.options!.safeParse({}) as unknown as { data: Record<string, unknown> }).data;

  it('follows bitsandbytes for a dozen steps', async () => {
    const variables = variablesOf();
    const state = optimizer.create(variables, parse());
    for (let step = 1; step <= oracle.steps; step++) await state.update(gradientsOf(variables, step), 1e-2, step);
    const got = variables.get('w')!.dataSync();
    const expected = floatsOf(oracle[optimizer.name as 'adamw8bit']);
    // A sum rounded otherwise in its last bit may take the next code: 1 % of one moment, for one weight and step.
    const differences = [...expected].map((value, i) => Math.abs(value - got[i]!)).sort((a, b) => a - b);
    expect(differences[Math.floor(0.99 * size)]).toBeLessThan(1e-6);
    expect(differences.at(-1)).toBeLessThan(optimizer === lion8bit ? 0.0201 : 1e-3);
    state.dispose();
  });

  it('goes on from its saved state to the same bits, small tensors in float32 beside', async () => {
    const run = async (resumeAfter: number | null) => {
      const variables = variablesOf().set('norm', tf.variable(tf.ones([64])));
      let state = optimizer.create(variables, parse());
      for (let step = 1; step <= 6; step++) {
        await state.update(gradientsOf(variables, step), 1e-2, step);
        if (step !== resumeAfter) continue;
        const saved = await state.save();
        expect(
          Object.entries(saved.tensors!)
            .map(([name, { dtype }]) => `${name} ${dtype}`)
            .sort(),
        ).toEqual(
          optimizer === lion8bit
            ? ['norm/m F32', 'w/m/codes U8', 'w/m/scales F32']
            : ['norm/m F32', 'norm/v F32', 'w/m/codes U8', 'w/m/scales F32', 'w/v/codes U8', 'w/v/scales F32'],
        );
        state.dispose();
        state = optimizer.create(variables, parse());
        await state.load(saved);
      }
      state.dispose();
      return [...variables.values()].map((variable) => [...variable.dataSync()]);
    };
    expect(await run(4)).toEqual(await run(null));
  });

  it('waits for what it reads, as backends on devices demand', async () => {
    const variables = variablesOf();
    const state = optimizer.create(variables, parse());
    const gradients = gradientsOf(variables, 1);
    const readSync = vi.spyOn(tf.backend(), 'readSync');
    const read = vi.spyOn(tf.backend(), 'read');
    await state.update(gradients, 1e-2, 1);
    expect(read).toHaveBeenCalled();
    expect(readSync.mock.calls.length).toBe(read.mock.calls.length); // the JS backend reads by it itself
    vi.restoreAllMocks();
    state.dispose();
  });

  it('refuses a state of another shape', async () => {
    const state = optimizer.create(variablesOf(), parse());
    const other = new Map([['w', tf.variable(tf.zeros([64, 65]))]]);
    const saved = await optimizer.create(other, parse()).save();
    await expect(async () => await state.load(saved)).rejects.toThrow(/LLMF_TRAINING_WEIGHTS_DIFFER[^]*w\/m\/codes/);
  });

  it('keeps about two bytes a weight of AdamW, one of Lion', () => {
    expect(optimizers).toContain(optimizer);
    expect(optimizer.bytesPerWeight({} as never)).toBeCloseTo(optimizer === lion8bit ? 1.016 : 2.031, 3);
  });
});
