// SPDX-License-Identifier: Apache-2.0
// The gradient of selected log-probs, logits computed again tile by tile, or their exponentials as log-probs kept them. With the names of selected-log-probs.cc,
// g, gH and gQ the gradients of logProb, entropy H and log-sum-squared Q:
//   dz = g·(1[target] − p) − gH·p·(z − L + H) + 2·gQ·(exp(2(z − L) − Q) − p),  divided by the temperature,
//   with a soft cap times its slope,
//   dHidden[rows] += dz W,   dHead = dzᵀ h,   dBias = Σ dz.
// Where nothing but g is asked for and factors are rounded to bf16, as dz will be, p is e^(z − m) rounded to bf16, times
// e^(m − L), m the maximum of its tile: the same bits whether it was kept or is computed again. 1 − p of the target, which
// may cancel, is of the exact log-prob.
// Per chunk of the vocabulary: the head is packed for both products, then each task takes a tile of rows; a row's sum
// runs over the vocabulary in order.

#include "../selected-log-probs/tiles.h"

struct LogitGradient {
  const float *d_log_prob, *d_entropy, *d_squared;          // [S] each, or null
  const float *log_prob, *log_sum_exp, *entropy, *squared;  // [S] each; the latter two where their gradients are
  const int32_t* targets;
  float cap, temperature;                                   // the cap of z, 0: none

  /** Are rounded exponentials enough? */
  bool takes_rounded(bool bf16) const { return bf16 && d_log_prob && !d_entropy && !d_squared && cap == 0.0f; }

  /** dz of a tile of row s, of its exponentials relative to `maximum`, which z may hold. */
  void weigh(int64_t s, float maximum, const float* exponentials, float* z, int64_t width) const {
    const Vec factor = set(-d_log_prob[s] * expf(maximum - log_sum_exp[s]) / temperature);
    map_lanes(width, exponentials, z, [=](Vec e) { return e * factor; });
  }

  void add_target(int64_t s, int64_t v, float* z, int64_t width) const {
    const int64_t target = targets[s] - v;
    if (target >= 0 && target < width) z[target] = d_log_prob[s] * (1.0f - expf(log_prob[s])) / temperature;
  }

  /** Turns the logits of row s, vocabulary from v on, into dz in place, by rounded exponentials. */
  void apply_rounded(int64_t s, int64_t v, float* z, int64_t width) const {
    for (int64_t tile = 0; tile < width; tile += kVocabularyTile) {
      const int64_t count = smaller_size(kVocabularyTile, width - tile);
      const float maximum = largest_logit(z + tile, count);
      const Vec shift = set(maximum);
      map_lanes(count, z + tile, z + tile, [=](Vec value) { return round_to_bf16(exponential_below(value - shift)); });
      weigh(s, maximum, z + tile, z + tile, count);
    }
    add_target(s, v, z, width);
  }

  /** The same of what was kept of row s, from the tile of v on. */
  void apply_kept(int64_t s, int64_t v, const int32_t* kept, float* z, int64_t width) const {
    for (int64_t tile = 0; tile < width; tile += kVocabularyTile, kept += kKeptTile) {
      const int64_t count = smaller_size(kVocabularyTile, width - tile);
      const uint16_t* const words = reinterpret_cast<const uint16_t*>(kept);
      float maximum, *const to = z + tile;
      memcpy(&maximum, kept + kKeptPairs, sizeof(float));
      for (int64_t i = 0; i < count; i += kWidth) store_lanes(to + i, load_bf16_lanes(words + i, count - i), count - i);
      weigh(s, maximum, to, to, count);
    }
    add_target(s, v, z, width);
  }

  /** Turns the logits of row s, vocabulary from v on, into dz in place. */
  void apply(int64_t s, int64_t v, float* z, int64_t width) const {
    const int64_t target = targets[s] - v;
    const bool has_target = d_log_prob && target >= 0 && target < width;
    const float target_logit = has_target ? z[target] : 0.0f;
    const Vec normalizer = set(log_sum_exp[s]), by_temperature = set(1.0f / temperature);
    const Vec g = set(d_log_prob ? d_log_prob[s] : 0.0f);
    const Vec g_entropy = set(d_entropy ? d_entropy[s] : 0.0f), h = set(d_entropy ? entropy[s] : 0.0f);
    const Vec g_squared = set(d_squared ? 2.0f * d_squared[s] : 0.0f), q = set(d_squared ? squared[s] : 0.0f);
    for (int64_t i = 0; i < width; i += kWidth) {
      const Vec log_p = load_lanes(z + i, width - i) - normalizer, p = exponential(log_p);
      Vec d = zero() - g * p;
      if (d_entropy) d = d - g_entropy * p * (log_p + h);
      if (d_squared) d = d + g_squared * (exponential(log_p + log_p - q) - p);
      d = d * by_temperature;
      if (cap != 0.0f) d = d * soft_cap_slope(load_lanes(z + i, width - i), set(cap));
      store_lanes(z + i, d, width - i);
    }
    const float share = cap == 0.0f ? 0.0f : target_logit / cap;
    if (has_target) z[target] += d_log_prob[s] / temperature * (1.0f - share * share);
  }
};

