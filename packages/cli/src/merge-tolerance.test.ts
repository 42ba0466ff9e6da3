// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { testIo } from '../test/support/test-io.js';
import { statusOf } from './merge-tolerance.js';

const status = (difference: number, dtype: 'F32' | 'BF16', isQuiet = false) => {
  const io = testIo();
  const got = Float32Array.of(0, 10 + difference, -20);
  const result = statusOf(io, 'logit', Float32Array.of(0, 10, -20), got, dtype, isQuiet);
  return { result, ...io.text };
};

describe('statusOf', () => {
  it('accepts what the dtype explains, as a share of the largest logit', () => {
    expect(status(0.001, 'F32').result).toBe(0); // 0.001 / 20 = 5e-5
    expect(status(0.5, 'BF16').result).toBe(0); // 0.025
  });
  it('refuses more, and says so', () => {
    const { result, out, err } = status(0.5, 'F32');
    expect(result).toBe(1);
    expect(out).toContain('largest logit difference 0.5 (0.025 of the largest logit)');
    expect(err).toContain('do not use this folder');
  });
  it('refuses NaN', () => {
    expect(status(NaN, 'BF16').result).toBe(1);
  });
  it('is silent about what is within, where asked to be', () => {
    expect(status(0.001, 'F32', true)).toEqual({ result: 0, out: '', err: '' });
    expect(status(0.5, 'F32', true).out).toContain('largest logit difference 0.5');
  });
});
