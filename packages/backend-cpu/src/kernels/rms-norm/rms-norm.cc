// SPDX-License-Identifier: Apache-2.0
// y = w ∘ x·r, r = 1/√(mean x² + ε), per row of C float32 values (Zhang & Sennrich 2019, equation 4), and its gradient
//   dx = r·(w ∘ dy) − x·r³/C·Σ(w ∘ dy ∘ x),   dw = Σ over rows of dy ∘ x·r.
// Outputs do not overlap inputs.

float reciprocal_rms(const float* x, int64_t columns, float epsilon) {
  const float squares = sum_lanes(columns, [x](int64_t i, int64_t count) {
    const Vec v = load_lanes(x + i, count);
    return v * v;
  });
  return 1.0f / sqrtf(squares / static_cast<float>(columns) + epsilon);
}

void RmsNorm::run() const {
  parallel_ranges(rows, rows_per_task(columns), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      const float* const from = x + row * columns;
      float* const to = y + row * columns;
      const Vec r = set(reciprocal_rms(from, columns, epsilon));
      for (int64_t i = 0; i < columns; i += kWidth) {
        const int64_t count = columns - i;
        store_lanes(to + i, load_lanes(from + i, count) * r * load_lanes(weight + i, count), count);
      }
    }
  });
}

void RmsNormGradient::run() const {
  constexpr int64_t kRowsPerPart = 32;  // sums over rows are added in parts of this many, in order
  const int64_t parts = ceil_divide(rows, kRowsPerPart);
  Scratch scratch;
  float* const part_sums = d_weight ? scratch.take<float>(parts * columns) : nullptr;
  parallel(parts, [&](int64_t part) {
    float* const sums = part_sums ? part_sums + part * columns : nullptr;
    if (sums) memset(sums, 0, static_cast<size_t>(columns) * sizeof(float));
    const int64_t end = smaller_size(rows, (part + 1) * kRowsPerPart);
    for (int64_t row = part * kRowsPerPart; row < end; row++) {
      const float *const in = x + row * columns, *const up = dy + row * columns;
      float* const to = dx + row * columns;
      const float r = reciprocal_rms(in, columns, epsilon);
      const float inner = sum_lanes(columns, [&](int64_t i, int64_t count) {
        return load_lanes(up + i, count) * load_lanes(weight + i, count) * load_lanes(in + i, count);
      });
      const Vec scale = set(r), shift = set(-r * r * r * inner / static_cast<float>(columns));
      for (int64_t i = 0; i < columns; i += kWidth) {
        const int64_t count = columns - i;
        const Vec v = load_lanes(in + i, count), g = load_lanes(up + i, count);
        if (sums) store_lanes(sums + i, fma(g, v * scale, load_lanes(sums + i, count)), count);
        store_lanes(to + i, fma(v, shift, g * load_lanes(weight + i, count) * scale), count);
      }
    }
  });
  if (!d_weight) return;
  memset(d_weight, 0, static_cast<size_t>(columns) * sizeof(float));
  for (int64_t part = 0; part < parts; part++) add_to(d_weight, part_sums + part * columns, columns);
}
