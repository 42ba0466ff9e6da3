// SPDX-License-Identifier: Apache-2.0
// y = x·s(x), elementwise float32 (Hendrycks & Gimpel 2016), and dx = dy·(s + x·s′). s by form:
//   0 exact: Φ(x);   1 tanh: (1 + tanh(√(2/π)(x + 0.044715 x³))) / 2;   2 quick: σ(1.702 x).

struct Share {
  Vec value, slope;
};

Share share_of(int64_t form, Vec x) {
  const Vec half = set(0.5f), one = set(1.0f);
  if (form == 0) {
    const Vec density = exponential(x * x * set(-0.5f)) * set(0.3989422804014327f);
    return {fma(error_function(x * set(0.7071067811865476f)), half, half), density};
  }
  if (form == 1) {
    const Vec root = set(0.7978845608028654f), cubic = set(0.044715f), square = x * x;
    const Vec t = hyperbolic_tangent(root * x * fma(square, cubic, one));
    return {fma(t, half, half), half * (one - t * t) * root * fma(square, set(3 * 0.044715f), one)};
  }
  const Vec sigma = logistic(x * set(1.702f));
  return {sigma, sigma * (one - sigma) * set(1.702f)};
}

void Gelu::run() const {
  parallel_ranges(count, 8192, [&](int64_t begin, int64_t end) {
    map_lanes(end - begin, x + begin, y + begin, [this](Vec v) { return v * share_of(form, v).value; });
  });
}

void GeluGradient::run() const {
  parallel_ranges(count, 8192, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += kWidth) {
      const Vec v = load_lanes(x + i, end - i);
      const Share share = share_of(form, v);
      store_lanes(dx + i, load_lanes(dy + i, end - i) * fma(v, share.slope, share.value), end - i);
    }
  });
}
