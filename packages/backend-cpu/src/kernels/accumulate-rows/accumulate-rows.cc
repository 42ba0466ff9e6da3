// SPDX-License-Identifier: Apache-2.0
// accumulator[v] += Σ over t with ids[t] = v of rows[t], in place, for the ids that occur: the rows of one id are summed in
// order of t first, as embedding's gradient sums them. float32.

void AccumulateRows::run() const {
  for (int64_t t = 0; t < tokens; t++) {
    if (ids[t] < 0 || ids[t] >= vocabulary) return fail("an id is out of range");
  }
  Scratch scratch;
  int32_t* const next = scratch.take<int32_t>(tokens);    // chains of the rows of one id, in order
  int32_t* const starts = scratch.take<int32_t>(tokens);  // the first row of each id that occurs
  int32_t* const first = scratch.take<int32_t>(vocabulary);
  memset(first, -1, static_cast<size_t>(vocabulary) * sizeof(int32_t));
  for (int64_t t = tokens - 1; t >= 0; t--) next[t] = first[ids[t]], first[ids[t]] = static_cast<int32_t>(t);
  int64_t occurring = 0;
  for (int64_t t = 0; t < tokens; t++) {
    if (first[ids[t]] == t) starts[occurring++] = static_cast<int32_t>(t);
  }
  parallel_ranges(occurring, rows_per_task(columns), [&](int64_t begin, int64_t end) {
    Scratch own;
    float* const sums = own.take<float>(columns);
    for (int64_t i = begin; i < end; i++) {
      const int64_t start = starts[i];
      memcpy(sums, rows + start * columns, static_cast<size_t>(columns) * sizeof(float));
      for (int32_t t = next[start]; t >= 0; t = next[t]) add_to(sums, rows + t * columns, columns);
      add_to(accumulator + ids[start] * columns, sums, columns);
    }
  });
}
