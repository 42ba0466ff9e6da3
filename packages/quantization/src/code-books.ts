// SPDX-License-Identifier: Apache-2.0
// The values that codes of 4 bits stand for, each to the bit as bitsandbytes has them.

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
