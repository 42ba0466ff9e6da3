// SPDX-License-Identifier: Apache-2.0
// y[t] = table[ids[t]], the table float32 or bf16; and its gradient dTable[v] = Σ over t with ids[t] = v of dy[t], summed
// in order of t.

bool ids_fit(Arguments& arguments, const int32_t* ids, int64_t count, int64_t limit) {
  for (int64_t i = 0; i < count; i++) {
    if (ids[i] < 0 || ids[i] >= limit) return arguments.fail("an id is out of range"), false;
  }
  return true;
}

void embedding(Arguments& arguments) {
  const int64_t tokens = arguments.size(), vocabulary = arguments.size(), columns = arguments.size();
  const int32_t* const ids = arguments.integers(tokens);
  const Storage table = arguments.weight(vocabulary * columns);
  float* const y = arguments.output(tokens * columns);
  if (!arguments.ok() || !ids_fit(arguments, ids, tokens, vocabulary)) return;
  parallel_ranges(tokens, rows_per_task(columns), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; t++) {
      const int64_t from = ids[t] * columns;
      for (int64_t i = 0; i < columns; i += kWidth) {
        const Vec values = table.type == ElementType::u16 ? elements_of<true>(table.data, from + i, columns - i)
                                                          : elements_of<false>(table.data, from + i, columns - i);
        store_lanes(y + t * columns + i, values, columns - i);
      }
    }
  });
}

/** Also tfjs's UnsortedSegmentSum: ids out of range are left out. */
void embedding_gradient(Arguments& arguments) {
  const int64_t tokens = arguments.size(), vocabulary = arguments.size(), columns = arguments.size();
  const float* const dy = arguments.floats(tokens * columns);
  const int32_t* const ids = arguments.integers(tokens);
  float* const d_table = arguments.output(vocabulary * columns);
  if (!arguments.ok()) return;
  scatter_rows(dy, ids, tokens, d_table, vocabulary, columns);
}
