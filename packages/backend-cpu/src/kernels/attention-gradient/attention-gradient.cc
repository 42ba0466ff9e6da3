// SPDX-License-Identifier: Apache-2.0
// The gradient of attention (Dao et al., "FlashAttention", 2022, appendix B.2), probabilities recomputed from logSumExp:
//   p = exp(s − logSumExp),  Δ_i = dout_i·out_i,  dv_j = Σ_i p_ij dout_i,  ds = p ∘ (dout vᵀ − Δ),
//   dq = scale·ds k,  dk = scale·dsᵀ q.
// A task is one head of a family: spans that share keys through prefixes. Within it spans and blocks of queries come in
// order, and the heads of a group are summed in order afterwards, so that the sums do not depend on the threads.

#include "../attention/blocks.h"

/** Numbers the families: spans whose keys overlap, directly or through others. Returns how many. */
inline int64_t number_families(const AttentionShape& shape, int32_t* family) {
  const auto touches = [](const Span& a, const Span& b) {
    const auto overlap = [](int64_t x, int64_t x_length, int64_t y, int64_t y_length) {
      return x < y + y_length && y < x + x_length;
    };
    return overlap(a.key_start, a.key_length, b.key_start, b.key_length) ||
           overlap(a.key_start, a.key_length, b.prefix_start, b.prefix_length) ||
           overlap(a.prefix_start, a.prefix_length, b.key_start, b.key_length) ||
           overlap(a.prefix_start, a.prefix_length, b.prefix_start, b.prefix_length);
  };
  for (int64_t s = 0; s < shape.span_count; s++) {
    family[s] = static_cast<int32_t>(s);
    for (int64_t other = 0; other < s; other++) {
      if (!touches(shape.spans[s], shape.spans[other]) || family[other] == family[s]) continue;
      const int32_t merged = family[s];
      for (int64_t i = 0; i <= s; i++) {
        if (family[i] == merged) family[i] = family[other];
      }
    }
  }
  int32_t count = 0;
  for (int64_t s = 0; s < shape.span_count; s++) {  // each family is named by one of its spans: number them densely
    if (family[s] != s) continue;
    for (int64_t i = 0; i < shape.span_count; i++) {
      if (family[i] == s) family[i] = -1 - count;
    }
    count++;
  }
  for (int64_t s = 0; s < shape.span_count; s++) family[s] = -1 - family[s];
  return count;
}

struct AttentionGradientInputs {
  const float *dy, *q, *k, *v, *out, *log_sum_exp;
};

/** Keys and values of one head of a span, packed for each product they take part in; and the sums of their gradients. */
struct SpanWork {
  float *keys, *values, *keys_as_depth;  // packed
  float *dk, *dv;                        // [keys, D]
};

