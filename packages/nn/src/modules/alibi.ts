// SPDX-License-Identifier: Apache-2.0
/**
 * ALiBi: Press et al., "Train short, test long: attention with linear biases", 2022, section 3: a head's score of key j
 * gains slope · j, by which softmax prefers near keys (it does not see what all scores of a query gain alike).
 */
import type { AttentionBias } from '../ops/attention/attention.js';
import { tf } from '../tf.js';

export interface AlibiOptions {
  /** Falcon rounds slopes, and slopes times positions, to bf16, as it was trained; BLOOM does not. */
  readonly rounding?: 'bf16' | 'none';
  /** On slope · j; Falcon divides it by √D as it does q·k. 1 when left out. */
  readonly factor?: number;
}

/**
 * 2^(−8i/H) for heads i = 1 … H where H is a power of two; else those of the power below, then every other one of the
 * power above. As Transformers 5.18 computes them (build_alibi_tensor of BLOOM and of Falcon), in float32.
 */
export function alibiSlopes(heads: number): Float32Array {
  const below = 2 ** Math.floor(Math.log2(heads));
  const slopes = powers(below, below, 1);
  return Float32Array.of(...slopes, ...powers(2 * below, heads - below, 2));
}

/** base^1, base^(1 + step), … : `count` of the slopes for `heads` heads. */
function powers(heads: number, count: number, step: number): number[] {
  const base = Math.fround(2 ** -(2 ** -(Math.log2(heads) - 3)));
  return Array.from({ length: count }, (_, i) => Math.fround(base ** (1 + step * i)));
}

/** What the scores of up to `keys` keys gain; for `attention` and `PassFacts.bias`. The caller disposes the values. */
export function alibi(
  slopes: Float32Array,
  keys: number,
  { rounding = 'none', factor = 1 }: AlibiOptions = {},
): AttentionBias {
  const rounded = rounding === 'bf16' ? toBf16 : (value: number) => value;
  const values = new Float32Array(slopes.length * keys);
  for (const [head, slope] of slopes.entries()) {
    for (let key = 0; key < keys; key++) values[head * keys + key] = rounded(rounded(slope) * key) * factor;
  }
  return { values: tf.tensor2d(values, [slopes.length, keys], 'float32'), by: 'key', zero: 0 };
}

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

/** The nearest number of bfloat16, of two the even one. */
function toBf16(value: number): number {
  float[0] = value;
  bits[0] = (bits[0]! + 0x7fff + ((bits[0]! >>> 16) & 1)) & 0xffff0000;
  return float[0]!;
}
