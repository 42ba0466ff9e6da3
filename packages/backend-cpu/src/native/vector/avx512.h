// SPDX-License-Identifier: Apache-2.0
// Vectors of sixteen floats with AVX-512. Included inside the namespace of its instruction path.
inline constexpr int kWidth = 16;
using Vec = __m512;

inline __mmask16 lanes_below(int count) {
  return static_cast<__mmask16>(count >= 16 ? 0xFFFFu : (1u << count) - 1u);
}

inline Vec zero() { return _mm512_setzero_ps(); }
inline Vec set(float value) { return _mm512_set1_ps(value); }
inline Vec load(const float* from) { return _mm512_loadu_ps(from); }
inline void store(float* to, Vec value) { _mm512_storeu_ps(to, value); }
inline Vec load_part(const float* from, int count) { return _mm512_maskz_loadu_ps(lanes_below(count), from); }
inline void store_part(float* to, Vec value, int count) { _mm512_mask_storeu_ps(to, lanes_below(count), value); }
inline Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
inline Vec square_root(Vec value) { return _mm512_sqrt_ps(value); }
inline Vec larger(Vec a, Vec b) { return _mm512_max_ps(a, b); }
inline Vec smaller(Vec a, Vec b) { return _mm512_min_ps(a, b); }
inline Vec absolute(Vec value) { return _mm512_abs_ps(value); }
inline Vec nearest_integer(Vec value) {
  return _mm512_roundscale_ps(value, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
inline Vec power_of_two(Vec exponent) {
  const __m512i biased = _mm512_add_epi32(_mm512_cvtps_epi32(exponent), _mm512_set1_epi32(127));
  return _mm512_castsi512_ps(_mm512_slli_epi32(biased, 23));
}
inline __m256 upper_half(Vec value) {
  return _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(value), 1));
}
inline float sum_of(Vec value) {
  const __m256 quarter = _mm256_add_ps(_mm512_castps512_ps256(value), upper_half(value));
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(quarter), _mm256_extractf128_ps(quarter, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_shuffle_ps(half, half, 1)));
}
inline float largest_of(Vec value) {
  const __m256 quarter = _mm256_max_ps(_mm512_castps512_ps256(value), upper_half(value));
  __m128 half = _mm_max_ps(_mm256_castps256_ps128(quarter), _mm256_extractf128_ps(quarter, 1));
  half = _mm_max_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_max_ss(half, _mm_shuffle_ps(half, half, 1)));
}
/** 16 × 16, in four rounds of exchanging ever larger blocks. */
inline __attribute__((always_inline)) void transpose(Vec* rows) {
  Vec a[16], b[16];
  for (int i = 0; i < 8; i++) {
    a[2 * i] = _mm512_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
    a[2 * i + 1] = _mm512_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
  }
  for (int i = 0; i < 4; i++) {
    b[4 * i] = _mm512_shuffle_ps(a[4 * i], a[4 * i + 2], 0x44);
    b[4 * i + 1] = _mm512_shuffle_ps(a[4 * i], a[4 * i + 2], 0xEE);
    b[4 * i + 2] = _mm512_shuffle_ps(a[4 * i + 1], a[4 * i + 3], 0x44);
    b[4 * i + 3] = _mm512_shuffle_ps(a[4 * i + 1], a[4 * i + 3], 0xEE);
  }
  for (int i = 0; i < 4; i++) {
    a[i] = _mm512_shuffle_f32x4(b[i], b[i + 4], 0x88);
    a[i + 4] = _mm512_shuffle_f32x4(b[i], b[i + 4], 0xDD);
    a[i + 8] = _mm512_shuffle_f32x4(b[i + 8], b[i + 12], 0x88);
    a[i + 12] = _mm512_shuffle_f32x4(b[i + 8], b[i + 12], 0xDD);
  }
  for (int i = 0; i < 4; i++) {
    rows[i] = _mm512_shuffle_f32x4(a[i], a[i + 8], 0x88);
    rows[i + 4] = _mm512_shuffle_f32x4(a[i + 4], a[i + 12], 0x88);
    rows[i + 8] = _mm512_shuffle_f32x4(a[i], a[i + 8], 0xDD);
    rows[i + 12] = _mm512_shuffle_f32x4(a[i + 4], a[i + 12], 0xDD);
  }
}
inline Vec load_bf16(const uint16_t* from) {
  const __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}
/** kWidth pairs of bf16 words as they are; and of such pairs the lower ones, the upper ones, as floats. */
inline Vec load_pairs(const uint16_t* from) { return _mm512_castsi512_ps(_mm512_loadu_si512(from)); }
inline Vec low_of_pairs(Vec pairs) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(pairs), 16)); }
inline Vec high_of_pairs(Vec pairs) { return _mm512_and_ps(pairs, _mm512_castsi512_ps(_mm512_set1_epi32(static_cast<int>(0xFFFF0000u)))); }
/** Rounded to nearest even in the upper 16 bits of each lane; NaN stays NaN. */
inline __m512i bf16_bits(Vec value) {
  const __m512i bits = _mm512_castps_si512(value);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7FFF)));
  const __m512i quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x400000));
  const __mmask16 is_nan = _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q);
  const __m512i chosen = _mm512_mask_blend_epi32(is_nan, rounded, quiet);
  return _mm512_and_si512(chosen, _mm512_set1_epi32(static_cast<int>(0xFFFF0000u)));
}
inline void store_bf16(uint16_t* to, Vec value) {
  const __m512i high = _mm512_srli_epi32(bf16_bits(value), 16);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtepi32_epi16(high));
}
inline Vec round_to_bf16(Vec value) { return _mm512_castsi512_ps(bf16_bits(value)); }
/** Of 16 bytes the 32 codes of 4 bits, a byte each; the first of two is in the upper half. */
inline void take_codes(const uint8_t* bytes, uint8_t* codes) {
  const __m128i both = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)), lower = _mm_set1_epi8(15);
  const __m128i first = _mm_and_si128(_mm_srli_epi16(both, 4), lower), second = _mm_and_si128(both, lower);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(codes), _mm_unpacklo_epi8(first, second));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(codes + 16), _mm_unpackhi_epi8(first, second));
}
/** kWidth values of a book of sixteen by their codes, a byte each. */
inline Vec look_up(const float* book, const uint8_t* codes) {
  const __m512i index = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes)));
  return _mm512_permutexvar_ps(index, load(book));
}
/** Of a table those entries that the first `count` bytes name, at most kWidth. */
#define LLMF_GATHERS_ENTRIES
inline Vec entries_of(const float* table, const uint8_t* bytes, int64_t count) {
  const __mmask16 lanes = lanes_below(static_cast<int>(count));
  const __m512i index = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(lanes, bytes));
  return _mm512_mask_i32gather_ps(_mm512_setzero_ps(), lanes, index, table, 4);
}
inline Vec load_int8(const int8_t* from) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
}
/** Of kWidth words of 32 bits: their 4 bits from `shift` on as codes of a book of sixteen; their bytes as integers. */
inline Vec look_up_words(const float* book, Vec words, int shift) {
  return _mm512_permutexvar_ps(_mm512_srli_epi32(_mm512_castps_si512(words), static_cast<unsigned>(shift)), load(book));
}
inline Vec int8_of_words(Vec words, int byte) {
  const __m512i first = _mm512_slli_epi32(_mm512_castps_si512(words), static_cast<unsigned>(24 - 8 * byte));
  return _mm512_cvtepi32_ps(_mm512_srai_epi32(first, 24));
}
inline Vec load_f16(const uint16_t* from) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}
