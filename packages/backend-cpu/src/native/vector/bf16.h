// SPDX-License-Identifier: Apache-2.0
// bfloat16: the upper half of a float32. And binary16.
#pragma once
#include <cstdint>

namespace llmf {

inline float bf16_to_float(uint16_t value) {
  const uint32_t bits = static_cast<uint32_t>(value) << 16;
  float result;
  __builtin_memcpy(&result, &bits, sizeof result);
  return result;
}

/** To nearest, ties to even; a NaN stays a (quiet) NaN. */
inline uint16_t float_to_bf16(float value) {
  uint32_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  if (value != value) return static_cast<uint16_t>((bits | 0x400000u) >> 16);
  return static_cast<uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}

/** IEEE binary16, exactly. */
inline float f16_to_float(uint16_t value) {
  const int exponent = (value >> 10) & 31, fraction = value & 1023;
  uint32_t bits = static_cast<uint32_t>(value & 0x8000) << 16;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(fraction) * 5.9604644775390625e-8f;  // 2⁻²⁴
    return bits ? -magnitude : magnitude;
  }
  bits |= exponent == 31 ? 0x7F800000u | static_cast<uint32_t>(fraction) << 13
                         : static_cast<uint32_t>(exponent + 112) << 23 | static_cast<uint32_t>(fraction) << 13;
  float result;
  __builtin_memcpy(&result, &bits, sizeof result);
  return result;
}

}  // namespace llmf
