// SPDX-License-Identifier: Apache-2.0
// One AdamW update in place (Loshchilov & Hutter 2019, algorithm 2; order and ε as torch.optim.AdamW). float32.
//   m ← β₁ m + (1 − β₁) g;  v ← β₂ v + (1 − β₂) g²;  θ ← (1 − η λ) θ − η / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)
// g is the gradient times `scale` (one value, or null for 1).

void Adamw::run() const {
  const Vec keep1 = set(static_cast<float>(beta1)), add1 = set(static_cast<float>(1 - beta1));
  const Vec keep2 = set(static_cast<float>(beta2)), add2 = set(static_cast<float>(1 - beta2));
  const Vec rate = set(static_cast<float>(learning_rate / (1 - pow(beta1, step))));
  const Vec root_scale = set(static_cast<float>(1 / sqrt(1 - pow(beta2, step))));
  const Vec decay = set(static_cast<float>(1 - learning_rate * weight_decay));
  const Vec small = set(static_cast<float>(epsilon)), factor = set(scale ? *scale : 1.0f);
  parallel_ranges(count, 8192, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += kWidth) {
      const int64_t n = end - i;
      const Vec g = load_lanes(gradient + i, n) * factor;
      const Vec mean = fma(load_lanes(m + i, n), keep1, g * add1);
      const Vec square = fma(load_lanes(v + i, n), keep2, g * g * add2);
      store_lanes(m + i, mean, n);
      store_lanes(v + i, square, n);
      const Vec change = rate * mean / fma(square_root(square), root_scale, small);
      store_lanes(parameter + i, load_lanes(parameter + i, n) * decay - change, n);
    }
  });
}
