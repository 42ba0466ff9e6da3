// SPDX-License-Identifier: Apache-2.0
// y = x Wᵀ + bias + scale·((x ∘ mask) Aᵀ) Bᵀ and its gradients. x [T, K], W [N, K] float32 or bf16, A [r, K], B [N, r].
// With `rounds` the factors of every product are rounded to bf16; sums are float32. The low-rank
// image of a factor, [T, r], is made from its panels, and the second product joins the first one's sums; both kernels
// can give their image away, for the gradients of A and B. Outputs do not overlap inputs.

#include "weight-panels.h"

struct LowRank {
  int64_t rank;
  const float *a, *b, *mask;
  float scale;
  bool bf16;
};

constexpr int64_t kMaskedRows = 512;  // rows of x ∘ mask that exist at a time

/** scale·((x ∘ mask) Aᵀ)ᵀ → low [r, T] */
void low_rank_input(const LowRank& adapter, const float* x, int64_t tokens, int64_t inputs, float* low) {
  Product p;
  p.m = adapter.rank, p.k = inputs, p.scale = adapter.scale, p.bf16 = adapter.bf16;
  p.a = rows_of(adapter.a, inputs);
  p.c_stride = tokens;
  if (!adapter.mask) {
    p.n = tokens, p.b = rows_of(x, inputs), p.c = low;
    return gemm(p);
  }
  Scratch scratch;
  float* const masked = scratch.take<float>(smaller_size(tokens, kMaskedRows) * inputs);
  for (int64_t t = 0; t < tokens; t += kMaskedRows) {
    const int64_t rows = smaller_size(kMaskedRows, tokens - t);
    parallel_ranges(rows * inputs, 16384, [&](int64_t begin, int64_t end) {
      const float *const values = x + t * inputs, *const factors = adapter.mask + t * inputs;
      for (int64_t i = begin; i < end; i += kWidth) {
        store_lanes(masked + i, load_lanes(values + i, end - i) * load_lanes(factors + i, end - i), end - i);
      }
    });
    p.n = rows, p.b = rows_of(masked, inputs), p.c = low + t;
    gemm(p);
  }
}

/** scale·(dy B)ᵀ → low [r, T] */
void low_rank_output(const LowRank& adapter, const float* dy, int64_t tokens, int64_t outputs, float* low) {
  Product p;
  p.m = adapter.rank, p.n = tokens, p.k = outputs, p.scale = adapter.scale, p.bf16 = adapter.bf16;
  p.a = columns_of(adapter.b, adapter.rank), p.b = rows_of(dy, outputs);
  p.c = low, p.c_stride = tokens;
  gemm(p);
}

void Linear::run() const {
  Product p;
  p.m = tokens, p.n = outputs, p.k = inputs, p.bf16 = rounds;
  p.a = rows_of(x, inputs), p.b = rows_of(weight, inputs), p.panels = panels;
  p.c = y, p.c_stride = outputs, p.bias = bias;
  if (a == nullptr || b == nullptr || rank == 0) return gemm(p);
  p.k2 = rank, p.b2 = rows_of(b, rank);
  if (!mask) {
    p.low = rows_of(a, inputs), p.low_scale = scale, p.image = image;
    return gemm(p);
  }
  Scratch scratch;
  float* const low = scratch.take<float>(rank * tokens);
  low_rank_input({rank, a, b, mask, scale, p.bf16}, x, tokens, inputs, low);
  p.a2 = columns_of(low, tokens);
  gemm(p);
}

