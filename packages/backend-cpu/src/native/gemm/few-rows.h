// SPDX-License-Identifier: Apache-2.0
// Products with few rows, as in decoding, where reading B is what costs. B is read once, where it lies: a piece of a panel
// is packed into the first-level cache, multiplied with all rows, and the next one goes on with their sums. So each
// element is the very chain that it is in gemm.h, whatever the number of rows.
// Included inside the namespace of an instruction path.

constexpr int64_t kFewRows = 16;               // with more, packing many columns at a time costs no more; see rows-in-lanes.h
constexpr int64_t kPieceBytes = 8 << 10;       // of a packed piece of B
constexpr int64_t kBytesPerTask = 96 << 10;    // of B
constexpr int64_t kSharedBytes = 128 << 10;    // of B, from which on threads share it however small the call is

/** k of a piece, in whole units of depth. */
template <class Block>
constexpr int64_t kPiece = kPieceBytes / (Block::kColumns * static_cast<int64_t>(sizeof(typename Block::Element)));

/** Room for `multiply_as_it_lies`, of one thread. */
template <class Block>
struct Pieces {
  typename Block::Element* panel;  // [kPiece, kColumns], packed
  float* sums;                     // [rows, kColumns]
  int64_t sum_count;
  float* scales;                   // [pass_depth / kShortestRun + 2, kColumns]
  float* lanes;                    // [kColumns, rows]: sums of rows in lanes

  Pieces(Scratch& scratch, int64_t rows)
      : panel(scratch.take<typename Block::Element>(kPiece<Block> * Block::kColumns)),
        sums(scratch.take<float>(round_up(rows, Block::kRows) * Block::kColumns)),
        sum_count(round_up(rows, Block::kRows) * Block::kColumns),
        scales(scratch.take<float>((Block::kDepth / kShortestRun + 2) * Block::kColumns)),
        lanes(scratch.take<float>(Block::kColumns * round_up(rows, kWidth))) {}
};

/** Rows of A: their panels over the whole of k, and once more for lanes where that is faster. */
template <class Block>
struct FewRows {
  int64_t count;
  const typename Block::Element* panels;
  LaneRows<Block> lanes = {};
};

/** Goes on with the sums of all rows: `a` are their panels, `stride` apart, and `panel` is one of B. */
template <class Block>
inline void add_to_chain(int64_t rows, const typename Block::Element* a, int64_t stride, const typename Block::Element* panel,
                         int64_t depth, float* sums, Ahead* ahead = nullptr) {
  for (int64_t i = 0; i < rows; i += Block::kRows) {
    Block::multiply(smaller_size(Block::kRows, rows - i), Block::kColumns, {depth, a + i * stride, panel, nullptr, ahead},
                    sums + i * Block::kColumns, Block::kColumns, Start::chain, nullptr);
  }
}

/** A second pair of packed factors that joins the last pass. */
template <class Block>
struct SecondPair {
  int64_t depth = 0;
  const typename Block::Element *a = nullptr, *b = nullptr;
};

/** Goes on with the sums of all rows by k in [k0, end) of some columns of B, a piece packed at a time. */
template <class Block>
inline void add_pieces(int64_t rows, int64_t columns, const typename Block::Element* a, int64_t whole, const Factor& b,
                       int64_t column, int64_t k0, int64_t end, bool bf16, const Pieces<Block>& pieces, Reading reading) {
  reading.ahead.spread(ceil_divide(end - k0, Block::kTurn) * ceil_divide(rows, Block::kRows));
  for (int64_t at = k0; at < end; at += kPiece<Block>) {
    const int64_t depth = smaller_size(kPiece<Block>, end - at);
    pack_b<Block>(pieces.panel, b, column, columns, at, depth, {bf16, 1.0f});
    add_to_chain<Block>(rows, a + Block::kRows * at, whole, pieces.panel, padded_depth<Block>(depth), pieces.sums, &reading.ahead);
  }
}

/** Goes on with the sums of the first `kTaken` rows. */
template <class Block, class Words, int kTaken>
inline void add_taken(const typename Block::Element* a, const Factor& b, int64_t column, int64_t k0, int64_t end, bool bf16,
                      const Words& words, Reading reading, float* sums) {
#if defined(LLMF_CODE_PAIRS)
  if constexpr (Block::kAddsPairs && !Words::kArePairs) {
    return add_code_pairs<Block, Words, kTaken>(a, b, column, k0, end, words, reading, sums);
  } else
#endif
  {
    add_words<Block, Words, kTaken>(a, b, column, k0, end, bf16, words, reading, sums);
  }
}

template <class Block, class Words>
inline void add_as_words(int64_t rows, const typename Block::Element* a, const Factor& b, int64_t column, int64_t k0, int64_t end,
                         bool bf16, const Pieces<Block>& pieces, Reading reading) {
  const Words words(b.packed, column, Block::kColumns, b.outer_stride, k0, end, pieces.scales);
  if (rows == 1) add_taken<Block, Words, 1>(a, b, column, k0, end, bf16, words, reading, pieces.sums);
  else if (rows == 2) add_taken<Block, Words, 2>(a, b, column, k0, end, bf16, words, reading, pieces.sums);
  else add_taken<Block, Words, kFewestRows>(a, b, column, k0, end, bf16, words, reading, pieces.sums);
}

