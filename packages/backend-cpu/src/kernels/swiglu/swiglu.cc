// SPDX-License-Identifier: Apache-2.0
// y = silu(gate) ∘ up, silu(g) = g·σ(g) (Shazeer 2020), elementwise float32, and its gradient
//   dUp = dy ∘ silu(gate),   dGate = dy ∘ up ∘ σ(gate)·(1 + gate·(1 − σ(gate))).

void swiglu(Arguments& arguments) {
  const int64_t count = arguments.size();
  const float* const gate = arguments.floats(count);
  const float* const up = arguments.floats(count);
  float* const y = arguments.output(count);
  if (!arguments.ok()) return;
  parallel_ranges(count, 8192, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += kWidth) {
      const Vec g = load_lanes(gate + i, end - i);
      store_lanes(y + i, g * logistic(g) * load_lanes(up + i, end - i), end - i);
    }
  });
}

void swiglu_gradient(Arguments& arguments) {
  const int64_t count = arguments.size();
  const float* const dy = arguments.floats(count);
  const float* const gate = arguments.floats(count);
  const float* const up = arguments.floats(count);
  float* const d_gate = arguments.output(count);
  float* const d_up = arguments.output(count);
  if (!arguments.ok()) return;
  parallel_ranges(count, 8192, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += kWidth) {
      const int64_t n = end - i;
      const Vec g = load_lanes(gate + i, n), d = load_lanes(dy + i, n), sigma = logistic(g);
      store_lanes(d_up + i, d * g * sigma, n);
      store_lanes(d_gate + i, d * load_lanes(up + i, n) * sigma * fma(g, set(1.0f) - sigma, set(1.0f)), n);
    }
  });
}