struct HeadGradients {
  float *d_hidden, *d_head, *d_bias;  // [T, C], and [V, C], [V] or null
};

/** `kept`: what log-probs kept of all rows, or null. */
template <class Block>
inline void select_log_probs_back(const Selection& in, const LogitGradient& gradient, const int32_t* kept,
                                  const HeadGradients& out) {
  using Element = typename Block::Element;
  const int64_t columns = in.columns, vocabulary = in.vocabulary, kept_row = ceil_divide(vocabulary, kVocabularyTile) * kKeptTile;
  const bool is_rounded = gradient.takes_rounded(in.bf16);
  Scratch scratch;
  const int64_t most_rows = smaller_size(in.selected, kSelected), chunk = smaller_size(vocabulary, kVocabularyChunk);
  float* const gathered = scratch.take<float>(most_rows * columns);
  Element* const packed_h = scratch.take<Element>(packed_a_size<Block>(most_rows, columns));
  Element* const for_logits = kept ? nullptr : scratch.take<Element>(packed_b_size<Block>(chunk, columns));
  Element* const for_hidden = scratch.take<Element>(packed_b_size<Block>(columns, chunk));
  float* const dz = scratch.take<float>(most_rows * chunk);
  float* const d_selected = scratch.take<float>(in.selected * columns);
  if (out.d_bias) memset(out.d_bias, 0, static_cast<size_t>(vocabulary) * sizeof(float));
  if (out.d_head && in.selected == 0) memset(out.d_head, 0, static_cast<size_t>(vocabulary * columns) * sizeof(float));

  for (int64_t first = 0; first < in.selected; first += kSelected) {
    const int64_t count = smaller_size(kSelected, in.selected - first);
    gather_and_pack<Block>(in.hidden, in.rows + first, count, columns, gathered, packed_h, in.bf16);
    for (int64_t v = 0; v < vocabulary; v += kVocabularyChunk) {
      const int64_t width = smaller_size(kVocabularyChunk, vocabulary - v);
      pack_head_chunk<Block>(in, v, width, for_logits, for_hidden);
      parallel_ranges(count, balanced_tile<Block>(count), [&](int64_t begin, int64_t end) {
        const int64_t tile_rows = end - begin;
        Scratch own;
        Element* const packed_dz = own.take<Element>(packed_a_size<Block>(tile_rows, width));
        float* const z = dz + begin * width;
        if (!kept) {
          multiply_packed<Block>(tile_rows, width, columns, packed_h + begin * padded_depth<Block>(columns), for_logits, z,
                                 width, in.bias ? Start::bias : Start::nothing, in.bias ? in.bias + v : nullptr);
        }
        for (int64_t i = 0; i < tile_rows; i++) {
          const int64_t s = first + begin + i;
          float* const of_row = z + i * width;
          if (kept) {
            gradient.apply_kept(s, v, kept + s * kept_row + v / kVocabularyTile * kKeptTile, of_row, width);
            continue;
          }
          finish_logits(in, of_row, width);
          if (is_rounded) gradient.apply_rounded(s, v, of_row, width);
          else gradient.apply(s, v, of_row, width);
        }
        pack_rows_of_a<Block>(packed_dz, rows_of(z, width), 0, tile_rows, width, {in.bf16, 1.0f});
        multiply_packed<Block>(tile_rows, columns, width, packed_dz, for_hidden, d_selected + (first + begin) * columns,
                               columns, v == 0 ? Start::nothing : Start::values);
      });
      if (out.d_head) {
        Product p;
        p.m = width, p.n = columns, p.k = count, p.bf16 = in.bf16, p.accumulate = first > 0;
        p.a = columns_of(dz, width), p.b = columns_of(gathered, columns);
        p.c = out.d_head + v * columns, p.c_stride = columns;
        gemm(p);
      }
      if (out.d_bias) {
        for (int64_t i = 0; i < count; i++) add_to(out.d_bias + v, dz + i * width, width);
      }
    }
  }
  scatter_rows(d_selected, in.rows, in.selected, out.d_hidden, in.tokens, columns);
}

void SelectedLogProbsGradient::run() const {
  const Selection in = selection_of(*this);
  if (const char* const reason = unfit(in)) return fail(reason);
  if (d_entropy && !entropy) return fail("the entropy is missing");
  if (d_squared && !squared) return fail("the sum of squares is missing");
  const LogitGradient gradient{d_log_prob, d_entropy, d_squared, log_prob,          log_sum_exp,
                               entropy,    squared,   targets,   cap_of_logits(in), temperature};
  if (kept && !gradient.takes_rounded(in.bf16)) return fail("what was kept does not give this gradient");
  if (kept && kept_row != ceil_divide(vocabulary, kVocabularyTile) * kKeptTile) return fail("what was kept has another size");
  const HeadGradients out{d_hidden, d_head, d_bias};
  if (in.bf16) select_log_probs_back<RoundedBlock>(in, gradient, kept, out);
  else select_log_probs_back<Float32Block>(in, gradient, kept, out);
}
