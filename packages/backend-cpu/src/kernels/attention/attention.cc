// SPDX-License-Identifier: Apache-2.0
// Attention on packed segments: out_i = Σ_j p_ij v_j with p_i = softmax_j(scale·q_i·k_j) over the keys that the span lets
// query i see; q, out [Tq, H, D], k, v [Tk, G, D], H a multiple of G, float32. Also logSumExp [Tq, H].
//
// The scores exist for one block of queries and keys at a time (Dao et al., "FlashAttention", 2022, algorithm 1). Blocks
// are counted from the start of the span, and a key that a query does not see adds an exact zero, so a row of the result
// does not depend on where in the pack its segment lies. Queries outside of all spans give 0. A task is a run of a
// span's queries for one head.

#include "blocks.h"

/** out and logSumExp for queries [first, first + rows) of a span and one head, keys packed. */
inline void attend(const AttentionShape& shape, const Span& span, int64_t head, int64_t first, int64_t rows,
                   const float* q, const float* keys, const float* values, float* out, float* log_sum_exp) {
  using Block = Float32Block;
  Scratch scratch;
  const int64_t size = shape.size, query = span.query_start + first;
  float* const packed_q = scratch.take<float>(packed_a_size<Block>(rows, size));
  float* const scores = scratch.take<float>(kQueryBlock * kKeyBlock);
  float* const packed_p = scratch.take<float>(round_up(rows, Block::kRows) * kKeyBlock);
  float* const sums = scratch.take<float>(rows * size);
  float maximum[kQueryBlock], total[kQueryBlock];
  pack_rows_of_a<Block>(packed_q, shape.head_rows(q, query, head), 0, rows, size, {false, shape.scale});
  memset(sums, 0, static_cast<size_t>(rows * size) * sizeof(float));
  for (int64_t i = 0; i < rows; i++) maximum[i] = -__builtin_inff(), total[i] = 0.0f;

  const KeyRange seen{shape.sight.of(span, first).begin, shape.sight.of(span, first + rows - 1).end};
  for (int64_t key = seen.begin / kKeyBlock * kKeyBlock; key < seen.end; key += kKeyBlock) {
    const KeyWindow window = KeyWindow::of(key, span.keys(), seen);
    multiply_packed<Block>(rows, window.end - window.begin, size, packed_q, keys + (key + window.begin) * size,
                           scores + window.begin, kKeyBlock, Start::nothing);
    for (int64_t i = 0; i < rows; i++) {
      const KeyRange of_row = window.clip(shape.sight.of(span, first + i));
      const float keep = online_softmax(scores + i * kKeyBlock, window, of_row, &maximum[i], &total[i]);
      if (keep != 1.0f) scale_row(sums + i * size, size, keep);
    }
    pack_rows_of_a<Block>(packed_p, rows_of(scores + window.begin, kKeyBlock), 0, rows, window.end - window.begin, {});
    add_product_over_keys(shape, rows, window.begin, window.end, window.keys, packed_p,
                          values + key * round_up(size, Block::kColumns), sums, size);
  }
  for (int64_t i = 0; i < rows; i++) {
    const Vec factor = set(1.0f / total[i]);
    map_lanes(size, sums + i * size, out + ((query + i) * shape.heads + head) * size, [=](Vec v) { return v * factor; });
    log_sum_exp[(query + i) * shape.heads + head] = maximum[i] + logf(total[i]);
  }
}

/** A run of a span's queries for some heads that share their keys. */
struct AttentionTask {
  int32_t span, first_head, heads, first_query, queries;
};

void attention(Arguments& arguments) {
  const AttentionShape shape = read_attention_shape(arguments);
  const float* const q = arguments.floats(shape.queries * shape.heads * shape.size);
  const float* const k = arguments.floats(shape.keys * shape.groups * shape.size);
  const float* const v = arguments.floats(shape.keys * shape.groups * shape.size);
  float* const out = arguments.output(shape.queries * shape.heads * shape.size);
  float* const log_sum_exp = arguments.output(shape.queries * shape.heads);
  if (!arguments.ok()) return;
  memset(out, 0, static_cast<size_t>(shape.queries * shape.heads * shape.size) * sizeof(float));
  memset(log_sum_exp, 0, static_cast<size_t>(shape.queries * shape.heads) * sizeof(float));

  // Packing the keys costs as much as a few queries: heads are packed together where a span has few (decoding).
  constexpr int64_t kFewQueries = 8, kQueriesPerTask = 8 * kQueryBlock;
  Scratch scratch;
  int64_t tasks = 0;
  const int64_t per_group = shape.heads / shape.groups;
  for (int64_t s = 0; s < shape.span_count; s++) {
    tasks += ceil_divide(shape.spans[s].query_length, kQueriesPerTask) * shape.heads;
  }
  AttentionTask* const list = scratch.take<AttentionTask>(tasks);
  tasks = 0;
  for (int32_t s = 0; s < shape.span_count; s++) {
    const int32_t length = shape.spans[s].query_length;
    const int32_t together = static_cast<int32_t>(length <= kFewQueries ? per_group : 1);
    for (int32_t head = 0; head < shape.heads; head += together) {
      for (int32_t first = 0; first < length; first += kQueriesPerTask) {
        list[tasks++] = {s, head, together, first, static_cast<int32_t>(smaller_size(kQueriesPerTask, length - first))};
      }
    }
  }
  parallel(tasks, [&](int64_t index) {
    const AttentionTask& task = list[index];
    const Span& span = shape.spans[task.span];
    Scratch own;
    float* const keys = own.take<float>(size_as_columns(shape, span));
    float* const values = own.take<float>(size_as_depth(shape, span));
    pack_keys_as_columns(keys, shape, span, k, shape.group_of(task.first_head));
    pack_keys_as_depth(values, shape, span, v, shape.group_of(task.first_head));
    for (int64_t head = task.first_head; head < task.first_head + task.heads; head++) {
      for (int64_t first = 0; first < task.queries; first += kQueryBlock) {
        attend(shape, span, head, task.first_query + first, smaller_size(kQueryBlock, task.queries - first), q, keys,
               values, out, log_sum_exp);
      }
    }
  });
}
