// SPDX-License-Identifier: Apache-2.0
// What attention and its gradient share: shapes, packed keys, and the part of a key block that a block of queries sees.
// Included inside the namespace of an instruction path.
#pragma once
#include "spans.h"

/** Queries per block: few, since a block computes the keys that its last query sees for all of them. */
template <class Block>
constexpr int64_t kQueryBlock = Block::kRows * ceil_divide(48, Block::kRows);
/** Keys per block: one pass of the product over keys. */
constexpr int64_t kKeyBlock = 384;
template <class Block>
constexpr bool kKeysFit =
    kKeyBlock <= Block::kDepth && kKeyBlock % Block::kColumns == 0 && Block::kColumns % Block::kDepthUnit == 0;

struct AttentionShape {
  const Span* spans;
  int64_t span_count, queries, keys, heads, groups, size;
  float scale, soft_cap;
  Sight sight;
  Bias bias;

  int64_t group_of(int64_t head) const { return head / (heads / groups); }
  /** Rows of one head of a [tokens, heads, D] array as a factor's rows, or as its depth. */
  Factor head_rows(const float* x, int64_t token, int64_t head) const {
    return {x + (token * heads + head) * size, ElementType::f32, heads * size, 1};
  }
  Factor head_depth(const float* x, int64_t token, int64_t head) const {
    return {x + (token * heads + head) * size, ElementType::f32, 1, heads * size};
  }
  const float* key_row(const float* x, const Span& span, int64_t key, int64_t group) const {
    return x + (span.row_of_key(key) * groups + group) * size;
  }
};

/** Of a call of attention or of its gradient. */
template <class Call>
inline AttentionShape attention_shape(const Call& call) {
  const Span* const spans = reinterpret_cast<const Span*>(call.spans);
  return {spans,       call.span_count, call.queries, call.keys, call.heads,
          call.groups, call.size,       call.scale,   call.soft_cap, {call.window}, {call.bias, call.entries, call.zero, call.by_distance}};
}

/** Has the bias, if there is one, an entry for all that a query sees? */
inline bool has_entries(const AttentionShape& shape, const Span& span, int64_t query) {
  const int64_t entry = shape.bias.entry_of(span, query);
  const KeyRange seen = shape.sight.of(span, query);
  return shape.bias.values == nullptr || (entry + seen.begin >= 0 && entry + seen.end <= shape.bias.entries);
}

/** Null, or why not. */
inline const char* unfit(const AttentionShape& shape) {
  if (shape.groups < 1 || shape.heads % shape.groups != 0) return "heads are no multiple of key heads";
  const auto fits = [](int64_t start, int64_t length, int64_t total) {
    return start >= 0 && length >= 0 && start + length <= total;
  };
  for (int64_t i = 0; i < shape.span_count; i++) {
    const Span& s = shape.spans[i];
    if (!fits(s.query_start, s.query_length, shape.queries) || !fits(s.key_start, s.key_length, shape.keys) ||
        !fits(s.prefix_start, s.prefix_length, shape.keys)) {
      return "a span leaves its queries or keys";
    }
    const bool ordered = s.causal || shape.sight.window > 0;
    if (s.query_length > 0 && (ordered ? s.key_length < s.query_length : s.keys() == 0)) return "a query without a key";
    if (s.query_length > 0 && !(has_entries(shape, s, 0) && has_entries(shape, s, s.query_length - 1))) {
      return "the bias lacks an entry";
    }
  }
  return nullptr;
}

/** One block of keys takes this much per column when it is packed as depth. */
template <class Block>
inline int64_t packed_keys(int64_t keys) {
  return keys / kKeyBlock * kKeyBlock + padded_depth<Block>(keys % kKeyBlock);
}

/** Keys (or values) of a span and group as right factors: their rows as columns, and themselves as depth. */
template <class Block>
struct PackedKeys {
  using Element = typename Block::Element;
  Element *as_columns, *as_depth;  // either may be null: not needed

  static int64_t size_as_columns(const AttentionShape& shape, const Span& span) {
    return packed_b_size<Block>(span.keys(), shape.size);
  }
  static int64_t size_as_depth(const AttentionShape& shape, const Span& span) {
    return round_up(shape.size, Block::kColumns) * packed_keys<Block>(span.keys());
  }
  const Element* columns_from(const AttentionShape& shape, int64_t key) const {
    return as_columns + key * padded_depth<Block>(shape.size);
  }
  const Element* depth_block(const AttentionShape& shape, int64_t first) const {
    return as_depth + first * round_up(shape.size, Block::kColumns);
  }

