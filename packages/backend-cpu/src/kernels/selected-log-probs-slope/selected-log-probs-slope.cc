// SPDX-License-Identifier: Apache-2.0
// Log-probabilities of chosen tokens and their slope by the hidden state, from logits that are computed once:
//   slope = (W_target − Σ_v p_v W_v) / temperature = ((1 − p_target) W_target − Σ_{v ≠ target} p_v W_v) / temperature.
// With a soft cap, each W is times the cap's slope at its logit.
// The sum is attention with W as keys and values, so it is kept relative to a running maximum (Dao et al.,
// "FlashAttention", 2022). The target is left out of it: rounded to bf16, p_target near 1 would not cancel against W_target.
// logProb has the bits of selected-log-probs.cc, whose sums these are.

#include "../selected-log-probs/sums.h"
#include "../selected-log-probs/tiles.h"

/** What a row carries from one part of the vocabulary to the next. */
struct SlopeRow {
  VocabularySums all, run;  // of logits: runs joined so far, and the one at hand
  float shift;              // exponentials of the weighted sum are relative to it
  float others;             // Σ_{v ≠ target} e^(z − shift)
  float target_logit;
  float target_slope;       // of the soft cap; 1 without one

  void start() {
    all.start(), run.start();
    shift = -__builtin_inff(), others = 0.0f, target_logit = 0.0f, target_slope = 1.0f;
  }
  /** Takes the logits of words from v on in; the run's place must match selected-log-probs.cc. */
  void add(const float* z, int64_t v, int64_t width) {
    if (v % kVocabularyRun == 0) join_run(), run.start();
    for (int64_t tile = 0; tile < width; tile += kVocabularyTile) {
      add_logits(&run, z + tile, smaller_size(kVocabularyTile, width - tile), false, false);
    }
  }
  void join_run() {
    if (run.total == 0.0f && run.maximum == -__builtin_inff()) return;  // the first run has not begun
    if (all.maximum == -__builtin_inff()) all = run;
    else all.join(run);
  }
};

/**
 * z becomes e^(z − shift), times the slope of its soft cap where there is one, the target's 0; returns the factor of what
 * was summed before.
 */
inline float weigh_logits(SlopeRow* row, float* z, int64_t width, int64_t target, float cap) {
  float slopes[kVocabularyChunk];
  const bool has_target = target >= 0 && target < width;
  if (cap != 0.0f) map_lanes(width, z, slopes, [=](Vec value) { return soft_cap_slope(value, set(cap)); });
  if (has_target) row->target_logit = z[target];
  if (has_target && cap != 0.0f) row->target_slope = slopes[target];
  const float most = largest_logit(z, width);
  if (most == -__builtin_inff() && row->shift == most) {  // nothing that counts so far
    memset(z, 0, static_cast<size_t>(width) * sizeof(float));
    return 1.0f;
  }
  const float keep = most > row->shift ? expf(row->shift - most) : 1.0f;
  if (most > row->shift) row->shift = most;
  const Vec shift = set(row->shift);
  map_lanes(width, z, z, [=](Vec value) { return exponential_below(value - shift); });
  if (has_target) z[target] = 0.0f;
  row->others = row->others * keep + sum_lanes(width, [&](int64_t i, int64_t n) { return load_lanes(z + i, n); });
  for (int64_t i = 0; cap != 0.0f && i < width; i += kWidth) {
    store_lanes(z + i, load_lanes(z + i, width - i) * load_lanes(slopes + i, width - i), width - i);
  }
  return keep;
}

