// SPDX-License-Identifier: Apache-2.0
// y[i] = table[ids[i]]: rows of four-byte values.

void gather(Arguments& arguments) {
  const int64_t count = arguments.size(), rows = arguments.size(), columns = arguments.size();
  const int32_t* const ids = arguments.integers(count);
  const uint32_t* const table = arguments.words(rows * columns);
  uint32_t* const y = arguments.output_words(count * columns);
  if (!arguments.ok()) return;
  for (int64_t i = 0; i < count; i++) {
    if (ids[i] < 0 || ids[i] >= rows) return arguments.fail("an index is out of range");
  }
  parallel_ranges(count, rows_per_task(columns), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      memcpy(y + i * columns, table + ids[i] * columns, static_cast<size_t>(columns) * 4);
    }
  });
}
