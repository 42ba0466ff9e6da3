// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { AttentionSpan } from '../contracts/ops.js';
import type { KeyValueCache } from '../contracts/model.js';
import { ropeMagnitude } from '../ops/rope/rope-scaling.js';
import { ropeFrequencies, ropeValues } from '../ops/rope/rope-tables.js';
import { readConfig } from './read-config.js';
import { ropeKeys, ropeOptions } from './rope.js';
import { sequenceLengths } from './sequence-lengths.js';

/** Written by oracles/nn/rope_tables.py from Transformers 5.18. */
interface Scaled {
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly length: number | null;
  readonly frequencies: readonly number[];
  readonly magnitude: number;
}
const file = new URL('../../fixtures/rope.json', import.meta.url);
const { scaled } = JSON.parse(readFileSync(file, 'utf8')) as { scaled: Readonly<Record<string, Scaled>> };

const schema = z.looseObject({ max_position_embeddings: z.int(), ...ropeKeys });
const options = (config: Record<string, unknown>) =>
  ropeOptions('llama', readConfig(schema, 'llama', { max_position_embeddings: 256, ...config }), 32, 1);

describe('scaled rotary positions', () => {
  it.each(Object.keys(scaled))("are Transformers' for %s, to 2e-6 of each, in either form of the config", (name) => {
    const { parameters, length, frequencies, magnitude } = scaled[name]!;
    const { rope_type, ...rest } = parameters;
    const forms = [
      { rope_parameters: { rope_theta: 500, ...parameters } },
      { rope_theta: 500, rope_scaling: parameters },
      { rope_theta: 500, rope_scaling: { type: rope_type, ...rest } },
    ];
    for (const form of forms) {
      const { rotary, theta, scaling } = options(form);
      const got = ropeFrequencies(rotary, theta, scaling!, length ?? 0);
      expect(got).toHaveLength(frequencies.length);
      for (const [i, want] of frequencies.entries()) expect(Math.abs(got[i]! / want - 1)).toBeLessThan(2e-6);
      expect(ropeMagnitude(scaling!)).toBeCloseTo(magnitude, 6);
    }
  });

  it('multiply cos and sin by the magnitude', () => {
    const rope = options({ rope_scaling: { type: 'yarn', factor: 4, attention_factor: 1.5 } });
    const { cos, sin } = ropeValues(Int32Array.of(0, 3), rope);
    expect([cos[0], sin[0]]).toEqual([1.5, 0]);
  });
});

const span = (queryStart: number, queryLength: number, prefix?: AttentionSpan): AttentionSpan => ({
  queryStart,
  queryLength,
  keyStart: queryStart,
  keyLength: queryLength,
  prefixStart: prefix?.queryStart ?? 0,
  prefixLength: prefix?.queryLength ?? 0,
});
const counting = (...runs: readonly (readonly [first: number, count: number])[]) =>
  Int32Array.from(runs.flatMap(([first, count]) => Array.from({ length: count }, (_, at) => first + at)));
const longrope = options({
  rope_scaling: {
    type: 'longrope',
    short_factor: Array<number>(16).fill(1),
    long_factor: Array<number>(16).fill(2),
    original_max_position_embeddings: 6,
  },
});

describe('the length of a sequence', () => {
  it('is asked for by dynamic and longrope alone', () => {
    expect(sequenceLengths({ positions: counting([0, 3]) }, [span(0, 3)], options({}))).toBeUndefined();
  });

  it('is that of each packed sequence', () => {
    const positions = counting([0, 4], [0, 7]);
    const got = sequenceLengths({ positions }, [span(0, 4), span(4, 7)], longrope);
    expect([...got!]).toEqual([...Array<number>(4).fill(4), ...Array<number>(7).fill(7)]);
    const { cos } = ropeValues(positions, longrope, got);
    expect(cos[16]).not.toBe(cos[16 * 5]); // position 1 of the short one and of the long one
  });

  it('of a shared prompt is that of its answers, which must rotate it alike', () => {
    const prompt = span(0, 3);
    const both = [prompt, span(3, 4, prompt), span(7, 5, prompt)];
    const got = sequenceLengths({ positions: counting([0, 3], [3, 4], [3, 5]) }, both, longrope);
    expect([...got!]).toEqual([8, 8, 8, 7, 7, 7, 7, 8, 8, 8, 8, 8]);
    const mixed = [prompt, span(3, 2, prompt), span(5, 5, prompt)];
    expect(() => sequenceLengths({ positions: counting([0, 3], [3, 2], [3, 5]) }, mixed, longrope)).toThrow(
      /LLMF_NN_ROPE_LENGTHS[^]*sequences of 5 and of 8 tokens/,
    );
  });

  it('may not grow beyond the original context while keys are held', () => {
    const cache = {} as KeyValueCache;
    const at = (position: number) => () =>
      sequenceLengths({ positions: Int32Array.of(position), cache }, [span(0, 1)], longrope);
    expect([...at(5)()!]).toEqual([6]);
    expect(at(6)).toThrow('LLMF_NN_ROPE_LENGTHS');
    expect([...at(7)()!]).toEqual([8]);
  });
});
