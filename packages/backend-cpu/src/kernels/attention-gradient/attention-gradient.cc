// SPDX-License-Identifier: Apache-2.0
// The gradient of attention (Dao et al., "FlashAttention", 2022, appendix B.2), probabilities recomputed from logSumExp:
//   p = exp(s − logSumExp),  Δ_i = dout_i·out_i,  dv_j = Σ_i p_ij dout_i,  ds = p ∘ (dout vᵀ − Δ),
//   dq = scale·ds k,  dk = scale·dsᵀ q,  dbias: ds, summed over the scores that an entry was added to.
// With a soft cap c, ds goes on by its slope: 1 − (s/c)² of the capped s.
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
  bool bf16;
};

/** ds becomes the gradient by scores before the cap, where `capped` are those after it. */
inline void scale_by_cap_slope(const float* capped, int64_t begin, int64_t end, float soft_cap, float* ds) {
  const Vec cap = set(soft_cap);
  for (int64_t j = begin; j < end; j += kWidth) {
    store(ds + j, load(ds + j) * soft_cap_slope(load(capped + j), cap));
  }
}

/** The contribution of queries [first, first + rows): dq is complete, dk and dv [keys, D] are added to. */
template <class Block>
inline void attend_back(const AttentionShape& shape, const Span& span, int64_t head, int64_t first, int64_t rows,
                        const AttentionGradientInputs& in, const PackedKeys<Block>& keys, const PackedKeys<Block>& values,
                        float* dq, float* dk, float* dv, float* d_bias) {
  using Element = typename Block::Element;
  Scratch scratch;
  const int64_t size = shape.size, query = span.query_start + first;
  const Rounding plain{in.bf16, 1.0f}, scaled{in.bf16, shape.scale};
  Element* const packed_q = scratch.take<Element>(packed_a_size<Block>(rows, size));
  Element* const packed_dy = scratch.take<Element>(packed_a_size<Block>(rows, size));
  Element* const q_as_depth = scratch.take<Element>(packed_b_size<Block>(size, rows));
  Element* const dy_as_depth = scratch.take<Element>(packed_b_size<Block>(size, rows));
  float* const p = scratch.take<float>(kQueryBlock<Block> * kKeyBlock);
  float* const ds = scratch.take<float>(kQueryBlock<Block> * kKeyBlock);
  const int64_t queries_as_depth = packed_a_size<Block>(kKeyBlock, rows), keys_as_depth = packed_a_size<Block>(rows, kKeyBlock);
  Element* const packed = scratch.take<Element>(queries_as_depth > keys_as_depth ? queries_as_depth : keys_as_depth);
  float* const sums = scratch.take<float>(rows * size);
  float delta[kQueryBlock<Block>], capped[kKeyBlock];
  pack_rows_of_a<Block>(packed_q, shape.head_rows(in.q, query, head), 0, rows, size, scaled);
  pack_rows_of_a<Block>(packed_dy, shape.head_rows(in.dy, query, head), 0, rows, size, plain);
  pack_columns_of_b<Block>(q_as_depth, shape.head_depth(in.q, query, head), 0, size, rows, scaled);
  pack_columns_of_b<Block>(dy_as_depth, shape.head_depth(in.dy, query, head), 0, size, rows, plain);
  memset(sums, 0, static_cast<size_t>(rows * size) * sizeof(float));
  for (int64_t i = 0; i < rows; i++) {
    const int64_t row = ((query + i) * shape.heads + head) * size;
    delta[i] = sum_lanes(size, [&](int64_t j, int64_t n) { return load_lanes(in.dy + row + j, n) * load_lanes(in.out + row + j, n); });
  }

  const KeyRange seen{shape.sight.of(span, first).begin, shape.sight.of(span, first + rows - 1).end};
  for (int64_t key = seen.begin / kKeyBlock * kKeyBlock; key < seen.end; key += kKeyBlock) {
    const KeyWindow window = KeyWindow::of<Block>(key, span.keys(), seen);
    const int64_t from = window.begin, depth = window.end - from;
    const SeenEnds<Block> ends(shape, span, first, rows, window);
    multiply_seen<Block>(window, ends, rows, size, packed_q, keys.columns_from(shape, key + from), p);
    multiply_seen<Block>(window, ends, rows, size, packed_dy, values.columns_from(shape, key + from), ds);
    for (int64_t i = 0; i < rows; i++) {
      float *const p_row = p + i * kKeyBlock, *const ds_row = ds + i * kKeyBlock;
      KeyRange of_row = window.clip(shape.sight.of(span, first + i));
      if (of_row.begin > of_row.end) of_row.begin = of_row.end;
      const int64_t end = ends.of_row(i), padded_end = round_up(end, kWidth);
      cap_scores(shape, window, end, p_row);
      if (shape.soft_cap != 0.0f) memcpy(capped + from, p_row + from, static_cast<size_t>(padded_end - from) * sizeof(float));
      add_bias(shape, span, head, first + i, window, of_row, p_row);
      fill_range(p_row, from, smaller_size(of_row.begin, padded_end), -__builtin_inff());
      fill_range(p_row, of_row.end > from ? of_row.end : from, padded_end, -__builtin_inff());
      fill_range(ds_row, end, padded_end, 0.0f);
      fill_range(p_row, padded_end, window.padded_end, 0.0f);
      fill_range(ds_row, padded_end, window.padded_end, 0.0f);
      const Vec shift = set(in.log_sum_exp[(query + i) * shape.heads + head]), inner = set(delta[i]);
      for (int64_t j = from; j < padded_end; j += kWidth) {
        const Vec probability = exponential(load(p_row + j) - shift);
        store(p_row + j, probability);
        store(ds_row + j, probability * (load(ds_row + j) - inner));
      }
      if (d_bias != nullptr && of_row.begin < of_row.end) {
        const int64_t entry = shape.bias.entry_of(span, first + i) + window.first;
        add_to(d_bias + entry + of_row.begin, ds_row + of_row.begin, of_row.end - of_row.begin);
      }
      if (shape.soft_cap != 0.0f) scale_by_cap_slope(capped, from, padded_end, shape.soft_cap, ds_row);
    }
    // dv += pᵀ dy and dk += dsᵀ (scale·q): the block of keys are the rows, the queries the depth.
    const auto add_to_keys = [&](const float* left, const Element* right, float* to) {
      pack_rows_of_a<Block>(packed, columns_of(left + from, kKeyBlock), 0, depth, rows, plain);
      add_product_over_queries<Block>(window, ends, rows, size, packed, right, to + (key + from) * size);
    };
    add_to_keys(p, dy_as_depth, dv);
    add_to_keys(ds, q_as_depth, dk);
    pack_rows_of_a<Block>(packed, rows_of(ds + from, kKeyBlock), 0, rows, depth, plain);
    add_product_over_keys<Block>(shape, rows, window, ends, packed, keys.depth_block(shape, key), sums, size);
  }
  for (int64_t i = 0; i < rows; i++) {
    const Vec factor = set(shape.scale);
    map_lanes(size, sums + i * size, dq + ((query + i) * shape.heads + head) * size, [=](Vec v) { return v * factor; });
  }
}

