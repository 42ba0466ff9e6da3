// SPDX-License-Identifier: Apache-2.0
// Arithmetic of sizes. Included inside the namespace of an instruction path.

constexpr int64_t round_up(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }
constexpr int64_t ceil_divide(int64_t value, int64_t divisor) { return (value + divisor - 1) / divisor; }
constexpr int64_t smaller_size(int64_t a, int64_t b) { return a < b ? a : b; }

/** Packed factors of one block of C: A's panel and B's, `depth` long. */
template <class Element>
struct Panels {
  int64_t depth = 0;
  const Element *a = nullptr, *b = nullptr;
  const Element* ahead = nullptr;  // 4·depth elements of the next panel of A, for blocks that outrun what the processor reads ahead
};
