// SPDX-License-Identifier: Apache-2.0
// Log-probabilities of chosen tokens without the logits of a batch ever existing. With z = cap(h Wᵀ + b) / temperature for
// the selected rows of hidden [T, C] and head W [V, C] (float32 or bf16), L = log Σ exp z, p = exp(z − L), cap(z) = c·tanh(z / c) with a soft cap c, else z:
//   logProb = z_target − L,   entropy = L − Σ p z,   log-sum-squared = log Σ exp 2z − 2L.
// A task is a run of the vocabulary for up to kSelected rows; the runs' sums are joined in order. For the gradient the
// exponentials of each tile can be kept, in bf16 relative to the tile's maximum.

#include "sums.h"
#include "tiles.h"

struct SelectedOutputs {
  float *log_prob, *log_sum_exp, *entropy, *squared;  // [S] each; the latter two or null
  int32_t* kept;                                      // [S, tiles · kKeptTile] or null: exponentials for the gradient

  int32_t* kept_tile(int64_t row, int64_t tiles, int64_t tile) const {
    return kept ? kept + (row * tiles + tile) * kKeptTile : nullptr;
  }
};

template <class Block>
inline void select_log_probs(const Selection& in, const SelectedOutputs& out) {
  using Element = typename Block::Element;
  constexpr int64_t kRows = row_tile<Block>(96);
  const int64_t columns = in.columns, vocabulary = in.vocabulary;
  const int64_t runs = ceil_divide(vocabulary, kVocabularyRun), tiles = ceil_divide(vocabulary, kVocabularyTile);
  Scratch scratch;
  const int64_t most_rows = smaller_size(in.selected, kSelected);
  float* const gathered = scratch.take<float>(most_rows * columns);
  Element* const packed_h = scratch.take<Element>(packed_a_size<Block>(most_rows, columns));
  VocabularySums* const sums = scratch.take<VocabularySums>(runs * most_rows);
  float* const target_logits = scratch.take<float>(most_rows);
  for (int64_t first = 0; first < in.selected; first += kSelected) {
    const int64_t count = smaller_size(kSelected, in.selected - first);
    gather_and_pack<Block>(in.hidden, in.rows + first, count, columns, gathered, packed_h, in.bf16);
    parallel(runs, [&](int64_t run) {
      const int64_t begin = run * kVocabularyRun, end = smaller_size(vocabulary, begin + kVocabularyRun);
      VocabularySums* const of_run = sums + run * most_rows;
      for (int64_t i = 0; i < count; i++) of_run[i].start();
      Scratch own;
      Element* const packed_head = own.take<Element>(packed_b_size<Block>(kVocabularyTile, columns));
      float* const tile = own.take<float>(kRows * kVocabularyTile);
      for (int64_t v = begin; v < end; v += kVocabularyTile) {
        const int64_t width = smaller_size(kVocabularyTile, end - v);
        pack_columns_of_b<Block>(packed_head, rows_of(in.head, columns), v, width, columns, {in.bf16, 1.0f});
        for (int64_t row = 0; row < count; row += kRows) {
          const int64_t tile_rows = smaller_size(kRows, count - row);
          logit_tile<Block>(in, packed_h + row * padded_depth<Block>(columns), packed_head, tile_rows, width,
                            in.bias ? in.bias + v : nullptr, tile);
          for (int64_t i = 0; i < tile_rows; i++) {
            add_logits(&of_run[row + i], tile + i * kVocabularyTile, width, out.entropy != nullptr, out.squared != nullptr,
                       out.kept_tile(first + row + i, tiles, v / kVocabularyTile));
            const int64_t target = in.targets[first + row + i] - v;
            if (target >= 0 && target < width) target_logits[row + i] = tile[i * kVocabularyTile + target];
          }
        }
      }
    });
    for (int64_t i = 0; i < count; i++) {
      VocabularySums all = sums[i];
      for (int64_t run = 1; run < runs; run++) all.join(sums[run * most_rows + i]);
      const float normalizer = all.maximum + logf(all.total);
      out.log_prob[first + i] = target_logits[i] - normalizer;
      out.log_sum_exp[first + i] = normalizer;
      if (out.entropy) out.entropy[first + i] = normalizer - all.weighted / all.total;
      if (out.squared) out.squared[first + i] = logf(all.squared) - 2.0f * logf(all.total);
    }
  }
}

void SelectedLogProbs::run() const {
  const Selection in = selection_of(*this);
  if (const char* const reason = unfit(in)) return fail(reason);
  if (keep && kept_row != ceil_divide(vocabulary, kVocabularyTile) * kKeptTile) return fail("what is kept has another size");
  const SelectedOutputs out{log_prob, log_sum_exp, entropy, squared, keep};
  if (in.bf16) select_log_probs<RoundedBlock>(in, out);
  else select_log_probs<Float32Block>(in, out);
}
