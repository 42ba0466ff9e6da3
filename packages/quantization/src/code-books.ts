// SPDX-License-Identifier: Apache-2.0
// The values that codes of 4 and 8 bits stand for, each to the bit as bitsandbytes has them.

/** QLoRA (Dettmers et al., 2023, appendix E): quantiles of a normal distribution, one of them exactly zero. */
export const nf4Book = Float32Array.of(
  -1,
  -0.6961928009986877,
  -0.5250730514526367,
  -0.39491748809814453,
  -0.28444138169288635,
  -0.18477343022823334,
  -0.09105003625154495,
  0,
  0.07958029955625534,
  0.16093020141124725,
  0.24611230194568634,
  0.33791524171829224,
  0.44070982933044434,
  0.5626170039176941,
  0.7229568362236023,
  1,
);

/** Sign, two bits of exponent, one of fraction, over its largest value 12; the code of −0 is never given. */
export const fp4Book = Float32Array.of(
  ...[0, 0.0625, 8, 12, 4, 6, 2, 3, 0, -0.0625, -8, -12, -4, -6, -2, -3].map((value) => value / 12),
);

/**
 * "Dynamic" 8-bit values (Dettmers et al., 2022, section 1.3), ascending: a sign, an exponent of ten by its leading zeros,
 * the rest linear between 0.1 and 1. Their float32 steps are those of torch.linspace: one rounding for a step's product and sum.
 */
export const dynamicBook: Float32Array = dynamicValues();

function dynamicValues(): Float32Array {
  const values = [0, 1];
  for (let exponent = 0; exponent < 7; exponent++) {
    const power = Math.fround(10 ** (exponent - 6));
    for (const mean of means(2 ** exponent + 1)) {
      const value = Math.fround(power * mean);
      values.push(value, -value);
    }
  }
  return Float32Array.from(values).sort();
}

/** Midpoints of `count` evenly spaced numbers from 0.1 to 1. */
function means(count: number): number[] {
  const { fround } = Math;
  const [first, last] = [fround(0.1), 1];
  const step = fround(fround(last - first) / (count - 1));
  const at = (index: number) =>
    index < count / 2 ? fround(first + step * index) : fround(last - step * (count - 1 - index));
  return Array.from({ length: count - 1 }, (_, index) => fround(fround(at(index) + at(index + 1)) / 2));
}
