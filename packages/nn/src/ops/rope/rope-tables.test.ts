// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { tf } from '../../tf.js';
import type { RopeScaling } from './rope-scaling.js';
import { ropeFrequencies, ropeTables } from './rope-tables.js';

const oracle = JSON.parse(readFileSync(new URL('../../../fixtures/rope.json', import.meta.url), 'utf8')) as {
  frequencies: Record<'default' | 'linear' | 'llama3', number[]>;
  multimodal: {
    sections: [number, number, number];
    positions: [number[], number[], number[]];
    cos: number[];
    sin: number[];
  };
};

const scalings: Record<keyof typeof oracle.frequencies, RopeScaling | null> = {
  default: null,
  linear: { type: 'linear', factor: 4 },
  llama3: { type: 'llama3', factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 256 },
};

describe('frequencies', () => {
  it.each(Object.keys(scalings) as (keyof typeof scalings)[])(
    "are Transformers' for scaling %s, to 2e-6 of each",
    (name) => {
      const got = ropeFrequencies(32, 10_000, scalings[name]);
      expect(got).toHaveLength(16);
      for (const [i, want] of oracle.frequencies[name].entries())
        expect(Math.abs(got[i]! / want - 1)).toBeLessThan(2e-6);
    },
  );

  it('differ between the three scalings', () => {
    const [plain, linear, llama3] = Object.values(oracle.frequencies);
    expect(llama3!.some((value, i) => value !== plain![i] && value !== linear![i])).toBe(true);
  });
});

describe('tables', () => {
  it('hold cos and sin of position times frequency', () => {
    tf.tidy(() => {
      const { cos, sin } = ropeTables(Int32Array.of(0, 3), { rotary: 4, theta: 100 });
      // frequencies 1 and 100^(−1/2) = 0.1
      const angles = [0, 0, 3, 0.3];
      expect(cos.shape).toEqual([2, 2]);
      for (const [i, angle] of angles.entries()) {
        expect(cos.dataSync()[i]).toBeCloseTo(Math.cos(angle), 6);
        expect(sin.dataSync()[i]).toBeCloseTo(Math.sin(angle), 6);
      }
    });
  });

  it("follow Qwen2-VL's sections of time, height and width, to 1e-6", () => {
    const { sections, positions, cos, sin } = oracle.multimodal;
    tf.tidy(() => {
      const [t, h, w] = positions.map((axis) => Int32Array.from(axis));
      const tables = ropeTables([t!, h!, w!], { rotary: 16, theta: 10_000, sections });
      for (const [i, want] of cos.entries()) expect(Math.abs(tables.cos.dataSync()[i]! - want)).toBeLessThan(1e-6);
      for (const [i, want] of sin.entries()) expect(Math.abs(tables.sin.dataSync()[i]! - want)).toBeLessThan(1e-6);
    });
  });

  it('are empty for no token', () => {
    const { cos, sin } = ropeTables(new Int32Array(0), { rotary: 4, theta: 100 });
    expect(cos.shape).toEqual([0, 2]);
    tf.dispose([cos, sin]);
  });

  it('refuse an odd number of rotated values, and sections that do not add up', () => {
    const positions = [Int32Array.of(0), Int32Array.of(0), Int32Array.of(0)] as const;
    expect(() => ropeTables(Int32Array.of(0), { rotary: 3, theta: 100 })).toThrow(/LLMF_NN_VALUE: ropeTables: rotary/);
    expect(() => ropeTables(positions, { rotary: 4, theta: 100, sections: [1, 1, 1] })).toThrow(
      /sections is not allowed\n {2}got: 1 \+ 1 \+ 1\n {2}expected: three that add up to 2/,
    );
    expect(() => ropeTables(positions, { rotary: 4, theta: 100 })).toThrow(/got: none/);
  });
});
