// SPDX-License-Identifier: Apache-2.0
// Vectors of eight floats with AVX2 and FMA. Included inside the namespace of its instruction path.
inline constexpr int kWidth = 8;
using Vec = __m256;

inline __m256i lanes_below(int count) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), lane);
}

inline Vec zero() { return _mm256_setzero_ps(); }
inline Vec set(float value) { return _mm256_set1_ps(value); }
inline Vec load(const float* from) { return _mm256_loadu_ps(from); }
inline void store(float* to, Vec value) { _mm256_storeu_ps(to, value); }
inline Vec load_part(const float* from, int count) { return _mm256_maskload_ps(from, lanes_below(count)); }
inline void store_part(float* to, Vec value, int count) { _mm256_maskstore_ps(to, lanes_below(count), value); }
inline Vec fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
inline Vec square_root(Vec value) { return _mm256_sqrt_ps(value); }
inline Vec larger(Vec a, Vec b) { return _mm256_max_ps(a, b); }
inline Vec smaller(Vec a, Vec b) { return _mm256_min_ps(a, b); }
inline Vec absolute(Vec value) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), value); }
inline Vec nearest_integer(Vec value) {
  return _mm256_round_ps(value, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
inline Vec power_of_two(Vec exponent) {
  const __m256i biased = _mm256_add_epi32(_mm256_cvtps_epi32(exponent), _mm256_set1_epi32(127));
  return _mm256_castsi256_ps(_mm256_slli_epi32(biased, 23));
}
inline float sum_of(Vec value) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(value), _mm256_extractf128_ps(value, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_shuffle_ps(half, half, 1)));
}
inline float largest_of(Vec value) {
  __m128 half = _mm_max_ps(_mm256_castps256_ps128(value), _mm256_extractf128_ps(value, 1));
  half = _mm_max_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_max_ss(half, _mm_shuffle_ps(half, half, 1)));
}
inline void transpose(Vec* rows) {
  Vec a[8], b[8];
  for (int i = 0; i < 4; i++) {
    a[2 * i] = _mm256_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
    a[2 * i + 1] = _mm256_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
  }
  for (int i = 0; i < 2; i++) {
    b[4 * i] = _mm256_shuffle_ps(a[4 * i], a[4 * i + 2], 0x44);
    b[4 * i + 1] = _mm256_shuffle_ps(a[4 * i], a[4 * i + 2], 0xEE);
    b[4 * i + 2] = _mm256_shuffle_ps(a[4 * i + 1], a[4 * i + 3], 0x44);
    b[4 * i + 3] = _mm256_shuffle_ps(a[4 * i + 1], a[4 * i + 3], 0xEE);
  }
  for (int i = 0; i < 4; i++) {
    rows[i] = _mm256_permute2f128_ps(b[i], b[i + 4], 0x20);
    rows[i + 4] = _mm256_permute2f128_ps(b[i], b[i + 4], 0x31);
  }
}
inline Vec load_bf16(const uint16_t* from) {
  const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}
/** kWidth pairs of bf16 words as they are; and of such pairs the lower ones, the upper ones, as floats. */
inline Vec load_pairs(const uint16_t* from) { return _mm256_castsi256_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))); }
inline Vec low_of_pairs(Vec pairs) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(pairs), 16)); }
inline Vec high_of_pairs(Vec pairs) { return _mm256_and_ps(pairs, _mm256_castsi256_ps(_mm256_set1_epi32(static_cast<int>(0xFFFF0000u)))); }
/** Rounded to nearest even in the upper 16 bits of each lane; NaN stays NaN. */
inline __m256i bf16_bits(Vec value) {
  const __m256i bits = _mm256_castps_si256(value);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF)));
  const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
  const __m256i is_nan = _mm256_castps_si256(_mm256_cmp_ps(value, value, _CMP_UNORD_Q));
  return _mm256_and_si256(_mm256_blendv_epi8(rounded, quiet, is_nan), _mm256_set1_epi32(static_cast<int>(0xFFFF0000u)));
}
inline void store_bf16(uint16_t* to, Vec value) {
  const __m256i high = _mm256_srli_epi32(bf16_bits(value), 16);
  const __m128i packed = _mm_packus_epi32(_mm256_castsi256_si128(high), _mm256_extracti128_si256(high, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), packed);
}
inline Vec round_to_bf16(Vec value) { return _mm256_castsi256_ps(bf16_bits(value)); }
/** Of 16 bytes the 32 codes of 4 bits, a byte each; the first of two is in the upper half. */
inline void take_codes(const uint8_t* bytes, uint8_t* codes) {
  const __m128i both = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)), lower = _mm_set1_epi8(15);
  const __m128i first = _mm_and_si128(_mm_srli_epi16(both, 4), lower), second = _mm_and_si128(both, lower);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(codes), _mm_unpacklo_epi8(first, second));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(codes + 16), _mm_unpackhi_epi8(first, second));
}
/** kWidth values of a book of sixteen by their codes, a byte each. */
inline Vec look_up(const float* book, const uint8_t* codes) {
  const __m256i index = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes)));
  const Vec low = _mm256_permutevar8x32_ps(load(book), index), high = _mm256_permutevar8x32_ps(load(book + 8), index);
  return _mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32(index, 28)));
}
inline Vec load_int8(const int8_t* from) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
}
/** Of kWidth words of 32 bits: their 4 bits from `shift` on as codes of a book of sixteen; their bytes as integers. */
inline Vec look_up_words(const float* book, Vec words, int shift) {
  const __m256i index = _mm256_srli_epi32(_mm256_castps_si256(words), shift);
  const Vec low = _mm256_permutevar8x32_ps(load(book), index), high = _mm256_permutevar8x32_ps(load(book + 8), index);
  return _mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32(index, 28)));
}
inline Vec int8_of_words(Vec words, int byte) {
  return _mm256_cvtepi32_ps(_mm256_srai_epi32(_mm256_slli_epi32(_mm256_castps_si256(words), 24 - 8 * byte), 24));
}
inline Vec load_f16(const uint16_t* from) { return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))); }
