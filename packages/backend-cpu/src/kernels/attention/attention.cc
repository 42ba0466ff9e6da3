// SPDX-License-Identifier: Apache-2.0
// Attention on packed segments: out_i = Σ_j p_ij v_j with p_i = softmax_j(cap(scale·q_i·k_j) + bias) over the keys that the span lets
// query i see, cap(s) = c·tanh(s / c) with a soft cap c, else s; q, out [Tq, H, D], k, v [Tk, G, D], H a multiple of G, float32. Also logSumExp [Tq, H].
//
// The scores exist for one block of queries and keys at a time (Dao et al., "FlashAttention", 2022, algorithm 1). Blocks
// are counted from the start of the span, and a key that a query does not see adds an exact zero, so a row of the result
// does not depend on where in the pack its segment lies. Queries outside of all spans give 0. Keys are packed once for
// the heads that share them; a task is a run of a span's queries for one head. In precision bf16 the factors of both
// products are rounded; scores, probabilities and sums are float32. Spans of few queries go their own way (few-queries.h).

#include "blocks.h"
#include "few-queries.h"

/** out and logSumExp for queries [first, first + rows) of a span and one head. */
template <class Block>
inline void attend(const AttentionShape& shape, const Span& span, int64_t head, int64_t first, int64_t rows,
                   const float* q, const PackedKeys<Block>& keys, const PackedKeys<Block>& values, bool bf16, float* out,
                   float* log_sum_exp) {
  using Element = typename Block::Element;
  Scratch scratch;
  const int64_t size = shape.size, query = span.query_start + first;
  Element* const packed_q = scratch.take<Element>(packed_a_size<Block>(rows, size));
  float* const scores = scratch.take<float>(kQueryBlock<Block> * kKeyBlock);
  Element* const packed_p = scratch.take<Element>(packed_a_size<Block>(rows, kKeyBlock));
  float* const sums = scratch.take<float>(rows * size);
  float maximum[kQueryBlock<Block>], total[kQueryBlock<Block>];
  pack_rows_of_a<Block>(packed_q, shape.head_rows(q, query, head), 0, rows, size, {bf16, shape.scale});
  memset(sums, 0, static_cast<size_t>(rows * size) * sizeof(float));
  for (int64_t i = 0; i < rows; i++) maximum[i] = -__builtin_inff(), total[i] = 0.0f;

  const KeyRange seen{shape.sight.of(span, first).begin, shape.sight.of(span, first + rows - 1).end};
  for (int64_t key = seen.begin / kKeyBlock * kKeyBlock; key < seen.end; key += kKeyBlock) {
    const KeyWindow window = KeyWindow::of<Block>(key, span.keys(), seen);
    const SeenEnds<Block> ends(shape, span, first, rows, window);
    multiply_seen<Block>(window, ends, rows, size, packed_q, keys.columns_from(shape, key + window.begin), scores);
    for (int64_t i = 0; i < rows; i++) {
      const KeyRange of_row = window.clip(shape.sight.of(span, first + i));
      cap_scores(shape, window, ends.of_row(i), scores + i * kKeyBlock);
      add_bias(shape, span, head, first + i, window, of_row, scores + i * kKeyBlock);
      const float keep = online_softmax(scores + i * kKeyBlock, window, ends.of_row(i), of_row, &maximum[i], &total[i]);
      if (keep != 1.0f) scale_row(sums + i * size, size, keep);
    }
    pack_rows_of_a<Block>(packed_p, rows_of(scores + window.begin, kKeyBlock), 0, rows, window.end - window.begin,
                          {bf16, 1.0f});
    add_product_over_keys<Block>(shape, rows, window, ends, packed_p, values.depth_block(shape, key), sums, size);
  }
  for (int64_t i = 0; i < rows; i++) {
    const Vec factor = set(1.0f / total[i]);
    map_lanes(size, sums + i * size, out + ((query + i) * shape.heads + head) * size, [=](Vec v) { return v * factor; });
    log_sum_exp[(query + i) * shape.heads + head] = maximum[i] + logf(total[i]);
  }
}

/** A run of a span's queries for one head. */
struct AttentionTask {
  int32_t span, head, first_query, queries;
};

template <class Block>
inline void attend_all(const AttentionShape& shape, const float* q, const float* k, const float* v, bool bf16, float* out,
                       float* log_sum_exp) {
  using Element = typename Block::Element;
  constexpr int64_t kQueriesPerTask = 8 * kQueryBlock<Block>;
  Scratch scratch;
  const int64_t pairs = shape.span_count * shape.groups;  // span by span, its groups
  PackedKeys<Block>* const keys = scratch.take<PackedKeys<Block>>(pairs);
  PackedKeys<Block>* const values = scratch.take<PackedKeys<Block>>(pairs);
  int64_t tasks = 0;
  for (int64_t s = 0; s < shape.span_count; s++) {
    const Span& span = shape.spans[s];
    tasks += ceil_divide(span.query_length, kQueriesPerTask) * shape.heads;
    for (int64_t i = s * shape.groups; i < (s + 1) * shape.groups; i++) {
      keys[i] = {scratch.take<Element>(PackedKeys<Block>::size_as_columns(shape, span)), nullptr};
      values[i] = {nullptr, scratch.take<Element>(PackedKeys<Block>::size_as_depth(shape, span))};
    }
  }
  parallel(pairs, [&](int64_t i) {
    const Span& span = shape.spans[i / shape.groups];
    if (span.query_length == 0) return;
    keys[i].pack(shape, span, k, i % shape.groups, bf16);
    values[i].pack(shape, span, v, i % shape.groups, bf16);
  });
  AttentionTask* const list = scratch.take<AttentionTask>(tasks);
  tasks = 0;
  for (int32_t s = 0; s < shape.span_count; s++) {
    const int32_t length = shape.spans[s].query_length;
    for (int32_t head = 0; head < shape.heads; head++) {
      for (int32_t first = 0; first < length; first += kQueriesPerTask) {
        list[tasks++] = {s, head, first, static_cast<int32_t>(smaller_size(kQueriesPerTask, length - first))};
      }
    }
  }
  parallel(tasks, [&](int64_t index) {
    const AttentionTask& task = list[index];
    const int64_t pair = task.span * shape.groups + shape.group_of(task.head);
    for (int64_t first = 0; first < task.queries; first += kQueryBlock<Block>) {
      attend<Block>(shape, shape.spans[task.span], task.head, task.first_query + first,
                    smaller_size(kQueryBlock<Block>, task.queries - first), q, keys[pair], values[pair], bf16, out, log_sum_exp);
    }
  });
}

template <class Block>
inline void attend_with(const AttentionShape& shape, const float* q, const float* k, const float* v, bool bf16, float* out,
                        float* log_sum_exp) {
  if (has_few_queries<Block>(shape)) attend_few_queries<Block>(shape, q, k, v, bf16, out, log_sum_exp);
  else attend_all<Block>(shape, q, k, v, bf16, out, log_sum_exp);
}

void Attention::run() const {
  const AttentionShape shape = attention_shape(*this);
  if (const char* const reason = unfit(shape)) return fail(reason);
  memset(out, 0, static_cast<size_t>(shape.queries * shape.heads * shape.size) * sizeof(float));
  memset(log_sum_exp, 0, static_cast<size_t>(shape.queries * shape.heads) * sizeof(float));
  if (rounds) attend_with<RoundedBlock>(shape, q, k, v, true, out, log_sum_exp);
  else attend_with<Float32Block>(shape, q, k, v, false, out, log_sum_exp);
}
