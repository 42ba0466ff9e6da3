// SPDX-License-Identifier: Apache-2.0
// Tiles of logits, shared by selected log-probs and their gradient. Included inside the namespace of an instruction path.
#pragma once
#include "sums.h"

constexpr int64_t kSelected = 1024;       // selected rows at a time: their packed hidden states stay in the shared cache
constexpr int64_t kVocabularyRun = 4096;  // a task's part of the vocabulary
constexpr int64_t kVocabularyChunk = 512;  // columns whose head is packed for both products before the rows are worked on
constexpr int64_t kVocabularyTile = 128;  // columns whose packed head stays in the second-level cache
static_assert(kVocabularyTile % Float32Block::kColumns == 0 && kVocabularyTile % RoundedBlock::kColumns == 0);
static_assert(2 * kKeptPairs == kVocabularyTile);
static_assert(kVocabularyRun % kVocabularyChunk == 0 && kVocabularyChunk % kVocabularyTile == 0);

/** Rows whose tile of logits stays in the second-level cache: about `wanted`, whole blocks. */
template <class Block>
constexpr int64_t row_tile(int64_t wanted) {
  return Block::kRows * (wanted / Block::kRows);
}

/**
 * Rows per task, whole blocks up to about 96, such that the threads finish together when they take tasks in order.
 * Results do not depend on it.
 */
template <class Block>
inline int64_t balanced_tile(int64_t count) {
  int64_t best = Block::kRows, least = 0;
  for (int64_t tile = Block::kRows; tile <= row_tile<Block>(96); tile += Block::kRows) {
    const int64_t whole = count / tile, turns = ceil_divide(whole, threads()) * tile;
    const int64_t time = whole % threads() == 0 ? turns + count % tile : turns;
    if (tile == Block::kRows || time <= least) best = tile, least = time;
  }
  return best;
}

/** What selected log-probs and their gradient read. */
struct Selection {
  int64_t tokens, columns, vocabulary, selected;
  float soft_cap, temperature;
  const float* hidden;   // [tokens, columns]
  Storage head;          // [vocabulary, columns]
  const float* bias;     // [vocabulary] or null
  const int32_t *rows, *targets;
  bool bf16;             // factors are rounded to bf16
};

/** Of a call of log-probs, their slope or their gradient. */
template <class Call>
inline Selection selection_of(const Call& call) {
  const bool bf16 = call.rounds;
  return {call.tokens, call.columns, call.vocabulary, call.selected, call.soft_cap, call.temperature, call.hidden,
          call.head,   call.bias,    call.rows,       call.targets,  bf16};
}

/** Null, or why not. */
inline const char* unfit(const Selection& s) {
  for (int64_t i = 0; i < s.selected; i++) {
    if (s.rows[i] < 0 || s.rows[i] >= s.tokens) return "a row is out of range";
    if (s.targets[i] < 0 || s.targets[i] >= s.vocabulary) return "a target is out of range";
  }
  return nullptr;
}

/** The selected rows of hidden, as they are [count, C] and packed as left factors. */
template <class Block>
inline void gather_and_pack(const float* hidden, const int32_t* rows, int64_t count, int64_t columns, float* gathered,
                            typename Block::Element* packed, bool bf16) {
  parallel_ranges(count, row_tile<Block>(96), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      memcpy(gathered + i * columns, hidden + rows[i] * columns, static_cast<size_t>(columns) * sizeof(float));
    }
    pack_rows_of_a<Block>(packed + begin * padded_depth<Block>(columns), rows_of(gathered, columns), begin,
                               end - begin, columns, {bf16, 1.0f});
  });
}

/** h Wᵀ + b becomes the logits: capped, and divided by the temperature. */
inline void finish_logits(const Selection& in, float* z, int64_t count) {
  const Vec cap = set(in.soft_cap), divisor = set(in.temperature);
  if (in.soft_cap != 0.0f) map_lanes(count, z, z, [=](Vec value) { return soft_capped(value, cap); });
  if (in.temperature != 1.0f) map_lanes(count, z, z, [=](Vec value) { return value / divisor; });
}

/** The logits' own soft cap, behind the temperature. */
inline float cap_of_logits(const Selection& in) { return in.soft_cap / in.temperature; }

/** The logits of `rows`, [rows, width] at stride kVocabularyTile, of words whose bias begins at `bias`. */
template <class Block>
inline void logit_tile(const Selection& in, const typename Block::Element* packed_h,
                       const typename Block::Element* packed_head, int64_t rows, int64_t width, const float* bias, float* tile) {
  multiply_packed<Block>(rows, width, in.columns, packed_h, packed_head, tile, kVocabularyTile,
                         bias ? Start::bias : Start::nothing, bias);
  for (int64_t i = 0; i < rows; i++) finish_logits(in, tile + i * kVocabularyTile, width);
}

/** Words [v, v + width) of the head as right factors of h Wᵀ (depth C), unless null, and of dz W (depth `width`). */
template <class Block>
inline void pack_head_chunk(const Selection& in, int64_t v, int64_t width, typename Block::Element* for_logits,
                            typename Block::Element* for_hidden) {
  const int64_t columns = in.columns;
  const Storage words = in.head.from(v * columns);
  const int64_t logit_panels = for_logits ? ceil_divide(width, Block::kColumns) : 0, hidden_panels = ceil_divide(columns, Block::kColumns);
  parallel(logit_panels + hidden_panels, [&](int64_t panel) {
    if (panel < logit_panels) {
      const int64_t word = panel * Block::kColumns;
      pack_columns_of_b<Block>(for_logits + word * padded_depth<Block>(columns), rows_of(words, columns), word,
                               smaller_size(Block::kColumns, width - word), columns, {in.bf16, 1.0f});
    } else {
      const int64_t column = (panel - logit_panels) * Block::kColumns;
      pack_columns_of_b<Block>(for_hidden + column * padded_depth<Block>(width), columns_of(words, columns), column,
                               smaller_size(Block::kColumns, columns - column), width, {in.bf16, 1.0f});
    }
  });
}
