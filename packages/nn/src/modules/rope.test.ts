// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readConfig } from './read-config.js';
import { ropeKeys, ropeOptions } from './rope.js';

const schema = z.looseObject({ max_position_embeddings: z.int(), ...ropeKeys });
const options = (config: Record<string, unknown>, share?: number) => {
  const parsed = readConfig(schema, 'llama', { max_position_embeddings: 4096, ...config });
  return ropeOptions('llama', parsed, 16, share);
};
const llama3 = { factor: 32, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 };
const scaled = {
  rotary: 16,
  theta: 5e5,
  sections: null,
  scaling: {
    type: 'llama3',
    factor: 32,
    lowFrequencyFactor: 1,
    highFrequencyFactor: 4,
    originalContext: 8192,
  },
};

describe('ropeOptions', () => {
  it('is plain with base 10000 where the config is silent', () => {
    expect(options({})).toEqual({ rotary: 16, theta: 10000, scaling: null, sections: null });
  });

  it('reads the keys of Transformers 5 and the older ones alike', () => {
    expect(options({ rope_parameters: { rope_type: 'llama3', rope_theta: 500000, ...llama3 } })).toEqual(scaled);
    expect(options({ rope_theta: 500000, rope_scaling: { rope_type: 'llama3', ...llama3 } })).toEqual(scaled);
    expect(options({ rope_theta: 500000, rope_scaling: { type: 'llama3', ...llama3 } })).toEqual(scaled);
  });

  it('takes the context of the config where llama3 scaling names none', () => {
    const { original_max_position_embeddings: _, ...rest } = llama3;
    expect(options({ rope_scaling: { rope_type: 'llama3', ...rest } }).scaling).toMatchObject({
      originalContext: 4096,
    });
  });

  it('takes the original context beside the parameters before the one within', () => {
    const config = { rope_scaling: { rope_type: 'llama3', ...llama3 }, original_max_position_embeddings: 2048 };
    expect(options(config).scaling).toMatchObject({ originalContext: 2048 });
  });

  it('passes over an empty rope_scaling', () => {
    expect(options({ rope_scaling: {}, rope_parameters: { rope_theta: 5e5 } }).theta).toBe(5e5);
  });

  it('reads linear scaling and multimodal sections', () => {
    expect(options({ rope_scaling: { type: 'linear', factor: 4 } }).scaling).toEqual({ type: 'linear', factor: 4 });
    expect(options({ rope_scaling: { type: 'mrope', mrope_section: [2, 3, 3] } })).toMatchObject({
      scaling: null,
      sections: [2, 3, 3],
    });
    const inTurns = { type: 'mrope', mrope_section: [2, 3, 3], mrope_interleaved: true };
    expect(options({ rope_scaling: inTurns })).toMatchObject({ sections: [2, 3, 3], sectionsTakeTurns: true });
  });

  it('rotates part of the head in a family that can, as the config says or else as the family does', () => {
    expect(options({}, 0.25).rotary).toBe(4);
    expect(options({ rope_parameters: { partial_rotary_factor: 0.5 } }, 0.25).rotary).toBe(8);
    expect(options({ rope_scaling: { type: 'mrope', mrope_section: [2, 1, 1] } }, 0.5).sections).toEqual([2, 1, 1]);
    expect(() => options({}, 0.2)).toThrow(/LLMF_NN_CONFIG_VALUE[^]*head_dim\n {2}got: 16, of which 3 are rotated/);
  });

  it('a key that changes the maths is refused unless the family reads it', () => {
    const config = { max_position_embeddings: 4096, partial_rotary_factor: 0.5 };
    expect(() => readConfig(schema, 'llama', config)).toThrow(/LLMF_NN_UNSUPPORTED[^]*partial_rotary_factor/);
    const reading = schema.extend({ partial_rotary_factor: z.number().nullish() });
    expect(ropeOptions('phi', readConfig(reading, 'phi', config), 16, 1).rotary).toBe(8);
  });

  it.each([
    [{ rope_scaling: { type: 'proportional', factor: 4 } }, 'LLMF_NN_UNSUPPORTED', '"proportional"'],
    [{ rope_scaling: { rope_type: 'dynamic' } }, 'LLMF_NN_CONFIG_VALUE', 'rope_scaling.factor'],
    [{ rope_scaling: { type: 'longrope', short_factor: [1] } }, 'LLMF_NN_CONFIG_VALUE', '8 numbers, one per frequency'],
    [
      { rope_parameters: { full_attention: { rope_theta: 1e4 }, sliding_attention: { rope_theta: 1e6 } } },
      'LLMF_NN_UNSUPPORTED',
      'rope_parameters.full_attention',
    ],
    [{ rope_parameters: { rope_theta: 1e4, partial_rotary_factor: 0.5 } }, 'LLMF_NN_UNSUPPORTED', '0.5'],
    [{ rope_scaling: { type: 'mrope', mrope_section: [2, 3, 4] } }, 'LLMF_NN_CONFIG_VALUE', 'add up to 8'],
    [{ rope_scaling: { type: 'linear' } }, 'LLMF_NN_CONFIG_VALUE', 'rope_scaling.factor'],
    [{ rope_scaling: { type: 'llama3', factor: 2, high_freq_factor: 4 } }, 'LLMF_NN_CONFIG_VALUE', 'low_freq_factor'],
    [{ rope_theta: 0 }, 'LLMF_NN_CONFIG_VALUE', 'rope_theta'],
  ])('refuses %j', (config, code, text) => {
    expect(() => options(config)).toThrow(text);
    expect(() => options(config)).toThrow(code);
  });
});
