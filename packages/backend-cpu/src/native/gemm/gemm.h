// SPDX-License-Identifier: Apache-2.0
// The loops around a register block (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008).
// A is packed by all threads into the shared cache; a task then computes one rectangle of C and packs its columns of B,
// pass by pass, into its own cache. k is cut into passes by its length alone.
// Included inside the namespace of an instruction path.

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
      pack_b<Block>(to + first * padded_depth<Block>(k) + Block::kColumns * k0, b, column + first,
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
  for (int64_t k0 = 0; k0 == 0 || k0 < k; k0 += per_pass) {
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

/** Packing a column of B that was asked for takes about as long as multiplying it with this many rows. */
constexpr int64_t kPackingRows = 8;
constexpr int64_t kTaskColumns = 256;  // at most; of a weight read by its columns wider runs than are packed at a time

/** Time until all rectangles are done, taken in order by the threads, in rows × columns. */
inline int64_t time_of(Tiling tiling, int64_t m, int64_t n) {
  constexpr int64_t kFew = 32;  // with more tasks than this, how they end matters little
  const int64_t row_tasks = ceil_divide(m, tiling.rows), column_tasks = ceil_divide(n, tiling.columns);
  const int64_t workers = smaller_size(threads(), kFew);
  if (row_tasks * column_tasks > kFew) {
    return ((m + row_tasks * kPackingRows) * n + (tiling.rows + kPackingRows) * tiling.columns / 2) / threads();
  }
  int64_t busy_until[kFew] = {}, last = 0;
  for (int64_t task = 0; task < row_tasks * column_tasks; task++) {
    const int64_t row = task / column_tasks * tiling.rows, column = task % column_tasks * tiling.columns;
    int64_t* next = busy_until;
    for (int64_t worker = 1; worker < workers; worker++) {
      if (busy_until[worker] < *next) next = busy_until + worker;
    }
    *next += (smaller_size(tiling.rows, m - row) + kPackingRows) * smaller_size(tiling.columns, n - column);
    if (*next > last) last = *next;
  }
  return last;
}

/** Equal rectangles that keep every thread busy. Their size does not influence results. */
template <class Block>
inline Tiling tiling_for(int64_t m, int64_t n) {
  const int64_t column_tasks = ceil_divide(n, kTaskColumns), most_tasks = 16 * threads();
  Tiling best{round_up(m, Block::kRows), kTaskColumns};
  int64_t least = -1;
  for (int64_t r = 1; r == 1 || r * column_tasks <= most_tasks; r++) {
    const int64_t rows = round_up(ceil_divide(m, r), Block::kRows);
    if (r > 1 && rows < 4 * Block::kRows) break;
    for (int64_t c = column_tasks; c == column_tasks || r * c <= most_tasks; c++) {
      const int64_t columns = round_up(ceil_divide(n, c), Block::kColumns);
      const int64_t time = time_of({rows, columns}, m, n);
      if (least < 0 || time < least) best = {rows, columns}, least = time;
      if (columns <= Block::kColumns) break;
    }
  }
  return best;
}

/** What the tasks of a product share: panels of A over the whole of k for rows from `row` on, and of its second factor. */
template <class Block>
struct SharedRows {
  using Element = typename Block::Element;
  int64_t row, rows;
  Element *panels, *second;
  const Element* low;  // panels of p.low, or null

  void pack(const Product& p) const {
    parallel_ranges(rows, Block::kRows * 2, [&](int64_t begin, int64_t end) {
      Element *const to = panels + begin * padded_depth<Block>(p.k), *const to_second = second + begin * padded_depth<Block>(p.k2);
      pack_rows_of_a<Block>(to, p.a, row + begin, end - begin, p.k, {p.bf16, p.scale});
      if (!low) return pack_rows_of_a<Block>(to_second, p.a2, row + begin, end - begin, p.k2, {p.bf16, 1.0f});
      Scratch scratch;
      float* const image = p.image ? p.image + (row + begin) * p.k2 : scratch.take<float>((end - begin) * p.k2);
      multiply_packed<Block>(end - begin, p.k2, p.k, to, low, image, p.k2, Start::nothing);
      pack_rows_of_a<Block>(to_second, rows_of(image, p.k2), 0, end - begin, p.k2, {p.bf16, 1.0f});
    });
  }
};

/** A part of B: what is packed at a time. */
struct Piece {
  int64_t column, columns, k0, depth;
};

/** Where it will be read: in B as it lies, or in its panels. */
template <class Block>
inline Ahead ahead_of(const Product& p, const Piece& piece) {
  if (!p.panels) return ahead_of(p.b, piece.column, piece.columns, piece.k0, piece.depth);
  const int64_t whole = padded_depth<Block>(p.k), word = sizeof(uint16_t);
  return {reinterpret_cast<const char*>(p.panels + piece.column * whole + Block::kColumns * piece.k0),
          Block::kColumns * padded_depth<Block>(piece.depth) * word, Block::kColumns * whole * word,
          ceil_divide(piece.columns, Block::kColumns)};
}

/** Columns of B that are packed at a time, those of one pass over k. */
template <class Block>
inline int64_t columns_at_a_time(int64_t k) {
  const int64_t depth = padded_depth<Block>(smaller_size(pass_depth<Block>(k), k > 0 ? k : 1));
  const int64_t fitting = Block::kOwnBytes / (depth * static_cast<int64_t>(sizeof(typename Block::Element))) / Block::kColumns * Block::kColumns;
  return fitting > Block::kColumns ? fitting : Block::kColumns;
}

/**
 * Rectangle of C, `first` and `rows` of the shared ones × [column, column + columns). Pass by pass, so that a pass's rows of A
 * stay near, it packs a few columns of B at a time and multiplies them; meanwhile it asks for those that follow, at the end
 * for the first of column `next` on.
 */
template <class Block>
inline void multiply_rectangle(const Product& p, const SharedRows<Block>& shared, int64_t first, int64_t rows, int64_t column,
                               int64_t columns, int64_t next) {
  using Element = typename Block::Element;
  [[maybe_unused]] typename Block::Session session;
  Scratch scratch;
  const int64_t per_pass = pass_depth<Block>(p.k), whole = padded_depth<Block>(p.k), second = padded_depth<Block>(p.k2);
  const int64_t at_a_time = columns_at_a_time<Block>(p.k), end = column + columns;
  const Element* const panels = reinterpret_cast<const Element*>(p.panels);
  Element* const own_b = panels ? nullptr : scratch.take<Element>(at_a_time * padded_depth<Block>(smaller_size(per_pass, p.k)));
  Element* const second_b = scratch.take<Element>(round_up(columns, Block::kColumns) * second);
  pack_columns_of_b<Block>(second_b, p.b2, column, columns, p.k2, {p.bf16, 1.0f});
  const Start first_start = p.accumulate ? Start::values : p.bias ? Start::bias : Start::nothing;
  const auto piece_at = [&](int64_t from, int64_t to, int64_t k0) {
    return Piece{from, smaller_size(at_a_time, to - from), k0, smaller_size(per_pass, p.k - k0)};
  };
  for (int64_t k0 = 0; k0 == 0 || k0 < p.k; k0 += per_pass) {
    const bool is_last = k0 + per_pass >= p.k;
    for (int64_t from = column; from < end; from += at_a_time) {
      const Piece piece = piece_at(from, end, k0);
      const int64_t padded = padded_depth<Block>(piece.depth), joined = is_last ? second : 0;
      for (int64_t j = 0; own_b && j < piece.columns; j += Block::kColumns) {
        pack_b<Block>(own_b + j * padded, p.b, from + j, smaller_size(Block::kColumns, piece.columns - j), k0, piece.depth, {p.bf16, 1.0f});
      }
      Ahead ahead = ahead_of<Block>(p, from + at_a_time < end ? piece_at(from + at_a_time, end, k0)
                                       : is_last              ? piece_at(next, p.n, 0)
                                                              : piece_at(column, end, k0 + per_pass));
      ahead.spread(ceil_divide(rows, Block::kRows) * ceil_divide(piece.columns, Block::kColumns) * (padded / Block::kTurn));
      for (int64_t i = 0; i < rows; i += Block::kRows) {
        const Element* const a = shared.panels + (first + i) * whole + Block::kRows * k0;
        const Element* const second_a = shared.second + (first + i) * second;
        for (int64_t j = 0; j < piece.columns; j += Block::kColumns) {
          const Element* const b = own_b ? own_b + j * padded : panels + (from + j) * whole + Block::kColumns * k0;
          const bool has_part = i + Block::kRows < rows && j / Block::kColumns * 4 < Block::kRows;  // of the next rows' panel
          const Element* const next_a = has_part ? a + Block::kRows * whole + j / Block::kColumns * (4 * padded) : nullptr;
          Block::multiply(smaller_size(Block::kRows, rows - i), smaller_size(Block::kColumns, piece.columns - j),
                          {padded, a, b, next_a, &ahead},
                          p.c + (shared.row + first + i) * p.c_stride + from + j, p.c_stride,
                          k0 == 0 ? first_start : Start::values, p.bias ? p.bias + from + j : nullptr,
                          {joined, second_a, second_b + (from - column + j) * second});
        }
      }
    }
  }
}

template <class Block>
inline void gemm_with(const Product& p) {
  using Element = typename Block::Element;
  if (p.m <= 0 || (p.n <= 0 && !p.image)) return;
  const int64_t whole = padded_depth<Block>(p.k), second = padded_depth<Block>(p.k2);
  const auto fitting = [&](int64_t bytes, int64_t depth, int64_t unit) {
    const int64_t count = bytes / ((depth > 0 ? depth : 1) * static_cast<int64_t>(sizeof(Element))) / unit * unit;
    return count > unit ? count : unit;
  };
  // Rows whose panels stay in the shared cache.
  const int64_t chunk = has_few_rows<Block>(p) ? p.m : smaller_size(p.m, fitting(int64_t{8} << 20, whole + second, Block::kRows));
  const int64_t row_chunk = round_up(ceil_divide(p.m, ceil_divide(p.m, chunk)), Block::kRows);
  Scratch scratch;
  Element* const low = p.low.data ? scratch.take<Element>(packed_b_size<Block>(p.k2, p.k)) : nullptr;
  if (low) pack_columns_of_b<Block>(low, p.low, 0, p.k2, p.k, {p.bf16, p.low_scale});
  SharedRows<Block> shared{0, 0, scratch.take<Element>(row_chunk * whole), scratch.take<Element>(row_chunk * second), low};
  if (has_few_rows<Block>(p)) {
    shared.rows = p.m;
    shared.pack(p);
    return multiply_few_rows<Block>(p, shared.panels, shared.second);
  }
  for (shared.row = 0; shared.row < p.m; shared.row += row_chunk) {
    shared.rows = smaller_size(row_chunk, p.m - shared.row);
    shared.pack(p);
    if (p.n <= 0) continue;
    const Tiling tiling = tiling_for<Block>(shared.rows, p.n);
    const int64_t column_tasks = ceil_divide(p.n, tiling.columns), row_tasks = ceil_divide(shared.rows, tiling.rows);
    const int64_t workers = threads();
    parallel(row_tasks * column_tasks, [&](int64_t task) {
      const int64_t first = task / column_tasks * tiling.rows, column = task % column_tasks * tiling.columns;
      const int64_t next = (task + workers) % column_tasks * tiling.columns;  // most likely this thread's
      multiply_rectangle<Block>(p, shared, first, smaller_size(tiling.rows, shared.rows - first), column,
                                smaller_size(tiling.columns, p.n - column), next);
    });
  }
}
