// SPDX-License-Identifier: Apache-2.0
// Arithmetic of sizes. Included inside the namespace of an instruction path.

constexpr int64_t round_up(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }
constexpr int64_t ceil_divide(int64_t value, int64_t divisor) { return (value + divisor - 1) / divisor; }
constexpr int64_t smaller_size(int64_t a, int64_t b) { return a < b ? a : b; }

/** Passes of equal depth, the last one shorter; a function of k alone. */
template <class Block>
inline int64_t pass_depth(int64_t k) {
  const int64_t passes = k > 0 ? ceil_divide(k, Block::kDepth) : 1;
  return round_up(ceil_divide(k > 0 ? k : 1, passes), Block::kDepthUnit > 8 ? Block::kDepthUnit : 8);
}

template <class Block>
inline int64_t padded_depth(int64_t k) {
  return round_up(k, Block::kDepthUnit);
}

/** Packed factors of one block of C: A's panel and B's, `depth` long. */
template <class Element>
struct Panels {
  int64_t depth = 0;
  const Element *a = nullptr, *b = nullptr;
  const Element* next_a = nullptr;  // 4·depth elements of the next panel of A, for blocks that outrun what the processor reads ahead
  Ahead* ahead = nullptr;           // has its turn every kTurn of k
};
