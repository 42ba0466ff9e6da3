// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { Paces } from './pace.js';
import { defineProgram, type Program } from './program.js';

const programOf = (name: string): Program =>
  defineProgram({ name, reads: {}, writes: {}, numbers: {}, workgroup: 1, code: '' });
const [product, attention] = [programOf('product'), programOf('attention')];
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('paces', () => {
  it('are the first one until a program is measured', () => {
    const paces = new Paces(1e9);
    paces.learn(new Map([[product, 0.1]]), 0.4);
    expect(paces.of(product)).toBeCloseTo(2.5e8, -3); // four times as slow as expected
    expect(paces.of(attention)).toBe(1e9);
  });

  it('fall at once and rise by and by', () => {
    const paces = new Paces(1e9);
    paces.learn(new Map([[product, 0.1]]), 1);
    expect(paces.of(product)).toBeCloseTo(1e8, -3);
    paces.learn(new Map([[product, 0.1]]), 0.01);
    expect(paces.of(product)).toBeCloseTo(1.25e8, -3);
  });

  it('are not told by what is too short to measure', () => {
    const paces = new Paces(1e9);
    paces.learn(new Map([[product, 1e-4]]), 1e-3);
    paces.learn(new Map(), 1);
    expect(paces.of(product)).toBe(1e9);
  });

  it('are measured where the GPU goes on to another submission, and not where it may have rested', async () => {
    const paces = new Paces(1e9);
    const ends: (() => void)[] = [];
    const submit = () => paces.watch(new Map([[product, 1000]]), new Promise<void>((end) => void ends.push(end)));
    for (let count = 0; count < 3; count++) submit();
    ends[0]!();
    await turn();
    await turn();
    expect(paces.of(product)).toBe(1e9); // when the first one began is not known
    ends[1]!();
    await turn();
    await turn();
    const measured = paces.of(product);
    expect(measured).toBeCloseTo(1.25e9, -3); // 1,000 s were expected
    ends[2]!();
    await turn();
    await turn();
    expect(paces.of(product)).toBe(measured); // nothing waited behind it
  });
});
