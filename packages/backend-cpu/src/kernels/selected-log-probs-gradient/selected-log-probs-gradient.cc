// SPDX-License-Identifier: Apache-2.0
// The gradient of selected log-probs, logits computed again tile by tile. With the names of selected-log-probs.cc,
// g, gH and gQ the gradients of logProb, entropy H and log-sum-squared Q:
//   dz = g·(1[target] − p) − gH·p·(z − L + H) + 2·gQ·(exp(2(z − L) − Q) − p),  divided by the temperature,
//   dHidden[rows] += dz W,   dHead = dzᵀ h,   dBias = Σ dz.
// Per chunk of the vocabulary: the head is packed for both products, then each task takes a tile of rows; a row's sum
// runs over the vocabulary in order.

#include "../selected-log-probs/tiles.h"

constexpr int64_t kVocabularyChunk = 1024;

struct LogitGradient {
  const float *d_log_prob, *d_entropy, *d_squared;  // [S] each, or null
  const float *log_sum_exp, *entropy, *squared;     // [S] each; the latter two where their gradients are
  const int32_t* targets;
  float temperature;

  /** Turns the logits of row s, vocabulary from v on, into dz in place. */
  void apply(int64_t s, int64_t v, float* z, int64_t width) const {
    const Vec normalizer = set(log_sum_exp[s]), by_temperature = set(1.0f / temperature);
    const Vec g = set(d_log_prob ? d_log_prob[s] : 0.0f);
    const Vec g_entropy = set(d_entropy ? d_entropy[s] : 0.0f), h = set(d_entropy ? entropy[s] : 0.0f);
    const Vec g_squared = set(d_squared ? 2.0f * d_squared[s] : 0.0f), q = set(d_squared ? squared[s] : 0.0f);
    for (int64_t i = 0; i < width; i += kWidth) {
      const Vec log_p = load_lanes(z + i, width - i) - normalizer, p = exponential(log_p);
      Vec d = zero() - g * p;
      if (d_entropy) d = d - g_entropy * p * (log_p + h);
      if (d_squared) d = d + g_squared * (exponential(log_p + log_p - q) - p);
      store_lanes(z + i, d * by_temperature, width - i);
    }
    const int64_t target = targets[s] - v;
    if (d_log_prob && target >= 0 && target < width) z[target] += d_log_prob[s] / temperature;
  }
};