/** One head of one span: dk and dv of its keys are added to `dk_head`, `dv_head` [Tk, D], and to `d_bias`, if wanted. */
template <class Block>
inline void attend_back_span(const AttentionShape& shape, const Span& span, int64_t head, const AttentionGradientInputs& in,
                             const PackedKeys<Block>& packed_keys, const PackedKeys<Block>& packed_values, float* dq,
                             float* dk_head, float* dv_head, float* d_bias) {
  Scratch scratch;
  const int64_t keys = span.keys();
  float* const dk = scratch.take<float>(keys * shape.size);
  float* const dv = scratch.take<float>(keys * shape.size);
  memset(dk, 0, static_cast<size_t>(keys * shape.size) * sizeof(float));
  memset(dv, 0, static_cast<size_t>(keys * shape.size) * sizeof(float));
  for (int64_t first = 0; first < span.query_length; first += kQueryBlock<Block>) {
    attend_back<Block>(shape, span, head, first, smaller_size(kQueryBlock<Block>, span.query_length - first), in, packed_keys,
                       packed_values, dq, dk, dv, d_bias);
  }
  for (int64_t key = 0; key < keys; key++) {
    const int64_t row = span.row_of_key(key) * shape.size;
    add_to(dk_head + row, dk + key * shape.size, shape.size);
    add_to(dv_head + row, dv + key * shape.size, shape.size);
  }
}

