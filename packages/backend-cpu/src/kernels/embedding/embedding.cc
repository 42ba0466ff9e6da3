// SPDX-License-Identifier: Apache-2.0
// y[t] = table[ids[t]], the table in any storage; and its gradient dTable[v] = Σ over t with ids[t] = v of dy[t], summed
// in order of t.

void Embedding::run() const {
  if (!all_below(vocabulary, ids, tokens)) return fail("an id is out of range");
  parallel_ranges(tokens, rows_per_task(columns), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; t++) {
      expand_run(table, ids[t] * columns, columns, y + t * columns);
    }
  });
}

/** Also tfjs's UnsortedSegmentSum: ids out of range are left out. */
void EmbeddingGradient::run() const {
  scatter_rows(dy, ids, tokens, d_table, vocabulary, columns);
}
