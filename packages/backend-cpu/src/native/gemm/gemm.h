// SPDX-License-Identifier: Apache-2.0
// The loops around a register block (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008).
// A task computes one rectangle of C with the whole of k; B's panels are packed once for all rectangles that share
// them, A's by each task into its second-level cache. k is cut into passes by its length alone.
// Included inside the namespace of an instruction path.

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

/** Room for a packed factor: whole panels over the whole of k. */
template <class Block>
inline int64_t packed_a_size(int64_t rows, int64_t k) {
  return round_up(rows, Block::kRows) * padded_depth<Block>(k);
}
template <class Block>
inline int64_t packed_b_size(int64_t columns, int64_t k) {
  return round_up(columns, Block::kColumns) * padded_depth<Block>(k);
}

/** Packs rows [row, row + rows) of A, panel after panel, each over the whole of k in passes. */
template <class Block>
inline void pack_rows_of_a(typename Block::Element* to, const Factor& a, int64_t row, int64_t rows, int64_t k,
                           Rounding rounding) {
  const int64_t per_pass = pass_depth<Block>(k);
  for (int64_t first = 0; first < rows; first += Block::kRows) {
    for (int64_t k0 = 0; k0 < k; k0 += per_pass) {
      Block::pack_a(to + first * padded_depth<Block>(k) + Block::kRows * k0, a, row + first,
                    smaller_size(Block::kRows, rows - first), k0, smaller_size(per_pass, k - k0), rounding);
    }
  }
}

/** The same for columns [column, column + columns) of B. */
template <class Block>
inline void pack_columns_of_b(typename Block::Element* to, const Factor& b, int64_t column, int64_t columns, int64_t k,
                              Rounding rounding) {
  const int64_t per_pass = pass_depth<Block>(k);
  for (int64_t first = 0; first < columns; first += Block::kColumns) {
    for (int64_t k0 = 0; k0 < k; k0 += per_pass) {
      Block::pack_b(to + first * padded_depth<Block>(k) + Block::kColumns * k0, b, column + first,
                    smaller_size(Block::kColumns, columns - first), k0, smaller_size(per_pass, k - k0), rounding);
    }
  }
}

/** C [rows, columns] from packed factors; `start` holds for the first pass over k. */
template <class Block>
inline void multiply_packed(int64_t rows, int64_t columns, int64_t k, const typename Block::Element* a,
                            const typename Block::Element* b, float* c, int64_t c_stride, Start start,
                            const float* bias = nullptr) {
  [[maybe_unused]] typename Block::Session session;
  const int64_t per_pass = pass_depth<Block>(k), whole = padded_depth<Block>(k);
  for (int64_t k0 = 0; k0 < k; k0 += per_pass) {
    const int64_t depth = padded_depth<Block>(smaller_size(per_pass, k - k0));
    for (int64_t j = 0; j < columns; j += Block::kColumns) {
      const typename Block::Element* const panel = b + j * whole + Block::kColumns * k0;
      for (int64_t i = 0; i < rows; i += Block::kRows) {
        Block::multiply(smaller_size(Block::kRows, rows - i), smaller_size(Block::kColumns, columns - j),
                        {depth, a + i * whole + Block::kRows * k0, panel}, c + i * c_stride + j, c_stride,
                        k0 == 0 ? start : Start::values, bias ? bias + j : nullptr);
      }
    }
  }
}

struct Tiling {
  int64_t rows, columns;
};

/** Packing one element of A takes about as long as multiplying it with this many columns. */
constexpr int64_t kPackingColumns = 24;

/** Time until all rectangles are done, taken in order by the threads, in rows × columns. */
inline int64_t time_of(Tiling tiling, int64_t m, int64_t n) {
  constexpr int64_t kFew = 32;  // with more tasks than this, how they end matters little
  const int64_t row_tasks = ceil_divide(m, tiling.rows), column_tasks = ceil_divide(n, tiling.columns);
  const int64_t packing = column_tasks * kPackingColumns, workers = smaller_size(threads(), kFew);
  if (row_tasks * column_tasks > kFew) {
    return (m * (n + packing) + tiling.rows * (tiling.columns + kPackingColumns) / 2) / threads();
  }
  int64_t busy_until[kFew] = {}, last = 0;
  for (int64_t task = 0; task < row_tasks * column_tasks; task++) {
    const int64_t row = task / column_tasks * tiling.rows, column = task % column_tasks * tiling.columns;
    int64_t* next = busy_until;
    for (int64_t worker = 1; worker < workers; worker++) {
      if (busy_until[worker] < *next) next = busy_until + worker;
    }
    *next += smaller_size(tiling.rows, m - row) * (smaller_size(tiling.columns, n - column) + kPackingColumns);
    if (*next > last) last = *next;
  }
  return last;
}

/** Equal rectangles whose panels fit the caches and that keep every thread busy; their size does not influence results. */
template <class Block>
inline Tiling tiling_for(int64_t m, int64_t n) {
  constexpr int64_t kMostRows = Block::kRows * Block::kRowBlocks, kMostColumns = round_up(512, Block::kColumns);
  const int64_t row_tasks = ceil_divide(m, kMostRows), column_tasks = ceil_divide(n, kMostColumns);
  Tiling best{kMostRows, kMostColumns};
  int64_t least = -1;
  for (int64_t r = row_tasks; r <= row_tasks + 3 * threads(); r++) {
    for (int64_t c = column_tasks; c <= column_tasks + 3 * threads(); c++) {
      const Tiling tiling{round_up(ceil_divide(m, r), Block::kRows), round_up(ceil_divide(n, c), Block::kColumns)};
      if (r > row_tasks && tiling.rows < 2 * Block::kRows) break;
      if (c > column_tasks && tiling.columns < 4 * Block::kColumns) break;
      const int64_t time = time_of(tiling, m, n);
      if (least < 0 || time < least) best = tiling, least = time;
      if (r * c > 8 * threads()) break;
    }
    if (r * column_tasks > 8 * threads()) break;
  }
  return best;
}