/** dq, dk and dv of each head: sums [2, heads, Tk, D], zeros before, and `d_bias`, if wanted. */
template <class Block>
inline void attend_back_all(const AttentionShape& shape, const AttentionGradientInputs& in, float* dq, float* sums,
                            float* d_bias) {
  using Element = typename Block::Element;
  Scratch scratch;
  int32_t* const family = scratch.take<int32_t>(shape.span_count);
  const int64_t families = number_families(shape, family);
  const int64_t bias_size = d_bias == nullptr ? 0 : shape.heads * shape.bias.entries;
  float* const of_families = scratch.take<float>(families * bias_size);  // dbias of each family, to be added in order
  memset(of_families, 0, static_cast<size_t>(families * bias_size) * sizeof(float));
  const int64_t pairs = shape.span_count * shape.groups;
  PackedKeys<Block>* const keys = scratch.take<PackedKeys<Block>>(pairs);
  PackedKeys<Block>* const values = scratch.take<PackedKeys<Block>>(pairs);
  for (int64_t i = 0; i < pairs; i++) {
    const Span& span = shape.spans[i / shape.groups];
    const int64_t as_columns = PackedKeys<Block>::size_as_columns(shape, span);
    keys[i] = {scratch.take<Element>(as_columns), scratch.take<Element>(PackedKeys<Block>::size_as_depth(shape, span))};
    values[i] = {scratch.take<Element>(as_columns), nullptr};
  }
  parallel(pairs, [&](int64_t i) {
    const Span& span = shape.spans[i / shape.groups];
    if (span.query_length == 0) return;
    keys[i].pack(shape, span, in.k, i % shape.groups, in.bf16);
    values[i].pack(shape, span, in.v, i % shape.groups, in.bf16);
  });
  const int64_t per_head = shape.keys * shape.size;
  parallel(families * shape.heads, [&](int64_t task) {
    const int64_t head = task % shape.heads, own = task / shape.heads;
    float* const of_task = d_bias == nullptr ? nullptr : of_families + own * bias_size + head * shape.bias.entries;
    for (int64_t s = 0; s < shape.span_count; s++) {
      if (family[s] != own || shape.spans[s].query_length == 0) continue;
      const int64_t pair = s * shape.groups + shape.group_of(head);
      attend_back_span<Block>(shape, shape.spans[s], head, in, keys[pair], values[pair], dq, sums + head * per_head,
                              sums + (shape.heads + head) * per_head, of_task);
    }
  });
  if (d_bias != nullptr) memset(d_bias, 0, static_cast<size_t>(bias_size) * sizeof(float));
  for (int64_t i = 0; i < families && d_bias != nullptr; i++) add_to(d_bias, of_families + i * bias_size, bias_size);
}

void AttentionGradient::run() const {
  const AttentionShape shape = attention_shape(*this);
  if (const char* const reason = unfit(shape)) return fail(reason);
  const int64_t query_values = queries * heads * size;
  const AttentionGradientInputs in{dy, q, k, v, out, log_sum_exp, rounds};
  memset(dq, 0, static_cast<size_t>(query_values) * sizeof(float));

  Scratch scratch;
  const int64_t per_head = shape.keys * shape.size;
  float* const sums = scratch.take<float>(2 * shape.heads * per_head);  // dk, then dv, of each head [Tk, D]
  parallel_ranges(2 * shape.heads * per_head, 65536, [&](int64_t begin, int64_t end) {
    memset(sums + begin, 0, static_cast<size_t>(end - begin) * sizeof(float));
  });
  if (in.bf16) attend_back_all<RoundedBlock>(shape, in, dq, sums, d_bias);
  else attend_back_all<Float32Block>(shape, in, dq, sums, d_bias);
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
