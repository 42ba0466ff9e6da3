// SPDX-License-Identifier: Apache-2.0
// accumulator += value, in place. float32.

void Accumulate::run() const {
  parallel_ranges(count, 16384, [&](int64_t begin, int64_t end) { add_to(accumulator + begin, value + begin, end - begin); });
}
