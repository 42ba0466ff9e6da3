// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { testIo } from '../test/support/test-io.js';
import { compareValues } from './merge-tolerance.js';

const printed = (difference: number, dtype: 'F32' | 'BF16', isQuiet = false) => {
  const io = testIo();
  const got = Float32Array.of(0, 10 + difference, -20);
  compareValues(io, 'logit', Float32Array.of(0, 10, -20), got, dtype, isQuiet);
  return io.text.out;
};

describe('compareValues', () => {
  it('accepts what the dtype explains, as a share of the largest logit', () => {
    expect(printed(0.001, 'F32')).toContain('largest logit difference 0.001'); // 0.001 / 20 = 5e-5
    expect(printed(0.5, 'BF16')).toContain('(0.025 of the largest logit)');
  });
  it('refuses more, and says so', () => {
    expect(() => printed(0.5, 'F32')).toThrow(/LLMF_CLI_MERGE_DIFFERS[^]*largest logit difference 0\.5 \(0\.025 of/);
  });
  it('refuses NaN', () => {
    expect(() => printed(NaN, 'BF16')).toThrow('LLMF_CLI_MERGE_DIFFERS');
  });
  it('is silent about what is within, where asked to be', () => {
    expect(printed(0.001, 'F32', true)).toBe('');
    expect(() => printed(0.5, 'F32', true)).toThrow('largest logit difference 0.5');
  });
});
