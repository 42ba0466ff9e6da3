// SPDX-License-Identifier: Apache-2.0
// Arithmetic of sizes. Included inside the namespace of an instruction path.

constexpr int64_t round_up(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }
constexpr int64_t ceil_divide(int64_t value, int64_t divisor) { return (value + divisor - 1) / divisor; }
constexpr int64_t smaller_size(int64_t a, int64_t b) { return a < b ? a : b; }
