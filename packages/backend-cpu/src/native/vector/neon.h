// SPDX-License-Identifier: Apache-2.0
// Vectors of four floats with NEON (always there on arm64). Included inside the namespace of its instruction path.
inline constexpr int kWidth = 4;
using Vec = float32x4_t;

inline Vec zero() { return vdupq_n_f32(0.0f); }
inline Vec set(float value) { return vdupq_n_f32(value); }
inline Vec load(const float* from) { return vld1q_f32(from); }
inline void store(float* to, Vec value) { vst1q_f32(to, value); }
inline Vec load_part(const float* from, int count) {
  float lanes[4] = {0, 0, 0, 0};
  for (int i = 0; i < count && i < 4; i++) lanes[i] = from[i];
  return vld1q_f32(lanes);
}
inline void store_part(float* to, Vec value, int count) {
  float lanes[4];
  vst1q_f32(lanes, value);
  for (int i = 0; i < count && i < 4; i++) to[i] = lanes[i];
}
inline Vec fma(Vec a, Vec b, Vec c) { return vfmaq_f32(c, a, b); }
inline Vec square_root(Vec value) { return vsqrtq_f32(value); }
inline Vec larger(Vec a, Vec b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
inline Vec smaller(Vec a, Vec b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
inline Vec absolute(Vec value) { return vabsq_f32(value); }
inline Vec nearest_integer(Vec value) { return vrndnq_f32(value); }
inline Vec power_of_two(Vec exponent) {
  return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vcvtnq_s32_f32(exponent), vdupq_n_s32(127)), 23));
}
inline float sum_of(Vec value) {
  const float32x2_t half = vadd_f32(vget_low_f32(value), vget_high_f32(value));
  return vget_lane_f32(half, 0) + vget_lane_f32(half, 1);
}
inline float largest_of(Vec value) {
  const float32x2_t half = vmax_f32(vget_low_f32(value), vget_high_f32(value));
  return vget_lane_f32(vpmax_f32(half, half), 0);
}
inline void transpose(Vec* rows) {
  const float32x4x2_t low = vtrnq_f32(rows[0], rows[1]), high = vtrnq_f32(rows[2], rows[3]);
  rows[0] = vcombine_f32(vget_low_f32(low.val[0]), vget_low_f32(high.val[0]));
  rows[1] = vcombine_f32(vget_low_f32(low.val[1]), vget_low_f32(high.val[1]));
  rows[2] = vcombine_f32(vget_high_f32(low.val[0]), vget_high_f32(high.val[0]));
  rows[3] = vcombine_f32(vget_high_f32(low.val[1]), vget_high_f32(high.val[1]));
}
inline Vec load_bf16(const uint16_t* from) { return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(from), 16)); }
/** kWidth pairs of bf16 words as they are; and of such pairs the lower ones, the upper ones, as floats. */
inline Vec load_pairs(const uint16_t* from) { return vreinterpretq_f32_u16(vld1q_u16(from)); }
inline Vec low_of_pairs(Vec pairs) { return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(pairs), 16)); }
inline Vec high_of_pairs(Vec pairs) {
  return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(pairs), vdupq_n_u32(0xFFFF0000u)));
}
/** Rounded to nearest even in the upper 16 bits of each lane; NaN stays NaN. */
inline uint32x4_t bf16_bits(Vec value) {
  const uint32x4_t bits = vreinterpretq_u32_f32(value);
  const uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
  const uint32x4_t rounded = vaddq_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7FFF)));
  const uint32x4_t quiet = vorrq_u32(bits, vdupq_n_u32(0x400000));
  return vandq_u32(vbslq_u32(vceqq_f32(value, value), rounded, quiet), vdupq_n_u32(0xFFFF0000u));
}
inline void store_bf16(uint16_t* to, Vec value) { vst1_u16(to, vshrn_n_u32(bf16_bits(value), 16)); }
inline Vec round_to_bf16(Vec value) { return vreinterpretq_f32_u32(bf16_bits(value)); }
/** Of 16 bytes the 32 codes of 4 bits, a byte each; the first of two is in the upper half. */
inline void take_codes(const uint8_t* bytes, uint8_t* codes) {
  const uint8x16_t both = vld1q_u8(bytes);
  const uint8x16x2_t apart = {{vshrq_n_u8(both, 4), vandq_u8(both, vdupq_n_u8(15))}};
  vst2q_u8(codes, apart);
}
/** kWidth values of a book of sixteen by their codes, a byte each. */
inline Vec look_up(const float* book, const uint8_t* codes) {
  const float values[4] = {book[codes[0]], book[codes[1]], book[codes[2]], book[codes[3]]};
  return vld1q_f32(values);
}
inline Vec load_int8(const int8_t* from) {
  const float values[4] = {static_cast<float>(from[0]), static_cast<float>(from[1]), static_cast<float>(from[2]),
                           static_cast<float>(from[3])};
  return vld1q_f32(values);
}
/** Of kWidth words of 32 bits: their 4 bits from `shift` on as codes of a book of sixteen; their bytes as integers. */
inline Vec look_up_words(const float* book, Vec words, int shift) {
  const uint32x4_t moved = vshlq_u32(vreinterpretq_u32_f32(words), vdupq_n_s32(-shift));
  uint32_t codes[4];
  vst1q_u32(codes, vandq_u32(moved, vdupq_n_u32(15)));
  const float values[4] = {book[codes[0]], book[codes[1]], book[codes[2]], book[codes[3]]};
  return vld1q_f32(values);
}
inline Vec int8_of_words(Vec words, int byte) {
  const int32x4_t first = vshlq_s32(vreinterpretq_s32_f32(words), vdupq_n_s32(24 - 8 * byte));
  return vcvtq_f32_s32(vshrq_n_s32(first, 24));
}
inline Vec load_f16(const uint16_t* from) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(from))); }
