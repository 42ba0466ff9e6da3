// SPDX-License-Identifier: Apache-2.0
// y[p] = Σ values[i] over all i with places[i] = p, added in order of i; zero where there is none. Places out of range
// are left out. A task owns a range of places, so the order does not depend on the threads.
// Included inside the namespace of an instruction path.

inline bool all_below(int64_t limit, const int32_t* ids, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    if (ids[i] < 0 || ids[i] >= limit) return false;
  }
  return true;
}

inline void add_to(float* sums, const float* values, int64_t count) {
  for (int64_t i = 0; i < count; i += kWidth) {
    store_lanes(sums + i, load_lanes(sums + i, count - i) + load_lanes(values + i, count - i), count - i);
  }
}

inline void scatter_rows(const float* values, const int32_t* places, int64_t count, float* y, int64_t rows,
                         int64_t columns) {
  Scratch scratch;
  int32_t* const first = scratch.take<int32_t>(rows);  // chains of the rows of one place, in order
  int32_t* const next = scratch.take<int32_t>(count);
  for (int64_t place = 0; place < rows; place++) first[place] = -1;
  for (int64_t i = count - 1; i >= 0; i--) {
    if (places[i] < 0 || places[i] >= rows) continue;
    next[i] = first[places[i]];
    first[places[i]] = static_cast<int32_t>(i);
  }
  parallel_ranges(rows, rows_per_task(columns), [&](int64_t begin, int64_t end) {
    for (int64_t place = begin; place < end; place++) {
      float* const sums = y + place * columns;
      memset(sums, 0, static_cast<size_t>(columns) * sizeof(float));
      for (int32_t i = first[place]; i >= 0; i = next[i]) add_to(sums, values + i * columns, columns);
    }
  });
}