/** Rectangle of C [row, row + rows) × [column, column + columns); `shared_b`: its packed columns of B, or null. */
template <class Block>
inline void multiply_rectangle(const Product& p, int64_t row, int64_t rows, int64_t column, int64_t columns,
                               const typename Block::Element* shared_b) {
  using Element = typename Block::Element;
  [[maybe_unused]] typename Block::Session session;
  Scratch scratch;
  const int64_t per_pass = pass_depth<Block>(p.k), whole = padded_depth<Block>(p.k), second = padded_depth<Block>(p.k2);
  const int64_t padded_pass = padded_depth<Block>(smaller_size(per_pass, p.k));
  Element* const packed_a = scratch.take<Element>(round_up(rows, Block::kRows) * padded_pass);
  Element* const own_b = shared_b ? nullptr : scratch.take<Element>(Block::kColumns * padded_pass);
  Element* const second_a = scratch.take<Element>(round_up(rows, Block::kRows) * second);
  Element* const second_b = scratch.take<Element>(round_up(columns, Block::kColumns) * second);
  pack_rows_of_a<Block>(second_a, p.a2, row, rows, p.k2, {p.bf16, 1.0f});
  pack_columns_of_b<Block>(second_b, p.b2, column, columns, p.k2, {p.bf16, 1.0f});
  const Start first_start = p.accumulate ? Start::values : p.bias ? Start::bias : Start::nothing;
  for (int64_t k0 = 0; k0 == 0 || k0 < p.k; k0 += per_pass) {
    const int64_t depth = smaller_size(per_pass, p.k - k0), padded = padded_depth<Block>(depth);
    const int64_t joined = k0 + per_pass >= p.k ? second : 0;
    for (int64_t i = 0; i < rows; i += Block::kRows) {
      Block::pack_a(packed_a + i * padded, p.a, row + i, smaller_size(Block::kRows, rows - i), k0, depth,
                    {p.bf16, p.scale});
    }
    for (int64_t j = 0; j < columns; j += Block::kColumns) {
      const int64_t block_columns = smaller_size(Block::kColumns, columns - j);
      if (own_b) Block::pack_b(own_b, p.b, column + j, block_columns, k0, depth, {p.bf16, 1.0f});
      const Element* const panel = own_b ? own_b : shared_b + j * whole + Block::kColumns * k0;
      for (int64_t i = 0; i < rows; i += Block::kRows) {
        const Element* const ahead = own_b || j + Block::kColumns >= columns ? nullptr : panel + Block::kColumns * whole;
        const int64_t part = i / Block::kRows * (padded * Block::kColumns / Block::kRowBlocks);
        Block::multiply(smaller_size(Block::kRows, rows - i), block_columns,
                        {padded, packed_a + i * padded, panel, ahead ? ahead + part : nullptr},
                        p.c + (row + i) * p.c_stride + column + j, p.c_stride, k0 == 0 ? first_start : Start::values,
                        p.bias ? p.bias + column + j : nullptr, {joined, second_a + i * second, second_b + j * second});
      }
    }
  }
}

template <class Block>
inline void gemm_with(const Product& p) {
  using Element = typename Block::Element;
  if (p.m <= 0 || p.n <= 0) return;
  const Tiling tiling = tiling_for<Block>(p.m, p.n);
  const int64_t row_tasks = ceil_divide(p.m, tiling.rows), whole = padded_depth<Block>(p.k);
  const Element* const panels = reinterpret_cast<const Element*>(p.panels);
  const bool share_b = panels == nullptr && row_tasks > 1;
  // As many columns at a time as fit into 8 MB when packed: the shared cache.
  const int64_t fitting = (int64_t{8} << 20) / ((whole > 0 ? whole : 1) * static_cast<int64_t>(sizeof(Element)));
  const int64_t chunk = !share_b                   ? p.n
                        : fitting < tiling.columns ? tiling.columns
                                                   : fitting / tiling.columns * tiling.columns;
  Scratch scratch;
  Element* const packed_b = share_b ? scratch.take<Element>(round_up(smaller_size(chunk, p.n), Block::kColumns) * whole) : nullptr;
  for (int64_t column = 0; column < p.n; column += chunk) {
    const int64_t columns = smaller_size(chunk, p.n - column);
    if (share_b) {
      // Several panels in a row, since packing one reads the next ahead; few enough for the threads to end together.
      const int64_t in_a_row = smaller_size(4, 1 + columns / Block::kColumns / (8 * threads()));
      parallel_ranges(columns, in_a_row * Block::kColumns, [&](int64_t begin, int64_t end) {
        pack_columns_of_b<Block>(packed_b + begin * whole, p.b, column + begin, end - begin, p.k, {p.bf16, 1.0f});
      });
    }
    const Element* const shared = panels ? panels : packed_b;
    const int64_t column_tasks = ceil_divide(columns, tiling.columns);
    parallel(row_tasks * column_tasks, [&](int64_t task) {
      const int64_t row = task / column_tasks * tiling.rows, first = task % column_tasks * tiling.columns;
      multiply_rectangle<Block>(p, row, smaller_size(tiling.rows, p.m - row), column + first,
                                smaller_size(tiling.columns, columns - first), shared ? shared + first * whole : nullptr);
    });
  }
}

/** C = scale·A Bᵀ … as Product says. */
inline void gemm(const Product& p) {
  if (p.bf16) gemm_with<RoundedBlock>(p);
  else gemm_with<Float32Block>(p);
}