void selected_log_probs_gradient(Arguments& arguments) {
  const int64_t tokens = arguments.size(), columns = arguments.size(), vocabulary = arguments.size();
  const int64_t selected = arguments.size();
  LogitGradient gradient;
  gradient.temperature = arguments.scalar();
  gradient.d_log_prob = arguments.optional_floats(selected);
  gradient.d_entropy = arguments.optional_floats(selected);
  gradient.d_squared = arguments.optional_floats(selected);
  const float* const hidden = arguments.floats(tokens * columns);
  const Storage head = arguments.weight(vocabulary * columns);
  const float* const bias = arguments.optional_floats(vocabulary);
  const int32_t* const rows = arguments.integers(selected);
  gradient.targets = arguments.integers(selected);
  gradient.log_sum_exp = arguments.floats(selected);
  gradient.entropy = arguments.optional_floats(selected);
  gradient.squared = arguments.optional_floats(selected);
  float* const d_hidden = arguments.output(tokens * columns);
  float* const d_head = arguments.optional_output(vocabulary * columns);
  float* const d_bias = arguments.optional_output(vocabulary);
  const bool bf16 = arguments.integer() != 0 || head.type == ElementType::u16;
  if (!arguments.ok() || !selection_fits(arguments, rows, gradient.targets, selected, tokens, vocabulary)) return;
  if (gradient.d_entropy && !gradient.entropy) return arguments.fail("the entropy is missing");
  if (gradient.d_squared && !gradient.squared) return arguments.fail("the sum of squares is missing");

  using Block = LogitBlock;
  Scratch scratch;
  const int64_t most_rows = smaller_size(selected, kSelected), chunk = smaller_size(vocabulary, kVocabularyChunk);
  float* const gathered = scratch.take<float>(most_rows * columns);
  float* const packed_h = scratch.take<Block::Element>(packed_a_size<Block>(most_rows, columns));
  float* const for_logits = scratch.take<Block::Element>(packed_b_size<Block>(chunk, columns));
  float* const for_hidden = scratch.take<Block::Element>(packed_b_size<Block>(columns, chunk));
  float* const dz = scratch.take<float>(most_rows * chunk);
  float* const d_selected = scratch.take<float>(selected * columns);
  if (d_bias) memset(d_bias, 0, static_cast<size_t>(vocabulary) * sizeof(float));
  if (d_head && selected == 0) memset(d_head, 0, static_cast<size_t>(vocabulary * columns) * sizeof(float));

  for (int64_t first = 0; first < selected; first += kSelected) {
    const int64_t count = smaller_size(kSelected, selected - first);
    gather_and_pack(hidden, rows + first, count, columns, gathered, packed_h, bf16);
    for (int64_t v = 0; v < vocabulary; v += kVocabularyChunk) {
      const int64_t width = smaller_size(kVocabularyChunk, vocabulary - v);
      const Factor chunk_rows{head.data, head.type, columns, 1};
      const int64_t element = head.type == ElementType::u16 ? 2 : 4;
      const Storage chunk_head{static_cast<const char*>(head.data) + v * columns * element, head.type};
      const int64_t logit_panels = ceil_divide(width, Block::kColumns), hidden_panels = ceil_divide(columns, Block::kColumns);
      parallel(logit_panels + hidden_panels, [&](int64_t panel) {
        if (panel < logit_panels) {
          const int64_t column = panel * Block::kColumns;
          pack_columns_of_b<Block>(for_logits + column * padded_depth<Block>(columns), chunk_rows, v + column,
                                   smaller_size(Block::kColumns, width - column), columns, {bf16, 1.0f});
        } else {
          const int64_t column = (panel - logit_panels) * Block::kColumns;
          pack_columns_of_b<Block>(for_hidden + column * padded_depth<Block>(width), columns_of(chunk_head, columns), column,
                                   smaller_size(Block::kColumns, columns - column), width, {bf16, 1.0f});
        }
      });
      parallel_ranges(count, kRowTile / 2, [&](int64_t begin, int64_t end) {
        const int64_t tile_rows = end - begin;
        Scratch own;
        float* const packed_dz = own.take<Block::Element>(packed_a_size<Block>(tile_rows, width));
        float* const z = dz + begin * width;
        multiply_packed<Block>(tile_rows, width, columns, packed_h + begin * padded_depth<Block>(columns), for_logits, z,
                               width, bias ? Start::bias : Start::nothing, bias ? bias + v : nullptr);
        for (int64_t i = 0; i < tile_rows; i++) {
          if (gradient.temperature != 1.0f) {
            const Vec divisor = set(gradient.temperature);
            map_lanes(width, z + i * width, z + i * width, [=](Vec value) { return value / divisor; });
          }
          gradient.apply(first + begin + i, v, z + i * width, width);
        }
        pack_rows_of_a<Block>(packed_dz, rows_of(z, width), 0, tile_rows, width, {bf16, 1.0f});
        multiply_packed<Block>(tile_rows, columns, width, packed_dz, for_hidden, d_selected + (first + begin) * columns,
                               columns, v == 0 ? Start::nothing : Start::values);
      });
      if (d_head) {
        Product p;
        p.m = width, p.n = columns, p.k = count, p.bf16 = bf16, p.accumulate = first > 0;
        p.a = columns_of(dz, width), p.b = columns_of(gathered, columns);
        p.c = d_head + v * columns, p.c_stride = columns;
        gemm(p);
      }
      if (d_bias) {
        for (int64_t i = 0; i < count; i++) add_to(d_bias + v, dz + i * width, width);
      }
    }
  }
  scatter_rows(d_selected, rows, selected, d_hidden, tokens, columns);
}
