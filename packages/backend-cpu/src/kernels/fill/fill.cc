// SPDX-License-Identifier: Apache-2.0
// y = value everywhere. float32.

void Fill::run() const {
  const Vec values = set(value);
  parallel_ranges(count, 65536, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += kWidth) store_lanes(y + i, values, end - i);
  });
}
