// SPDX-License-Identifier: Apache-2.0
// y[t] = Σ_j weights[t·k + j] · rows[places[t·k + j]], in order of j, and its gradient. Every place is one slot's.

void CombineExperts::run() const {
  if (!all_below(tokens * per_token, places, tokens * per_token)) return fail("a place is out of range");
  parallel_ranges(tokens, rows_per_task(columns), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; t++) {
      const int32_t* const of = places + t * per_token;
      const float* const by = weights + t * per_token;
      for (int64_t c = 0; c < columns; c += kWidth) {
        const int64_t n = columns - c;
        Vec sum = set(0.0f);
        for (int64_t j = 0; j < per_token; j++) sum = fma(set(by[j]), load_lanes(rows + of[j] * columns + c, n), sum);
        store_lanes(y + t * columns + c, sum, n);
      }
    }
  });
}

void CombineExpertsGradient::run() const {
  if (!all_below(tokens * per_token, places, tokens * per_token)) return fail("a place is out of range");
  parallel_ranges(tokens * per_token, rows_per_task(columns), [&](int64_t begin, int64_t end) {
    for (int64_t slot = begin; slot < end; slot++) {
      const float *const of_y = dy + slot / per_token * columns, *const row = rows + places[slot] * columns;
      float* const d_row = d_rows + places[slot] * columns;
      const Vec by = set(weights[slot]);
      Vec sum = set(0.0f);
      for (int64_t c = 0; c < columns; c += kWidth) {
        const int64_t n = columns - c;
        const Vec d = load_lanes(of_y + c, n);
        sum = fma(d, load_lanes(row + c, n), sum);
        store_lanes(d_row + c, by * d, n);
      }
      d_weights[slot] = sum_of(sum);
    }
  });
}
