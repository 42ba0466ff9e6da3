// SPDX-License-Identifier: Apache-2.0
// Kernels are written once over `Vec`, kWidth floats, and compiled once per instruction path. Each path's header
// (scalar.h, avx2.h, avx512.h, neon.h) defines, besides + − × ÷ and comparisons of the vector type:
//
//   load, store, load_part, store_part   unaligned; `part`: the first `count` lanes, others read as 0
//   fma(a, b, c) = a·b + c               scalar: rounded twice
//   larger, smaller                      b where a lane is not ordered, so NaN in b passes
//   power_of_two(n)                      n integral, −126 ≤ n ≤ 127
//   sum_of, largest_of                   over lanes, in one fixed order
//   transpose(Vec rows[kWidth])          a kWidth × kWidth block in place
//   load_bf16, store_bf16, round_to_bf16 nearest even
//   load_pairs                           kWidth pairs of bf16 words, as they are
//   low_of_pairs, high_of_pairs          of such pairs the first ones, the second ones, exact
//   load_f16, load_int8                  kWidth elements as floats, exact
//   look_up(book, codes)                 of sixteen floats those of kWidth bytes, each below 16
//   look_up_words(book, words, shift)    of a book those of 4 bits of each lane's 32, from bit `shift` on
//   int8_of_words(words, byte)           each lane's byte of 32 bits as a float, signed
//   take_codes(bytes, codes)             32 codes of 4 bits as bytes, the first of two in the upper half of a byte
//
// This file adds what follows from them. It is included inside the namespace of an instruction path.

#if !defined(LLMF_GATHERS_ENTRIES)
/** Of a table those entries that the first `count` bytes name, at most kWidth. */
inline Vec entries_of(const float* table, const uint8_t* bytes, int64_t count) {
  float entries[kWidth] = {};
  for (int64_t i = 0; i < count; i++) entries[i] = table[bytes[i]];
  return load(entries);
}
#endif

/** The first `count` lanes, all of them when count ≥ kWidth. */
inline Vec load_lanes(const float* from, int64_t count) {
  return count >= kWidth ? load(from) : load_part(from, static_cast<int>(count));
}
inline void store_lanes(float* to, Vec value, int64_t count) {
  if (count >= kWidth) store(to, value);
  else store_part(to, value, static_cast<int>(count));
}

/** The same for bf16 words. */
inline Vec load_bf16_lanes(const uint16_t* from, int64_t count) {
  if (count >= kWidth) return load_bf16(from);
  uint16_t lanes[kWidth] = {};
  for (int64_t i = 0; i < count; i++) lanes[i] = from[i];
  return load_bf16(lanes);
}
inline void store_bf16_lanes(uint16_t* to, Vec value, int64_t count) {
  if (count >= kWidth) return store_bf16(to, value);
  uint16_t lanes[kWidth];
  store_bf16(lanes, value);
  for (int64_t i = 0; i < count; i++) to[i] = lanes[i];
}

template <class Condition>
inline Vec choose(Condition condition, Vec yes, Vec no) {
  return condition ? yes : no;
}

/** As larger and smaller, but NaN in either passes, as tfjs demands of maximum and minimum. */
inline Vec larger_or_nan(Vec a, Vec b) { return choose(a != a, a, larger(a, b)); }
inline Vec smaller_or_nan(Vec a, Vec b) { return choose(a != a, a, smaller(a, b)); }

/** eʳ of x = n·ln 2 + r, |r| ≤ ln 2 / 2: a polynomial with the coefficients of Cephes' expf. */
inline Vec exponential_of_rest(Vec x, Vec n) {
  Vec r = fma(n, set(-0.693359375f), x);
  r = fma(n, set(2.12194440e-4f), r);
  Vec p = set(1.9875691500e-4f);
  p = fma(p, r, set(1.3981999507e-3f));
  p = fma(p, r, set(8.3334519073e-3f));
  p = fma(p, r, set(4.1665795894e-2f));
  p = fma(p, r, set(1.6666665459e-1f));
  p = fma(p, r, set(5.0000001201e-1f));
  p = fma(p, r * r, r) + set(1.0f);
  return p;
}

