// SPDX-License-Identifier: Apache-2.0
// Products of up to 64 rows with pairs of bf16 as they lie: a row of A in each lane, one pair of B in all of them, so that
// nothing of B is packed; weights in fewer bits are made such pairs, 32 columns at a time. The sums are the chains of
// few-rows.h.
// Included inside the namespace of an instruction path.

constexpr int64_t kMostLanes = 64;
constexpr int64_t kLaneBytes = 16 << 10;  // of the rows of A that stay in the first-level cache while columns pass by

/** Packed rows of A: [k / 2][count][2], `count` whole vectors; none where `pairs` is null. */
template <class Block>
struct LaneRows {
  int64_t count = 0;
  const typename Block::Element* pairs = nullptr;
};

/** Fewer rows are faster packed or as words: as many pairs of B are read for one lane as for all of a vector. */
template <class Block>
inline bool fits_lanes([[maybe_unused]] const Product& p) {
  if constexpr (!Block::kAddsPairs) return false;
  else return p.m > kWidth / 2 && p.m <= kMostLanes && p.b.type != ElementType::f32 && p.b.k_stride == 1 && p.k % 2 == 0;
}

template <class Block>
inline LaneRows<Block> pack_lanes(Scratch& scratch, const Product& p) {
  const int64_t count = round_up(p.m, kWidth);
  auto* const to = scratch.take<typename Block::Element>(count * p.k);
  parallel_ranges(p.k, 512, [&](int64_t begin, int64_t end) {
    auto* const pairs = to + count * begin;
    switch (count / kWidth) {
      case 1: return Block::template pack_lanes<kWidth>(pairs, p.a, p.m, begin, end - begin, p.scale);
      case 2: return Block::template pack_lanes<2 * kWidth>(pairs, p.a, p.m, begin, end - begin, p.scale);
      case 3: return Block::template pack_lanes<3 * kWidth>(pairs, p.a, p.m, begin, end - begin, p.scale);
      default: return Block::template pack_lanes<4 * kWidth>(pairs, p.a, p.m, begin, end - begin, p.scale);
    }
  });
  return {count, to};
}

/** Goes on with sums [kColumns, kVectors · kWidth] by `depth` of rows and of columns, which lie `stride` apart; kGroup columns at a time. */
template <class Block, int kVectors, int kGroup>
inline void add_pairs_to_lanes(const typename Block::Element* rows, const typename Block::Element* columns, int64_t stride,
                               int64_t depth, Ahead ahead, float* sums) {
  constexpr int64_t kCount = kVectors * kWidth, kWordBytes = sizeof(typename Block::Element);
  constexpr int64_t kNear = kLaneBytes / (kCount * kWordBytes) / Block::kTurn * Block::kTurn;
  static_assert(Block::kColumns % kGroup == 0);
  ahead.spread(ceil_divide(depth, Block::kTurn) * (Block::kColumns / kGroup));
  for (int64_t from = 0; from < depth; from += kNear) {
    const int64_t stop = smaller_size(from + kNear, depth);
    for (int64_t c = 0; c < Block::kColumns; c += kGroup) {
      const typename Block::Element* const pairs = columns + c * stride;
      Vec block[kGroup][kVectors];
#pragma GCC unroll 16
      for (int i = 0; i < kGroup; i++)
        for (int j = 0; j < kVectors; j++) block[i][j] = load(sums + (c + i) * kCount + j * kWidth);
      for (int64_t k = from; k < stop;) {
        ahead.turn();
        for (const int64_t turn = smaller_size(k + Block::kTurn, stop); k < turn; k += 2) {
          Vec right[kVectors];
          for (int j = 0; j < kVectors; j++) right[j] = load_pairs(rows + k * kCount + 2 * j * kWidth);
#pragma GCC unroll 16
          for (int i = 0; i < kGroup; i++)
            for (int j = 0; j < kVectors; j++) block[i][j] = Block::add_pair(block[i][j], pairs + i * stride + k, right[j]);
        }
      }
#pragma GCC unroll 16
      for (int i = 0; i < kGroup; i++)
        for (int j = 0; j < kVectors; j++) store(sums + (c + i) * kCount + j * kWidth, block[i][j]);
    }
  }
}

/** The sums [rows, kColumns] over k in [k0, end) of whole columns of B; `lanes` has room for [kColumns, count]. */
template <class Block>
inline void sum_in_lanes(int64_t rows, const LaneRows<Block>& a, const Factor& b, int64_t column, int64_t k0, int64_t end,
                         Ahead ahead, float* lanes, float* sums) {
  using Element = typename Block::Element;
  Scratch scratch;
  const int64_t depth = end - k0, first = column * b.outer_stride + k0, stride = is_packed(b.type) ? depth : b.outer_stride;
  const Element* columns = static_cast<const Element*>(b.data) + first;
  if (is_packed(b.type)) {
    Element* const words = scratch.take<Element>(Block::kColumns * depth);
    for (int64_t c = 0; c < Block::kColumns; c++) expand_words(b.packed, first + c * b.outer_stride, depth, words + c * depth);
    columns = words;
  }
  memset(lanes, 0, static_cast<size_t>(Block::kColumns * a.count) * sizeof(float));
  const Element* const pairs = a.pairs + a.count * k0;
  switch (a.count / kWidth) {
    case 1: add_pairs_to_lanes<Block, 1, 16>(pairs, columns, stride, depth, ahead, lanes); break;
    case 2: add_pairs_to_lanes<Block, 2, 8>(pairs, columns, stride, depth, ahead, lanes); break;
    case 3: add_pairs_to_lanes<Block, 3, 8>(pairs, columns, stride, depth, ahead, lanes); break;
    default: add_pairs_to_lanes<Block, 4, 4>(pairs, columns, stride, depth, ahead, lanes);
  }
  for (int64_t row = 0; row < rows; row += kWidth) {
    for (int64_t c = 0; c < Block::kColumns; c += kWidth) {
      Vec tile[kWidth];
      for (int i = 0; i < kWidth; i++) tile[i] = load(lanes + (c + i) * a.count + row);
      transpose(tile);
      for (int64_t i = 0; i < smaller_size(kWidth, rows - row); i++) store(sums + (row + i) * Block::kColumns + c, tile[i]);
    }
  }
}