/** dx = dy W + scale·((dy B) A) ∘ mask */
void LinearInputGradient::run() const {
  Product p;
  p.m = tokens, p.n = inputs, p.k = outputs, p.bf16 = rounds;
  p.a = rows_of(dy, outputs), p.b = columns_of(weight, inputs), p.panels = panels;
  p.c = dx, p.c_stride = inputs;
  if (a == nullptr || b == nullptr || rank == 0) return gemm(p);
  if (!mask) {
    p.k2 = rank, p.b2 = columns_of(a, inputs);
    p.low = columns_of(b, rank), p.low_scale = scale, p.image = image;
    return gemm(p);
  }
  gemm(p);
  Scratch scratch;
  float* const low = scratch.take<float>(rank * tokens);
  low_rank_output({rank, a, b, nullptr, scale, p.bf16}, dy, tokens, outputs, low);
  float* const update = scratch.take<float>(smaller_size(tokens, kMaskedRows) * inputs);
  for (int64_t t = 0; t < tokens; t += kMaskedRows) {
    const int64_t rows = smaller_size(kMaskedRows, tokens - t);
    Product q;
    q.m = rows, q.n = inputs, q.k = rank, q.bf16 = p.bf16;
    q.a = columns_of(low + t, tokens), q.b = columns_of(a, inputs);
    q.c = update, q.c_stride = inputs;
    gemm(q);
    parallel_ranges(rows * inputs, 16384, [&](int64_t begin, int64_t end) {
      float* const to = dx + t * inputs;
      const float* const factors = mask + t * inputs;
      for (int64_t i = begin; i < end; i += kWidth) {
        const int64_t n = end - i;
        store_lanes(to + i, fma(load_lanes(update + i, n), load_lanes(factors + i, n), load_lanes(to + i, n)), n);
      }
    });
  }
}

/** dW = dyᵀ x */
void LinearWeightGradient::run() const {
  Product p;
  p.m = outputs, p.n = inputs, p.k = tokens, p.bf16 = rounds;
  p.a = columns_of(dy, outputs), p.b = columns_of(x, inputs);
  p.c = d_weight, p.c_stride = inputs;
  gemm(p);
}

/** Panels of a low-rank image: [T, r] as a kernel gave it away, or [r, T] as computed here. */
Factor image_rows(const float* given, const float* computed, int64_t rank, int64_t tokens) {
  return given ? columns_of(given, rank) : rows_of(computed, tokens);
}

/** dA = scale·(dy B)ᵀ (x ∘ mask), dB = scale·dyᵀ ((x ∘ mask) Aᵀ) */
void LinearLowRankGradient::run() const {
  const LowRank adapter{rank, a, b, mask, scale, rounds};
  Scratch scratch;
  float* const low = x_image && dy_image ? nullptr : scratch.take<float>(rank * tokens);

  if (!dy_image) low_rank_output(adapter, dy, tokens, outputs, low);
  Product of_a;
  of_a.m = rank, of_a.n = inputs, of_a.k = tokens, of_a.bf16 = rounds;
  of_a.a = image_rows(dy_image, low, rank, tokens), of_a.c = d_a, of_a.c_stride = inputs;
  if (!mask) {
    of_a.b = columns_of(x, inputs);
    gemm(of_a);
  } else {
    float* const masked = scratch.take<float>(smaller_size(tokens, kMaskedRows) * inputs);
    if (tokens == 0) memset(d_a, 0, static_cast<size_t>(rank * inputs) * sizeof(float));
    for (int64_t t = 0; t < tokens; t += kMaskedRows) {
      const int64_t rows = smaller_size(kMaskedRows, tokens - t);
      parallel_ranges(rows * inputs, 16384, [&](int64_t begin, int64_t end) {
        const float *const values = x + t * inputs, *const factors = mask + t * inputs;
        for (int64_t i = begin; i < end; i += kWidth) {
          store_lanes(masked + i, load_lanes(values + i, end - i) * load_lanes(factors + i, end - i), end - i);
        }
      });
      of_a.k = rows, of_a.a = image_rows(dy_image ? dy_image + t * rank : nullptr, low + t, rank, tokens);
      of_a.b = columns_of(masked, inputs), of_a.accumulate = t > 0;
      gemm(of_a);
    }
  }

  if (!x_image) low_rank_input(adapter, x, tokens, inputs, low);
  float* const transposed = scratch.take<float>(rank * outputs);  // dBᵀ: r rows make a narrower block than r columns
  Product of_b;
  of_b.m = rank, of_b.n = outputs, of_b.k = tokens, of_b.bf16 = rounds;
  of_b.a = image_rows(x_image, low, rank, tokens), of_b.b = columns_of(dy, outputs);
  of_b.c = transposed, of_b.c_stride = outputs;
  gemm(of_b);
  for (int64_t n = 0; n < outputs; n++) {
    for (int64_t r = 0; r < rank; r++) d_b[n * rank + r] = transposed[r * outputs + n];
  }
}
