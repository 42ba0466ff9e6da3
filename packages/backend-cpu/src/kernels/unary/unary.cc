// SPDX-License-Identifier: Apache-2.0
// y = op(x), elementwise, float32. y may be x. NaN in gives NaN out.

template <class Operation>
void apply_unary(int64_t count, const float* x, float* y, Operation op) {
  parallel_ranges(count, 16384, [&](int64_t begin, int64_t end) { map_lanes(end - begin, x + begin, y + begin, op); });
}

void Unary::run() const {
  const Vec one = set(1.0f);
  switch (operation) {
    case 0: return apply_unary(count, x, y, [](Vec v) { return zero() - v; });
    case 1: return apply_unary(count, x, y, [](Vec v) { return absolute(v); });
    case 2: return apply_unary(count, x, y, [](Vec v) { return exponential(v); });
    case 3: return apply_unary(count, x, y, [](Vec v) { return square_root(v); });
    case 4: return apply_unary(count, x, y, [one](Vec v) { return one / square_root(v); });
    case 5: return apply_unary(count, x, y, [](Vec v) { return v * v; });
    case 6: return apply_unary(count, x, y, [](Vec v) { return logistic(v); });
    case 7: return apply_unary(count, x, y, [](Vec v) { return hyperbolic_tangent(v); });
    case 8: return apply_unary(count, x, y, [](Vec v) { return choose(v < zero(), zero(), v); });
    case 9: return apply_unary(count, x, y, [one](Vec v) { return one / v; });
    case 10: return apply_unary(count, x, y, [](Vec v) { return error_function(v); });
    case 11:  // the C library's logarithm: correct to the last bit or so, and not on any hot path
      return parallel_ranges(count, 4096, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) y[i] = logf(x[i]);
      });
    default: return fail("unknown operation");
  }
}