/**
 * eˣ within 2 ulp. The power of two is applied in two factors, so that results near the largest float do not overflow
 * on the way. NaN passes.
 */
inline Vec exponential(Vec x) {
  const Vec bounded = smaller(set(88.8f), larger(set(-104.0f), x));
  const Vec n = nearest_integer(bounded * set(1.44269504088896341f));
  const Vec p = exponential_of_rest(bounded, n);
  const Vec half = nearest_integer(n * set(0.5f));
  return p * power_of_two(half) * power_of_two(n - half);
}

/** eˣ for x ≤ 0, as after subtracting a maximum: 0 below −87.3, where float32 numbers would be denormal. NaN passes. */
inline Vec exponential_below(Vec x) {
  const Vec bounded = larger(set(-87.3f), x);
  const Vec n = nearest_integer(bounded * set(1.44269504088896341f));
  const Vec p = exponential_of_rest(bounded, n);
  return choose(x < set(-87.3f), zero(), p * power_of_two(n));
}

/** 1 / (1 + e⁻ˣ), for either sign from e^−|x| ≤ 1. */
inline Vec logistic(Vec x) {
  const Vec e = exponential_below(zero() - absolute(x));
  return choose(x != x, x, choose(x < zero(), e, set(1.0f)) / (set(1.0f) + e));
}

/** tanh x: an odd polynomial near 0 (Cephes tanhf), 1 − 2 / (e^2|x| + 1) elsewhere. */
inline Vec hyperbolic_tangent(Vec x) {
  const Vec size = absolute(x);
  const Vec z = x * x;
  Vec p = set(-5.70498872745e-3f);
  p = fma(p, z, set(2.06390887954e-2f));
  p = fma(p, z, set(-5.37397155531e-2f));
  p = fma(p, z, set(1.33314422036e-1f));
  p = fma(p, z, set(-3.33332819422e-1f));
  const Vec near = fma(p * z, x, x);
  const Vec far = set(1.0f) - set(2.0f) / (exponential(size + size) + set(1.0f));
  return choose(x != x, x, choose(size < set(0.625f), near, choose(x < zero(), zero() - far, far)));
}

/** c · tanh(x / c), and the slope of it that belongs to what it gave. */
inline Vec soft_capped(Vec x, Vec cap) { return hyperbolic_tangent(x / cap) * cap; }
inline Vec soft_cap_slope(Vec capped, Vec cap) {
  const Vec share = capped / cap;
  return set(1.0f) - share * share;
}

/** erf x within 1.5e−7: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26. */
inline Vec error_function(Vec x) {
  const Vec size = absolute(x);
  const Vec t = set(1.0f) / fma(set(0.3275911f), size, set(1.0f));
  Vec p = set(1.061405429f);
  p = fma(p, t, set(-1.453152027f));
  p = fma(p, t, set(1.421413741f));
  p = fma(p, t, set(-0.284496736f));
  p = fma(p, t, set(0.254829592f));
  const Vec result = set(1.0f) - p * t * exponential(zero() - size * size);
  return choose(x < zero(), zero() - result, result);
}

/** y[i] = f(x[i]) for i in [0, count); y may be x. */
template <class Function>
inline void map_lanes(int64_t count, const float* x, float* y, Function function) {
  for (int64_t i = 0; i < count; i += kWidth) store_lanes(y + i, function(load_lanes(x + i, count - i)), count - i);
}

/** Σ f(lanes) over [0, count) in a fixed order; f gets the offset and must give 0 in lanes past the end. */
template <class Function>
inline float sum_lanes(int64_t count, Function function) {
  Vec sum0 = zero(), sum1 = zero();
  int64_t i = 0;
  for (; i + 2 * kWidth <= count; i += 2 * kWidth) {
    sum0 = sum0 + function(i, static_cast<int64_t>(kWidth));
    sum1 = sum1 + function(i + kWidth, static_cast<int64_t>(kWidth));
  }
  for (; i < count; i += kWidth) sum0 = sum0 + function(i, count - i);
  return sum_of(sum0 + sum1);
}