/** The contribution of queries [first, first + rows): dq is complete, dk and dv are added to. */
inline void attend_back(const AttentionShape& shape, const Span& span, int64_t head, int64_t first, int64_t rows,
                        const AttentionGradientInputs& in, const SpanWork& work, float* dq) {
  using Block = Float32Block;
  Scratch scratch;
  const int64_t size = shape.size, query = span.query_start + first;
  float* const packed_q = scratch.take<float>(packed_a_size<Block>(rows, size));
  float* const packed_dy = scratch.take<float>(packed_a_size<Block>(rows, size));
  float* const q_as_depth = scratch.take<float>(packed_b_size<Block>(size, rows));
  float* const dy_as_depth = scratch.take<float>(packed_b_size<Block>(size, rows));
  float* const p = scratch.take<float>(kQueryBlock * kKeyBlock);
  float* const ds = scratch.take<float>(kQueryBlock * kKeyBlock);
  float* const packed = scratch.take<float>(round_up(kKeyBlock, Block::kRows) * round_up(kQueryBlock, Block::kRows));
  float* const sums = scratch.take<float>(rows * size);
  float delta[kQueryBlock];
  pack_rows_of_a<Block>(packed_q, shape.head_rows(in.q, query, head), 0, rows, size, {false, shape.scale});
  pack_rows_of_a<Block>(packed_dy, shape.head_rows(in.dy, query, head), 0, rows, size, {});
  pack_columns_of_b<Block>(q_as_depth, shape.head_depth(in.q, query, head), 0, size, rows, {false, shape.scale});
  pack_columns_of_b<Block>(dy_as_depth, shape.head_depth(in.dy, query, head), 0, size, rows, {});
  memset(sums, 0, static_cast<size_t>(rows * size) * sizeof(float));
  for (int64_t i = 0; i < rows; i++) {
    const int64_t row = ((query + i) * shape.heads + head) * size;
    delta[i] = sum_lanes(size, [&](int64_t j, int64_t n) { return load_lanes(in.dy + row + j, n) * load_lanes(in.out + row + j, n); });
  }

  const KeyRange seen{shape.sight.of(span, first).begin, shape.sight.of(span, first + rows - 1).end};
  for (int64_t key = seen.begin / kKeyBlock * kKeyBlock; key < seen.end; key += kKeyBlock) {
    const KeyWindow window = KeyWindow::of(key, span.keys(), seen);
    const int64_t from = window.begin, depth = window.end - from;
    multiply_packed<Block>(rows, depth, size, packed_q, work.keys + (key + from) * size, p + from, kKeyBlock, Start::nothing);
    multiply_packed<Block>(rows, depth, size, packed_dy, work.values + (key + from) * size, ds + from, kKeyBlock,
                           Start::nothing);
    for (int64_t i = 0; i < rows; i++) {
      float *const p_row = p + i * kKeyBlock, *const ds_row = ds + i * kKeyBlock;
      KeyRange of_row = window.clip(shape.sight.of(span, first + i));
      if (of_row.begin > of_row.end) of_row.begin = of_row.end;
      fill_range(p_row, from, smaller_size(of_row.begin, window.padded_end), -__builtin_inff());
      fill_range(p_row, of_row.end > from ? of_row.end : from, window.padded_end, -__builtin_inff());
      fill_range(ds_row, window.end, window.padded_end, 0.0f);
      const Vec shift = set(in.log_sum_exp[(query + i) * shape.heads + head]), inner = set(delta[i]);
      for (int64_t j = from; j < window.padded_end; j += kWidth) {
        const Vec probability = exponential(load(p_row + j) - shift);
        store(p_row + j, probability);
        store(ds_row + j, probability * (load(ds_row + j) - inner));
      }
    }
    // dv += pᵀ dy and dk += dsᵀ (scale·q): the block of keys are the rows, the queries the depth.
    const auto add_to_keys = [&](const float* left, const float* right, float* to) {
      pack_rows_of_a<Block>(packed, columns_of(left + from, kKeyBlock), 0, depth, rows, {});
      multiply_packed<Block>(depth, size, rows, packed, right, to + (key + from) * size, size, Start::values);
    };
    add_to_keys(p, dy_as_depth, work.dv);
    add_to_keys(ds, q_as_depth, work.dk);
    pack_rows_of_a<Block>(packed, rows_of(ds + from, kKeyBlock), 0, rows, depth, {});
    add_product_over_keys(shape, rows, from, window.end, window.keys, packed,
                          work.keys_as_depth + key * round_up(size, Block::kColumns), sums, size);
  }
  for (int64_t i = 0; i < rows; i++) {
    const Vec factor = set(shape.scale);
    map_lanes(size, sums + i * size, dq + ((query + i) * shape.heads + head) * size, [=](Vec v) { return v * factor; });
  }
}