  void pack(const AttentionShape& shape, const Span& span, const float* x, int64_t group, bool bf16) const {
    Scratch scratch;
    const int64_t keys = span.keys(), size = shape.size;
    float* const rows = scratch.take<float>(keys * size);
    for (int64_t key = 0; key < keys; key++) {
      memcpy(rows + key * size, shape.key_row(x, span, key, group), static_cast<size_t>(size) * sizeof(float));
    }
    if (as_columns) pack_columns_of_b<Block>(as_columns, rows_of(rows, size), 0, keys, size, {bf16, 1.0f});
    for (int64_t first = 0; as_depth && first < keys; first += kKeyBlock) {
      const int64_t depth = smaller_size(kKeyBlock, keys - first);
      Element* const block = as_depth + first * round_up(size, Block::kColumns);
      for (int64_t column = 0; column < size; column += Block::kColumns) {
        Block::pack_b(block + column * padded_depth<Block>(depth), columns_of(rows + first * size, size), column,
                      smaller_size(Block::kColumns, size - column), 0, depth, {bf16, 1.0f});
      }
    }
  }
};

/** The part of a key block that is computed for a block of queries: whole panels that any of them sees. */
struct KeyWindow {
  int64_t first, keys;   // of the block
  int64_t begin, end;    // computed, relative to `first`
  int64_t padded_end;    // to whole vectors

  template <class Block>
  static KeyWindow of(int64_t first, int64_t total, KeyRange seen) {
    static_assert(kKeysFit<Block>);
    KeyWindow window;
    window.first = first, window.keys = smaller_size(kKeyBlock, total - first);
    window.begin = seen.begin > first ? (seen.begin - first) / Block::kColumns * Block::kColumns : 0;
    window.end = smaller_size(window.keys, seen.end - first);
    window.padded_end = round_up(window.end, kWidth);
    return window;
  }
  /** What one query sees of it. */
  KeyRange clip(KeyRange seen) const {
    const int64_t low = seen.begin - first, high = seen.end - first;
    return {low > begin ? low : begin, high < end ? high : end};
  }
};

/**
 * Where the keys end that the queries of each register block see in a window, relative to its first: beyond there is
 * nothing to compute. What is left out would have added exact zeros.
 */
template <class Block>
struct SeenEnds {
  int64_t ends[kQueryBlock<Block> / Block::kRows];

  SeenEnds(const AttentionShape& shape, const Span& span, int64_t first, int64_t rows, const KeyWindow& window) {
    for (int64_t i = 0; i < rows; i += Block::kRows) {
      const int64_t last = smaller_size(i + Block::kRows, rows) - 1;
      const int64_t end = smaller_size(window.end, shape.sight.of(span, first + last).end - window.first);
      ends[i / Block::kRows] = end > window.begin ? end : window.begin;
    }
  }
  int64_t of_row(int64_t row) const { return ends[row / Block::kRows]; }
  /** The first of `rows` queries whose block sees past a key, whole units of depth; `rows` where none does. */
  int64_t first_row_past(int64_t key, int64_t rows) const {
    int64_t i = 0;
    while (i < rows && of_row(i) <= key) i += Block::kRows;
    return i < rows ? i / Block::kDepthUnit * Block::kDepthUnit : rows;
  }
};

/** C [rows, keys of the window] = A · Bᵀ for the keys that each block of rows sees; rows of C are kKeyBlock apart. */
template <class Block>
inline void multiply_seen(const KeyWindow& window, const SeenEnds<Block>& ends, int64_t rows, int64_t size,
                          const typename Block::Element* a, const typename Block::Element* keys, float* c) {
  if (size > Block::kDepth) {  // in passes
    return multiply_packed<Block>(rows, window.end - window.begin, size, a, keys, c + window.begin, kKeyBlock, Start::nothing);
  }
  [[maybe_unused]] typename Block::Session session;
  const int64_t depth = padded_depth<Block>(size);
  for (int64_t j = window.begin; j < window.end; j += Block::kColumns) {
    for (int64_t i = 0; i < rows; i += Block::kRows) {
      if (ends.of_row(i) <= j) continue;
      Block::multiply(smaller_size(Block::kRows, rows - i), smaller_size(Block::kColumns, window.end - j),
                      {depth, a + i * depth, keys + (j - window.begin) * depth}, c + i * kKeyBlock + j, kKeyBlock,
                      Start::nothing, nullptr);
    }
  }
}