template <class Block>
inline void select_log_probs_with_slope(const Selection& in, float* log_prob, float* slope) {
  using Element = typename Block::Element;
  const int64_t columns = in.columns, vocabulary = in.vocabulary;
  Scratch scratch;
  const int64_t most_rows = smaller_size(in.selected, kSelected), chunk = smaller_size(vocabulary, kVocabularyChunk);
  float* const gathered = scratch.take<float>(most_rows * columns);
  Element* const packed_h = scratch.take<Element>(packed_a_size<Block>(most_rows, columns));
  Element* const for_logits = scratch.take<Element>(packed_b_size<Block>(chunk, columns));
  Element* const for_hidden = scratch.take<Element>(packed_b_size<Block>(columns, chunk));
  SlopeRow* const state = scratch.take<SlopeRow>(most_rows);
  for (int64_t first = 0; first < in.selected; first += kSelected) {
    const int64_t count = smaller_size(kSelected, in.selected - first);
    gather_and_pack<Block>(in.hidden, in.rows + first, count, columns, gathered, packed_h, in.bf16);
    for (int64_t i = 0; i < count; i++) state[i].start();
    for (int64_t v = 0; v < vocabulary; v += kVocabularyChunk) {
      const int64_t width = smaller_size(kVocabularyChunk, vocabulary - v);
      pack_head_chunk<Block>(in, v, width, for_logits, for_hidden);
      parallel_ranges(count, balanced_tile<Block>(count), [&](int64_t begin, int64_t end) {
        const int64_t tile_rows = end - begin;
        Scratch own;
        float* const z = own.take<float>(tile_rows * width);
        Element* const packed_p = own.take<Element>(packed_a_size<Block>(tile_rows, width));
        multiply_packed<Block>(tile_rows, width, columns, packed_h + begin * padded_depth<Block>(columns), for_logits, z,
                               width, in.bias ? Start::bias : Start::nothing, in.bias ? in.bias + v : nullptr);
        for (int64_t i = 0; i < tile_rows; i++) {
          SlopeRow& row = state[begin + i];
          float* const of_row = z + i * width;
          finish_logits(in, of_row, width);
          row.add(of_row, v, width);
          const float keep = weigh_logits(&row, of_row, width, in.targets[first + begin + i] - v, cap_of_logits(in));
          if (v > 0 && keep != 1.0f) {
            float* const sums = slope + (first + begin + i) * columns;
            map_lanes(columns, sums, sums, [=](Vec sum) { return sum * set(keep); });
          }
        }
        pack_rows_of_a<Block>(packed_p, rows_of(z, width), 0, tile_rows, width, {in.bf16, 1.0f});
        multiply_packed<Block>(tile_rows, columns, width, packed_p, for_hidden, slope + (first + begin) * columns, columns,
                               v == 0 ? Start::nothing : Start::values);
      });
    }
    parallel_ranges(count, rows_per_task(columns), [&](int64_t begin, int64_t end) {
      Scratch own;
      float* const of_word = own.take<float>(columns);
      for (int64_t i = begin; i < end; i++) {
        SlopeRow& row = state[i];
        row.join_run();
        log_prob[first + i] = row.target_logit - (row.all.maximum + logf(row.all.total));
        // Relative to the shift: e^(z_target − shift) and the others' sum.
        const float of_target = expf(row.target_logit - row.shift), total = of_target + row.others;
        const Vec rest = set(row.others / total * row.target_slope), share = set(1.0f / total), divisor = set(in.temperature);
        expand_run(in.head, in.targets[first + i] * columns, columns, of_word);
        float* const to = slope + (first + i) * columns;
        for (int64_t c = 0; c < columns; c += kWidth) {
          const int64_t n = columns - c;
          const Vec exact = load_lanes(of_word + c, n), weight = in.bf16 ? round_to_bf16(exact) : exact;
          store_lanes(to + c, (rest * weight - load_lanes(to + c, n) * share) / divisor, n);
        }
      }
    });
  }
}

void SelectedLogProbsSlope::run() const {
  const Selection in = selection_of(*this);
  if (const char* const reason = unfit(in)) return fail(reason);
  if (in.bf16) select_log_probs_with_slope<RoundedBlock>(in, log_prob, slope);
  else select_log_probs_with_slope<Float32Block>(in, log_prob, slope);
}
