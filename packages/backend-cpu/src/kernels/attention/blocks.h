// SPDX-License-Identifier: Apache-2.0
// What attention and its gradient share: shapes, packed keys, and the part of a key block that a block of queries sees.
// Included inside the namespace of an instruction path.
#pragma once
#include "spans.h"

/** Queries per block: about 96. Keys per block: one pass of the product over keys. */
constexpr int64_t kQueryBlock = Float32Block::kRows * (96 / Float32Block::kRows);
constexpr int64_t kKeyBlock = 384;
static_assert(kKeyBlock <= Float32Block::kDepth && kKeyBlock % Float32Block::kColumns == 0);

struct AttentionShape {
  const Span* spans;
  int64_t span_count, queries, keys, heads, groups, size;
  float scale;
  Sight sight;

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

/** Spans, sizes, scale, causal, window: as the JS side passes them for forward and gradient. */
inline AttentionShape read_attention_shape(Arguments& arguments) {
  AttentionShape shape;
  shape.span_count = arguments.size();
  shape.spans = reinterpret_cast<const Span*>(arguments.integers(shape.span_count * 6));
  shape.queries = arguments.size(), shape.keys = arguments.size();
  shape.heads = arguments.size(), shape.groups = arguments.size(), shape.size = arguments.size();
  shape.scale = arguments.scalar();
  shape.sight.causal = arguments.integer() != 0, shape.sight.window = arguments.size();
  if (!arguments.ok()) return shape;
  if (shape.groups < 1 || shape.heads % shape.groups != 0) arguments.fail("heads are no multiple of key heads");
  const auto fits = [](int64_t start, int64_t length, int64_t total) {
    return start >= 0 && length >= 0 && start + length <= total;
  };
  for (int64_t i = 0; i < shape.span_count; i++) {
    const Span& s = shape.spans[i];
    if (!fits(s.query_start, s.query_length, shape.queries) || !fits(s.key_start, s.key_length, shape.keys) ||
        !fits(s.prefix_start, s.prefix_length, shape.keys) || s.key_length < s.query_length) {
      arguments.fail("a span leaves its queries or keys");
    }
  }
  return shape;
}

/** Keys (or values) of one head as panels of keys whose depth is D: for products over D. */
inline void pack_keys_as_columns(float* to, const AttentionShape& shape, const Span& span, const float* x,
                                 int64_t group) {
  using Block = Float32Block;
  Scratch scratch;
  float* const rows = scratch.take<float>(Block::kColumns * shape.size);
  const int64_t keys = span.keys();
  for (int64_t first = 0; first < keys; first += Block::kColumns) {
    const int64_t columns = smaller_size(Block::kColumns, keys - first);
    for (int64_t j = 0; j < columns; j++) {
      memcpy(rows + j * shape.size, shape.key_row(x, span, first + j, group),
             static_cast<size_t>(shape.size) * sizeof(float));
    }
    pack_columns_of_b<Block>(to + first * shape.size, rows_of(rows, shape.size), 0, columns, shape.size, {});
  }
}

/** Panels of D columns whose depth is the keys of one block: for products over keys. Block `first` starts at first·D′. */
inline void pack_keys_as_depth(float* to, const AttentionShape& shape, const Span& span, const float* x, int64_t group) {
  using Block = Float32Block;
  const int64_t keys = span.keys(), row_stride = shape.groups * shape.size;
  for (int64_t first = 0; first < keys; first += kKeyBlock) {
    const int64_t end = smaller_size(keys, first + kKeyBlock);
    float* const block = to + first * round_up(shape.size, Block::kColumns);
    for (int64_t column = 0; column < shape.size; column += Block::kColumns) {
      const int64_t columns = smaller_size(Block::kColumns, shape.size - column);
      float* const panel = block + column * (end - first);
      for (int64_t key = first; key < end;) {  // prefix and own keys are two runs of rows
        const int64_t run_end = key < span.prefix_length ? smaller_size(end, span.prefix_length) : end;
        const Factor rows{shape.key_row(x, span, key, group) + column, ElementType::f32, 1, row_stride};
        Block::pack_b(panel + (key - first) * Block::kColumns, rows, 0, columns, 0, run_end - key, {});
        key = run_end;
      }
    }
  }
}

inline int64_t size_as_columns(const AttentionShape& shape, const Span& span) {
  return packed_b_size<Float32Block>(span.keys(), shape.size);
}
inline int64_t size_as_depth(const AttentionShape& shape, const Span& span) {
  return round_up(shape.size, Float32Block::kColumns) * span.keys();
}

/** C [rows, D] += A [rows, keys] · (keys [begin, end) of a block packed as depth), A packed over exactly these keys. */
inline void add_product_over_keys(const AttentionShape& shape, int64_t rows, int64_t begin, int64_t end,
                                  int64_t block_keys, const float* a, const float* block, float* c, int64_t c_stride) {
  using Block = Float32Block;
  const int64_t depth = end - begin;
  for (int64_t column = 0; column < shape.size; column += Block::kColumns) {
    const float* const panel = block + column * block_keys + begin * Block::kColumns;
    for (int64_t i = 0; i < rows; i += Block::kRows) {
      Block::multiply(smaller_size(Block::kRows, rows - i), smaller_size(Block::kColumns, shape.size - column), depth,
                      a + i * depth, panel, c + i * c_stride + column, c_stride, Start::values, nullptr);
    }
  }
}

/** The part of a key block that is computed for a block of queries: whole panels that any of them sees. */
struct KeyWindow {
  int64_t first, keys;   // of the block
  int64_t begin, end;    // computed, relative to `first`
  int64_t padded_end;    // to whole vectors

  static KeyWindow of(int64_t first, int64_t total, KeyRange seen) {
    KeyWindow window;
    window.first = first, window.keys = smaller_size(kKeyBlock, total - first);
    window.begin = seen.begin > first ? (seen.begin - first) / Float32Block::kColumns * Float32Block::kColumns : 0;
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

inline void fill_range(float* x, int64_t begin, int64_t end, float value) {
  for (int64_t j = begin; j < end; j++) x[j] = value;
}

/** A row's scores become probabilities relative to its running maximum; returns the factor of what was summed before. */
inline float online_softmax(float* scores, const KeyWindow& window, KeyRange seen, float* maximum, float* total) {
  if (seen.begin >= seen.end) {
    fill_range(scores, window.begin, window.padded_end, 0.0f);
    return 1.0f;
  }
  const float low = -__builtin_inff();
  fill_range(scores, window.begin, seen.begin, low);
  fill_range(scores, seen.end, window.padded_end, low);
  Vec mosts = set(low);
  for (int64_t j = window.begin; j < window.padded_end; j += kWidth) mosts = larger(mosts, load(scores + j));
  const float most_here = largest_of(mosts), most = most_here > *maximum ? most_here : *maximum;
  const Vec shift = set(most);
  Vec sums = zero();
  for (int64_t j = window.begin; j < window.padded_end; j += kWidth) {
    const Vec p = exponential(load(scores + j) - shift);
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
