// SPDX-License-Identifier: Apache-2.0
// accumulator += value, in place. float32.

void accumulate(Arguments& arguments) {
  const int64_t count = arguments.size();
  float* const accumulator = arguments.output(count);
  const float* const value = arguments.floats(count);
  if (!arguments.ok()) return;
  parallel_ranges(count, 16384, [&](int64_t begin, int64_t end) { add_to(accumulator + begin, value + begin, end - begin); });
}
