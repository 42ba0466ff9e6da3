// SPDX-License-Identifier: Apache-2.0
// Vectors of one float: the portable path, and the reference that the others are tested against.
// Included inside the namespace of its instruction path; see vector.h for what each function means.
inline constexpr int kWidth = 1;
using Vec = float;

inline Vec zero() { return 0.0f; }
inline Vec set(float value) { return value; }
inline Vec load(const float* from) { return *from; }
inline void store(float* to, Vec value) { *to = value; }
inline Vec load_part(const float* from, int count) { return count > 0 ? *from : 0.0f; }
inline void store_part(float* to, Vec value, int count) {
  if (count > 0) *to = value;
}
inline Vec fma(Vec a, Vec b, Vec c) { return a * b + c; }
inline Vec square_root(Vec value) { return __builtin_sqrtf(value); }
inline Vec larger(Vec a, Vec b) { return a > b ? a : b; }
inline Vec smaller(Vec a, Vec b) { return a < b ? a : b; }
inline Vec absolute(Vec value) { return __builtin_fabsf(value); }
inline Vec nearest_integer(Vec value) { return __builtin_rintf(value); }
inline Vec power_of_two(Vec exponent) {
  const int32_t bits = (static_cast<int32_t>(exponent) + 127) << 23;
  float result;
  __builtin_memcpy(&result, &bits, sizeof result);
  return result;
}
inline float sum_of(Vec value) { return value; }
inline float largest_of(Vec value) { return value; }
inline void transpose(Vec*) {}
inline Vec load_bf16(const uint16_t* from) { return bf16_to_float(*from); }
inline uint32_t bits_of(float value) {
  uint32_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return bits;
}
inline Vec load_pairs(const uint16_t* from) {
  float pair;
  __builtin_memcpy(&pair, from, sizeof pair);
  return pair;
}
inline Vec low_of_pairs(Vec pairs) { return bf16_to_float(static_cast<uint16_t>(bits_of(pairs))); }
inline Vec high_of_pairs(Vec pairs) { return bf16_to_float(static_cast<uint16_t>(bits_of(pairs) >> 16)); }
inline void store_bf16(uint16_t* to, Vec value) { *to = float_to_bf16(value); }
inline Vec round_to_bf16(Vec value) { return bf16_to_float(float_to_bf16(value)); }
/** Of 16 bytes the 32 codes of 4 bits, a byte each; the first of two is in the upper half. */
inline void take_codes(const uint8_t* bytes, uint8_t* codes) {
  for (int i = 0; i < 16; i++) codes[2 * i] = bytes[i] >> 4, codes[2 * i + 1] = bytes[i] & 15;
}
inline Vec look_up(const float* book, const uint8_t* codes) { return book[*codes]; }
inline Vec load_int8(const int8_t* from) { return static_cast<float>(*from); }
/** Of a word of 32 bits: its 4 bits from `shift` on as a code of a book of sixteen; its bytes as integers. */
inline Vec look_up_words(const float* book, Vec word, int shift) {
  uint32_t bits;
  __builtin_memcpy(&bits, &word, sizeof bits);
  return book[bits >> shift & 15];
}
inline Vec int8_of_words(Vec word, int byte) {
  uint32_t bits;
  __builtin_memcpy(&bits, &word, sizeof bits);
  return static_cast<float>(static_cast<int8_t>(bits >> (8 * byte)));
}
inline Vec load_f16(const uint16_t* from) { return f16_to_float(*from); }
