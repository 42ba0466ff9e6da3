// SPDX-License-Identifier: Apache-2.0
// y = exp(x − max) / Σ exp(x − max), or its logarithm, over rows of contiguous float32. y may be x. A NaN makes its row NaN.

float row_maximum(const float* x, int64_t columns) {
  Vec most = set(-__builtin_inff());
  for (int64_t i = 0; i + kWidth <= columns; i += kWidth) most = larger(most, load(x + i));
  float result = largest_of(most);
  for (int64_t i = columns / kWidth * kWidth; i < columns; i++) result = x[i] > result ? x[i] : result;
  return result;
}

void Softmax::run() const {
  parallel_ranges(rows, rows_per_task(columns), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      const float* const from = x + row * columns;
      float* const to = y + row * columns;
      const Vec most = set(row_maximum(from, columns));
      Vec sums = zero();
      for (int64_t i = 0; i < columns; i += kWidth) {
        const Vec shifted = load_lanes(from + i, columns - i) - most, value = exponential(shifted);
        store_lanes(to + i, logarithm ? shifted : value, columns - i);
        if (columns - i >= kWidth) {
          sums = sums + value;
        } else {
          float lanes[kWidth] = {};
          store_part(lanes, value, static_cast<int>(columns - i));
          sums = sums + load(lanes);
        }
      }
      const float total = sum_of(sums);
      if (logarithm) {
        const Vec log_total = set(logf(total));
        map_lanes(columns, to, to, [=](Vec v) { return v - log_total; });
      } else {
        const Vec factor = set(1.0f / total);
        map_lanes(columns, to, to, [=](Vec v) { return v * factor; });
      }
    }
  });
}
