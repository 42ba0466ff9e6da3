// SPDX-License-Identifier: Apache-2.0
// What a matrix product is, whatever instruction path computes it.
#pragma once
#include <cstdint>

#include "../arguments.h"

namespace llmf {

/** One factor as seen from the product C[m, n] = Σ_k A[m, k]·B[n, k]: element (outer, k) at outer·outer_stride + k·k_stride. */
struct Factor {
  const void* data = nullptr;
  ElementType type = ElementType::f32;  // f32, u16 for bf16, or that of `packed`
  int64_t outer_stride = 0;
  int64_t k_stride = 1;
  Storage packed = {};
};

inline Factor rows_of(const float* data, int64_t columns) { return {data, ElementType::f32, columns, 1, {}}; }
inline Factor columns_of(const float* data, int64_t columns) { return {data, ElementType::f32, 1, columns, {}}; }
inline Factor rows_of(Storage matrix, int64_t columns) { return {matrix.data, matrix.type, columns, 1, matrix}; }
inline Factor columns_of(Storage matrix, int64_t columns) { return {matrix.data, matrix.type, 1, columns, matrix}; }

/**
 * C = scale·A Bᵀ (+ bias) (+ C) (+ A₂ B₂ᵀ), A₂ given or a low-rank image of A. Every element of C is summed over k in one order that depends on k alone, so
 * a row of C does not depend on which rows stand beside it, nor on the threads.
 */
struct Product {
  int64_t m = 0, n = 0, k = 0;
  Factor a, b;
  float* c = nullptr;
  int64_t c_stride = 0;
  float scale = 1.0f;
  const float* bias = nullptr;  // [n]
  bool accumulate = false;
  /** Both factors are rounded to bf16 first; sums stay float32. */
  bool bf16 = false;
  /** B packed before (weight_panels), for products of factors rounded to bf16; `b` is not read then. */
  const uint16_t* panels = nullptr;
  /** A second pair of factors added to the same C, e.g. a low-rank update: [m, k2] and [n, k2]. */
  int64_t k2 = 0;
  Factor a2, b2;
  /** With `low` [k2, k], A₂ = low_scale·A lowᵀ: computed from A as it is packed, in place of `a2`. */
  Factor low;
  float low_scale = 1.0f;
  float* image = nullptr;  // gets A₂ [m, k2] as well, not rounded
};

}  // namespace llmf
