// SPDX-License-Identifier: Apache-2.0
// y = value everywhere. float32.

void fill(Arguments& arguments) {
  const int64_t count = arguments.size();
  const Vec value = set(arguments.scalar());
  float* const y = arguments.output(count);
  if (!arguments.ok()) return;
  parallel_ranges(count, 65536, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += kWidth) store_lanes(y + i, value, end - i);
  });
}
