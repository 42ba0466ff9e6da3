// SPDX-License-Identifier: Apache-2.0
// Tiles of logits, shared by selected log-probs and their gradient. Included inside the namespace of an instruction path.
#pragma once

constexpr int64_t kSelected = 1024;       // selected rows at a time: their packed hidden states stay in the shared cache
constexpr int64_t kVocabularyRun = 4096;  // a task's part of the vocabulary
constexpr int64_t kVocabularyTile = 128;  // columns whose packed head stays in the second-level cache
static_assert(kVocabularyTile % Float32Block::kColumns == 0 && kVocabularyTile % RoundedBlock::kColumns == 0);
static_assert(kVocabularyRun % kVocabularyTile == 0);

/** Rows whose tile of logits stays in the second-level cache: about `wanted`, whole blocks. */
template <class Block>
constexpr int64_t row_tile(int64_t wanted) {
  return Block::kRows * (wanted / Block::kRows);
}

/** What selected log-probs and their gradient read. */
struct Selection {
  int64_t tokens, columns, vocabulary, selected;
  float temperature;
  const float* hidden;   // [tokens, columns]
  Storage head;          // [vocabulary, columns]
  const float* bias;     // [vocabulary] or null
  const int32_t *rows, *targets;
  bool bf16;             // factors are rounded to bf16
};

inline bool selection_fits(Arguments& arguments, const Selection& s) {
  for (int64_t i = 0; i < s.selected; i++) {
    if (s.rows[i] < 0 || s.rows[i] >= s.tokens) return arguments.fail("a row is out of range"), false;
    if (s.targets[i] < 0 || s.targets[i] >= s.vocabulary) return arguments.fail("a target is out of range"), false;
  }
  return true;
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

/** z = (h Wᵀ + b) / temperature: [rows, width] at stride kVocabularyTile. */
template <class Block>
inline void logit_tile(const typename Block::Element* packed_h, const typename Block::Element* packed_head, int64_t rows,
                       int64_t width, int64_t columns, const float* bias, float temperature, float* tile) {
  multiply_packed<Block>(rows, width, columns, packed_h, packed_head, tile, kVocabularyTile,
                              bias ? Start::bias : Start::nothing, bias);
  if (temperature == 1.0f) return;
  const Vec divisor = set(temperature);
  for (int64_t i = 0; i < rows; i++) {
    float* const z = tile + i * kVocabularyTile;
    map_lanes(width, z, z, [=](Vec v) { return v / divisor; });
  }
}
