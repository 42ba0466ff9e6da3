// SPDX-License-Identifier: Apache-2.0
// Attention of few queries to many keys, as in decoding, where reading the keys is what costs. They are read once, where
// they lie, for all queries of the heads that share them; a task is one span and its keys of one group. The windows of
// keys and every chain of sums are those of attention.cc, so results are the same to the bit.
// Included inside the namespace of an instruction path.
#pragma once
#include "blocks.h"

template <class Block>
inline bool has_few_queries(const AttentionShape& shape) {
  for (int64_t i = 0; i < shape.span_count; i++) {
    if (shape.spans[i].query_length * (shape.heads / shape.groups) > kQueryBlock<Block>) return false;
  }
  return true;
}

/** Keys or values [rows, size] of a span and group, `stride` apart. */
struct KeyRows {
  const float* first;
  int64_t stride;

  /** [first, first + count) of the span's; copied to `room` where they lie partly in its prefix. */
  static KeyRows of(const AttentionShape& shape, const Span& span, const float* x, int64_t group, int64_t first, int64_t count,
                    float* room) {
    if (first >= span.prefix_length || first + count <= span.prefix_length) {
      return {shape.key_row(x, span, first, group), shape.groups * shape.size};
    }
    for (int64_t i = 0; i < count; i++) {
      memcpy(room + i * shape.size, shape.key_row(x, span, first + i, group), static_cast<size_t>(shape.size) * sizeof(float));
    }
    return {room, shape.size};
  }
  Factor as_columns() const { return {first, ElementType::f32, stride, 1, {}}; }
  Factor as_depth() const { return {first, ElementType::f32, 1, stride, {}}; }
};

/** out and logSumExp for all queries of a span in the heads of one group. */
template <class Block>
inline void attend_group(const AttentionShape& shape, const Span& span, int64_t group, const float* q, const float* k,
                         const float* v, bool bf16, float* out, float* log_sum_exp) {
  using Element = typename Block::Element;
  [[maybe_unused]] typename Block::Session session;
  const int64_t size = shape.size, heads = shape.heads / shape.groups, rows = span.query_length * heads;
  if (rows == 0) return;
  Scratch scratch;
  float* const queries = scratch.take<float>(rows * size);
  for (int64_t i = 0; i < span.query_length; i++) {
    memcpy(queries + i * heads * size, q + ((span.query_start + i) * shape.heads + group * heads) * size,
           static_cast<size_t>(heads * size) * sizeof(float));
  }
  Element* const packed_q = scratch.take<Element>(packed_a_size<Block>(rows, size));
  Element* const packed_p = scratch.take<Element>(packed_a_size<Block>(rows, kKeyBlock));
  float* const scores = scratch.take<float>(rows * kKeyBlock);
  float* const sums = scratch.take<float>(rows * size);
  float* const room = scratch.take<float>(kKeyBlock * size);
  const Pieces<Block> pieces(scratch, rows);
  float maximum[kQueryBlock<Block>], total[kQueryBlock<Block>];
  pack_rows_of_a<Block>(packed_q, rows_of(queries, size), 0, rows, size, {bf16, shape.scale});
  memset(sums, 0, static_cast<size_t>(rows * size) * sizeof(float));
  for (int64_t i = 0; i < rows; i++) maximum[i] = -__builtin_inff(), total[i] = 0.0f;

  const KeyRange seen{shape.sight.of(span, 0).begin, shape.sight.of(span, span.query_length - 1).end};
  for (int64_t key = seen.begin / kKeyBlock * kKeyBlock; key < seen.end; key += kKeyBlock) {
    const KeyWindow window = KeyWindow::of<Block>(key, span.keys(), seen);
    const int64_t first = key + window.begin, count = window.end - window.begin;
    const Factor keys = KeyRows::of(shape, span, k, group, first, count, room).as_columns();
    for (int64_t j = 0; j < count; j += Block::kColumns) {
      multiply_as_it_lies<Block>({rows, packed_q}, smaller_size(Block::kColumns, count - j), size, keys, j, bf16, pieces,
                                 scores + window.begin + j, kKeyBlock, Start::nothing);
    }
    for (int64_t i = 0; i < rows; i++) {
      const KeyRange of_row = window.clip(shape.sight.of(span, i / heads));
      cap_scores(shape, window, window.end, scores + i * kKeyBlock);
      add_bias(shape, span, group * heads + i % heads, i / heads, window, of_row, scores + i * kKeyBlock);
      const float keep = online_softmax(scores + i * kKeyBlock, window, window.end, of_row, &maximum[i], &total[i]);
      if (keep != 1.0f) scale_row(sums + i * size, size, keep);
    }
    pack_rows_of_a<Block>(packed_p, rows_of(scores + window.begin, kKeyBlock), 0, rows, count, {bf16, 1.0f});
    const Factor values = KeyRows::of(shape, span, v, group, first, count, room).as_depth();
    for (int64_t j = 0; j < size; j += Block::kColumns) {
      multiply_as_it_lies<Block>({rows, packed_p}, smaller_size(Block::kColumns, size - j), count, values, j, bf16, pieces,
                                 sums + j, size, Start::values);
    }
  }
  for (int64_t i = 0; i < rows; i++) {
    const int64_t place = (span.query_start + i / heads) * shape.heads + group * heads + i % heads;
    const Vec factor = set(1.0f / total[i]);
    map_lanes(size, sums + i * size, out + place * size, [=](Vec x) { return x * factor; });
    log_sum_exp[place] = maximum[i] + logf(total[i]);
  }
}

template <class Block>
inline void attend_few_queries(const AttentionShape& shape, const float* q, const float* k, const float* v, bool bf16,
                               float* out, float* log_sum_exp) {
  parallel(shape.span_count * shape.groups, [&](int64_t task) {
    attend_group<Block>(shape, shape.spans[task / shape.groups], task % shape.groups, q, k, v, bf16, out, log_sum_exp);
  });
}