/** C [rows, D] += A [rows, keys] · (the window's keys of a block packed as depth), A packed over exactly these keys. */
template <class Block>
inline void add_product_over_keys(const AttentionShape& shape, int64_t rows, const KeyWindow& window,
                                  const SeenEnds<Block>& ends, const typename Block::Element* a,
                                  const typename Block::Element* block, float* c, int64_t c_stride) {
  [[maybe_unused]] typename Block::Session session;
  const int64_t whole = padded_depth<Block>(window.end - window.begin);
  for (int64_t column = 0; column < shape.size; column += Block::kColumns) {
    const typename Block::Element* const panel =
        block + column * padded_depth<Block>(window.keys) + window.begin * Block::kColumns;
    for (int64_t i = 0; i < rows; i += Block::kRows) {
      const int64_t depth = padded_depth<Block>(ends.of_row(i) - window.begin);
      if (depth == 0) continue;
      Block::multiply(smaller_size(Block::kRows, rows - i), smaller_size(Block::kColumns, shape.size - column),
                      {depth, a + i * whole, panel}, c + i * c_stride + column, c_stride, Start::values, nullptr);
    }
  }
}

/**
 * C [keys of the window, D] += A [keys, rows] · B [rows, D], where the rows are queries: a block of keys begins with the
 * first of them that sees it.
 */
template <class Block>
inline void add_product_over_queries(const KeyWindow& window, const SeenEnds<Block>& ends, int64_t rows, int64_t size,
                                     const typename Block::Element* a, const typename Block::Element* b, float* c) {
  [[maybe_unused]] typename Block::Session session;
  const int64_t depth = padded_depth<Block>(rows), keys = window.end - window.begin;
  for (int64_t column = 0; column < size; column += Block::kColumns) {
    for (int64_t key = 0; key < keys; key += Block::kRows) {
      const int64_t from = ends.first_row_past(window.begin + key, rows);
      if (from >= rows) continue;
      Block::multiply(smaller_size(Block::kRows, keys - key), smaller_size(Block::kColumns, size - column),
                      {depth - from, a + key * depth + from * Block::kRows, b + column * depth + from * Block::kColumns},
                      c + key * size + column, size, Start::values, nullptr);
    }
  }
}

/** Scores of one query, to whole vectors before `end`: c · tanh(s / c). Lanes that do not count change too. */
inline void cap_scores(const AttentionShape& shape, const KeyWindow& window, int64_t end, float* scores) {
  if (shape.soft_cap == 0.0f) return;
  const Vec cap = set(shape.soft_cap);
  for (int64_t j = window.begin; j < end; j += kWidth) store(scores + j, soft_capped(load(scores + j), cap));
}

/** scores[j] += bias of one query of a head, for the keys [begin, end) of the window that it sees. */
inline void add_bias(const AttentionShape& shape, const Span& span, int64_t head, int64_t query, const KeyWindow& window,
                     KeyRange seen, float* scores) {
  if (shape.bias.values == nullptr || seen.begin >= seen.end) return;
  const float* const row = shape.bias.values + head * shape.bias.entries + shape.bias.entry_of(span, query) + window.first;
  add_to(scores + seen.begin, row + seen.begin, seen.end - seen.begin);
}

inline void fill_range(float* x, int64_t begin, int64_t end, float value) {
  for (int64_t j = begin; j < end; j++) x[j] = value;
}

/**
 * A row's scores, computed up to `end`, become probabilities relative to its running maximum; returns the factor of what
 * was summed before.
 */
inline float online_softmax(float* scores, const KeyWindow& window, int64_t end, KeyRange seen, float* maximum,
                            float* total) {
  if (seen.begin >= seen.end) {
    fill_range(scores, window.begin, window.padded_end, 0.0f);
    return 1.0f;
  }
  const float low = -__builtin_inff();
  const int64_t padded_end = round_up(end, kWidth);
  fill_range(scores, window.begin, seen.begin, low);
  fill_range(scores, seen.end, padded_end, low);
  fill_range(scores, padded_end, window.padded_end, 0.0f);
  Vec mosts = set(low);
  for (int64_t j = window.begin; j < padded_end; j += kWidth) mosts = larger(mosts, load(scores + j));
  const float most_here = largest_of(mosts), most = most_here > *maximum ? most_here : *maximum;
  const Vec shift = set(most);
  Vec sums = zero();
  for (int64_t j = window.begin; j < padded_end; j += kWidth) {
    const Vec p = exponential_below(load(scores + j) - shift);
    store(scores + j, p);
    sums = sums + p;
  }
  const float keep = most == *maximum ? 1.0f : expf(*maximum - most);
  *total = *total * keep + sum_of(sums);
  *maximum = most;
  return keep;
}

inline void scale_row(float* x, int64_t count, float factor) {
  map_lanes(count, x, x, [factor](Vec v) { return v * set(factor); });
}
