// SPDX-License-Identifier: Apache-2.0
// y = w ∘ x̂ + b, x̂ = (x − mean)·r, r = 1/√(variance + ε), per row of C float32 values (Ba et al. 2016, equation 4), and
//   dx = r·(g − mean g − x̂·mean(g ∘ x̂)) with g = w ∘ dy,   dw = Σ dy ∘ x̂,   db = Σ dy.
// Outputs do not overlap inputs.

struct Moments {
  float mean, reciprocal;
};

Moments moments_of(const float* x, int64_t columns, float epsilon) {
  const float count = static_cast<float>(columns);
  const float mean = sum_lanes(columns, [x](int64_t i, int64_t n) { return load_lanes(x + i, n); }) / count;
  const float squares = sum_lanes(columns, [x, mean](int64_t i, int64_t n) {
    if (n >= kWidth) {
      const Vec d = load(x + i) - set(mean);
      return d * d;
    }
    float lanes[kWidth] = {};
    for (int64_t j = 0; j < n; j++) lanes[j] = (x[i + j] - mean) * (x[i + j] - mean);
    return load(lanes);
  });
  return {mean, 1.0f / sqrtf(squares / count + epsilon)};
}

void LayerNorm::run() const {
  parallel_ranges(rows, rows_per_task(columns), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      const float* const from = x + row * columns;
      const Moments moments = moments_of(from, columns, epsilon);
      const Vec mean = set(moments.mean), r = set(moments.reciprocal);
      for (int64_t i = 0; i < columns; i += kWidth) {
        const int64_t count = columns - i;
        const Vec normal = (load_lanes(from + i, count) - mean) * r;
        store_lanes(y + row * columns + i, fma(normal, load_lanes(weight + i, count), load_lanes(bias + i, count)), count);
      }
    }
  });
}

void LayerNormGradient::run() const {
  constexpr int64_t kRowsPerPart = 32;  // sums over rows are added in parts of this many, in order
  const int64_t parts = ceil_divide(rows, kRowsPerPart);
  Scratch scratch;
  const bool sums_wanted = d_weight != nullptr && d_bias != nullptr;
  float* const part_sums = sums_wanted ? scratch.take<float>(parts * 2 * columns) : nullptr;
  parallel(parts, [&](int64_t part) {
    float* const weight_sums = sums_wanted ? part_sums + part * 2 * columns : nullptr;
    if (sums_wanted) memset(weight_sums, 0, static_cast<size_t>(2 * columns) * sizeof(float));
    const int64_t end = smaller_size(rows, (part + 1) * kRowsPerPart);
    for (int64_t row = part * kRowsPerPart; row < end; row++) {
      const float *const in = x + row * columns, *const up = dy + row * columns;
      const Moments moments = moments_of(in, columns, epsilon);
      const Vec mean = set(moments.mean), r = set(moments.reciprocal);
      const float size = static_cast<float>(columns);
      const float g_mean = sum_lanes(columns, [&](int64_t i, int64_t n) {
        return load_lanes(up + i, n) * load_lanes(weight + i, n);
      }) / size;
      const float gx_mean = sum_lanes(columns, [&](int64_t i, int64_t n) {  // dy is 0 past the end, so x̂ may be anything
        return load_lanes(up + i, n) * load_lanes(weight + i, n) * ((load_lanes(in + i, n) - mean) * r);
      }) / size;
      for (int64_t i = 0; i < columns; i += kWidth) {
        const int64_t count = columns - i;
        const Vec g = load_lanes(up + i, count), normal = (load_lanes(in + i, count) - mean) * r;
        const Vec inner = g * load_lanes(weight + i, count) - set(g_mean) - normal * set(gx_mean);
        store_lanes(dx + row * columns + i, inner * r, count);
        if (!sums_wanted) continue;
        float* const bias_sums = weight_sums + columns;
        store_lanes(weight_sums + i, fma(g, normal, load_lanes(weight_sums + i, count)), count);
        store_lanes(bias_sums + i, g + load_lanes(bias_sums + i, count), count);
      }
    }
  });
  if (!sums_wanted) return;
  memset(d_weight, 0, static_cast<size_t>(columns) * sizeof(float));
  memset(d_bias, 0, static_cast<size_t>(columns) * sizeof(float));
  for (int64_t part = 0; part < parts; part++) {
    add_to(d_weight, part_sums + part * 2 * columns, columns);
    add_to(d_bias, part_sums + part * 2 * columns + columns, columns);
  }
}