/** The sums over k in [k0, end) of some columns of B, in the fastest way for these rows and this storage. */
template <class Block>
inline void sum_columns(const FewRows<Block>& rows, int64_t columns, int64_t whole, const Factor& b, int64_t column, int64_t k0,
                        int64_t end, bool bf16, const Pieces<Block>& pieces, Reading reading) {
  const bool are_whole = columns == Block::kColumns && b.k_stride == 1;
  if constexpr (Block::kAddsPairs) {
    if (are_whole && rows.lanes.pairs) {
      return sum_in_lanes<Block>(rows.count, rows.lanes, b, column, k0, end, reading.ahead, pieces.lanes, pieces.sums);
    }
  }
  memset(pieces.sums, 0, static_cast<size_t>(pieces.sum_count) * sizeof(float));
  if constexpr (Block::kTakesWords) {
    if (are_whole && rows.count <= kFewestRows) {
      if (HalfWords::fits(b)) return add_as_words<Block, HalfWords>(rows.count, rows.panels, b, column, k0, end, bf16, pieces, reading);
      if (ByteWords::fits(b)) return add_as_words<Block, ByteWords>(rows.count, rows.panels, b, column, k0, end, bf16, pieces, reading);
      if (NibbleWords::fits(b)) return add_as_words<Block, NibbleWords>(rows.count, rows.panels, b, column, k0, end, bf16, pieces, reading);
    }
  }
  add_pieces<Block>(rows.count, columns, rows.panels, whole, b, column, k0, end, bf16, pieces, reading);
}

/** How a panel of B comes to be near: whether it was asked for before, and the panel read after it. */
struct PanelOrder {
  bool is_asked_for = false;
  int64_t next = -1;  // its first column, or none
};

/** As multiply_packed, of packed rows and at most kColumns columns of B as they lie. */
template <class Block>
inline void multiply_as_it_lies(const FewRows<Block>& rows, int64_t columns, int64_t k, const Factor& b, int64_t column, bool bf16,
                                const Pieces<Block>& pieces, float* c, int64_t c_stride, Start start,
                                const float* bias = nullptr, SecondPair<Block> second = {}, PanelOrder order = {}) {
  static_assert(kPiece<Block> % Block::kDepthUnit == 0);
  const int64_t per_pass = pass_depth<Block>(k), whole = padded_depth<Block>(k);
  for (int64_t k0 = 0; k0 == 0 || k0 < k; k0 += per_pass) {
    const int64_t end = smaller_size(k0 + per_pass, k);
    Reading reading{order.is_asked_for || k0 > 0, {}};
    if (end < k) reading.ahead = ahead_of(b, column, columns, end, smaller_size(per_pass, k - end));
    else if (order.next >= 0) reading.ahead = ahead_of(b, order.next, Block::kColumns, 0, smaller_size(per_pass, k));
    sum_columns<Block>(rows, columns, whole, b, column, k0, end, bf16, pieces, reading);
    if (end == k && second.depth > 0) {
      add_to_chain<Block>(rows.count, second.a, second.depth, second.b, second.depth, pieces.sums);
    }
    store_sums(pieces.sums, Block::kColumns, rows.count, columns, c, c_stride, k0 == 0 ? start : Start::values, bias);
  }
}

/** Of a column of B. */
inline int64_t bytes_per_column(const Product& p) {
  switch (p.b.type) {
    case ElementType::f32: return p.k * 4;
    case ElementType::four_bits:
    case ElementType::groups:
    case ElementType::blocks: return p.k / 2;
    case ElementType::eight_bits: return p.k;
    default: return p.k * 2;
  }
}

template <class Block>
inline bool has_few_rows(const Product& p) {
  return (p.m <= kFewRows || fits_lanes<Block>(p)) && p.b.k_stride == 1 && p.panels == nullptr && p.n > 0;
}

/** The whole product; `a` and `second` are panels of all rows. */
template <class Block>
inline void multiply_few_rows(const Product& p, const typename Block::Element* a, const typename Block::Element* second) {
  const Shared shared(p.n * bytes_per_column(p) >= kSharedBytes);
  const int64_t second_depth = padded_depth<Block>(p.k2);
  const int64_t per_task = round_up(kBytesPerTask / (bytes_per_column(p) + 1) + 1, Block::kColumns);
  const Start start = p.accumulate ? Start::values : p.bias ? Start::bias : Start::nothing;
  const int64_t turn = threads() * per_task;  // columns from one task of a thread to its next, most likely
  Scratch scratch;
  FewRows<Block> rows{p.m, a};
  if constexpr (Block::kAddsPairs) {
    if (fits_lanes<Block>(p)) rows.lanes = pack_lanes<Block>(scratch, p);
  }
  parallel_ranges(p.n, per_task, [&](int64_t begin, int64_t end) {
    [[maybe_unused]] typename Block::Session session;
    Scratch scratch;
    const Pieces<Block> pieces(scratch, p.m);
    typename Block::Element* const second_b = scratch.take<typename Block::Element>(Block::kColumns * second_depth);
    for (int64_t column = begin; column < end; column += Block::kColumns) {
      const int64_t columns = smaller_size(Block::kColumns, end - column);
      if (p.k2 > 0) pack_b<Block>(second_b, p.b2, column, columns, 0, p.k2, {p.bf16, 1.0f});
      const int64_t next = column + Block::kColumns < end ? column + Block::kColumns : begin + turn;
      multiply_as_it_lies<Block>(rows, columns, p.k, p.b, column, p.bf16, pieces, p.c + column, p.c_stride, start,
                                 p.bias ? p.bias + column : nullptr, {second_depth, second, second_b},
                                 {column > begin || begin >= turn, next + Block::kColumns <= p.n ? next : -1});
    }
  });
}
