// SPDX-License-Identifier: Apache-2.0
// y[i] = table[ids[i]]: rows of four-byte values.

void Gather::run() const {
  for (int64_t i = 0; i < count; i++) {
    if (ids[i] < 0 || ids[i] >= rows) return fail("an index is out of range");
  }
  parallel_ranges(count, rows_per_task(columns), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      memcpy(y + i * columns, table + ids[i] * columns, static_cast<size_t>(columns) * 4);
    }
  });
}