/** One head of one span: dk and dv of its keys are added to `dk_head`, `dv_head` [Tk, D]. */
inline void attend_back_span(const AttentionShape& shape, const Span& span, int64_t head,
                             const AttentionGradientInputs& in, float* dq, float* dk_head, float* dv_head) {
  if (span.query_length == 0) return;
  Scratch scratch;
  const int64_t keys = span.keys(), group = shape.group_of(head);
  SpanWork work;
  work.keys = scratch.take<float>(size_as_columns(shape, span));
  work.values = scratch.take<float>(size_as_columns(shape, span));
  work.keys_as_depth = scratch.take<float>(size_as_depth(shape, span));
  work.dk = scratch.take<float>(keys * shape.size);
  work.dv = scratch.take<float>(keys * shape.size);
  memset(work.dk, 0, static_cast<size_t>(keys * shape.size) * sizeof(float));
  memset(work.dv, 0, static_cast<size_t>(keys * shape.size) * sizeof(float));
  pack_keys_as_columns(work.keys, shape, span, in.k, group);
  pack_keys_as_columns(work.values, shape, span, in.v, group);
  pack_keys_as_depth(work.keys_as_depth, shape, span, in.k, group);
  for (int64_t first = 0; first < span.query_length; first += kQueryBlock) {
    attend_back(shape, span, head, first, smaller_size(kQueryBlock, span.query_length - first), in, work, dq);
  }
  for (int64_t key = 0; key < keys; key++) {
    const int64_t row = span.row_of_key(key) * shape.size;
    add_to(dk_head + row, work.dk + key * shape.size, shape.size);
    add_to(dv_head + row, work.dv + key * shape.size, shape.size);
  }
}

void attention_gradient(Arguments& arguments) {
  const AttentionShape shape = read_attention_shape(arguments);
  const int64_t query_values = shape.queries * shape.heads * shape.size;
  const int64_t key_values = shape.keys * shape.groups * shape.size;
  AttentionGradientInputs in;
  in.dy = arguments.floats(query_values);
  in.q = arguments.floats(query_values);
  in.k = arguments.floats(key_values);
  in.v = arguments.floats(key_values);
  in.out = arguments.floats(query_values);
  in.log_sum_exp = arguments.floats(shape.queries * shape.heads);
  float* const dq = arguments.output(query_values);
  float* const dk = arguments.output(key_values);
  float* const dv = arguments.output(key_values);
  if (!arguments.ok()) return;
  memset(dq, 0, static_cast<size_t>(query_values) * sizeof(float));

  Scratch scratch;
  int32_t* const family = scratch.take<int32_t>(shape.span_count);
  const int64_t families = number_families(shape, family);
  const int64_t per_head = shape.keys * shape.size;
  float* const sums = scratch.take<float>(2 * shape.heads * per_head);  // dk, then dv, of each head [Tk, D]
  parallel_ranges(2 * shape.heads * per_head, 65536, [&](int64_t begin, int64_t end) {
    memset(sums + begin, 0, static_cast<size_t>(end - begin) * sizeof(float));
  });
  parallel(families * shape.heads, [&](int64_t task) {
    const int64_t head = task % shape.heads;
    for (int64_t s = 0; s < shape.span_count; s++) {
      if (family[s] != task / shape.heads) continue;
      attend_back_span(shape, shape.spans[s], head, in, dq, sums + head * per_head,
                       sums + (shape.heads + head) * per_head);
    }
  });
  const int64_t per_group = shape.heads / shape.groups;
  parallel_ranges(shape.keys, rows_per_task(shape.heads * shape.size), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      for (int64_t group = 0; group < shape.groups; group++) {
        for (int64_t which = 0; which < 2; which++) {
          float* const to = (which == 0 ? dk : dv) + (row * shape.groups + group) * shape.size;
          const float* const from = sums + (which * shape.heads + group * per_group) * per_head + row * shape.size;
          memcpy(to, from, static_cast<size_t>(shape.size) * sizeof(float));
          for (int64_t h = 1; h < per_group; h++) add_to(to, from + h * per_head, shape.size);
        }
      }
    }
  });
}
