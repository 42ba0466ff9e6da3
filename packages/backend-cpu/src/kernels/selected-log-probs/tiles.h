// SPDX-License-Identifier: Apache-2.0
// Tiles of logits, shared by selected log-probs and their gradient. Included inside the namespace of an instruction path.
#pragma once

using LogitBlock = Float32Block;
constexpr int64_t kSelected = 1024;       // selected rows at a time: their packed hidden states stay in the shared cache
constexpr int64_t kVocabularyRun = 4096;  // a task's part of the vocabulary
constexpr int64_t kVocabularyTile = 128;  // columns whose packed head stays in the second-level cache
constexpr int64_t kRowTile = LogitBlock::kRows * (96 / LogitBlock::kRows);
static_assert(kVocabularyTile % LogitBlock::kColumns == 0 && kVocabularyRun % kVocabularyTile == 0);

inline bool selection_fits(Arguments& arguments, const int32_t* rows, const int32_t* targets, int64_t selected,
                           int64_t tokens, int64_t vocabulary) {
  for (int64_t i = 0; i < selected; i++) {
    if (rows[i] < 0 || rows[i] >= tokens) return arguments.fail("a row is out of range"), false;
    if (targets[i] < 0 || targets[i] >= vocabulary) return arguments.fail("a target is out of range"), false;
  }
  return true;
}

/** The selected rows of hidden, as they are [count, C] and packed as left factors. */
inline void gather_and_pack(const float* hidden, const int32_t* rows, int64_t count, int64_t columns, float* gathered,
                            LogitBlock::Element* packed, bool bf16) {
  parallel_ranges(count, kRowTile, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      memcpy(gathered + i * columns, hidden + rows[i] * columns, static_cast<size_t>(columns) * sizeof(float));
    }
    pack_rows_of_a<LogitBlock>(packed + begin * padded_depth<LogitBlock>(columns), rows_of(gathered, columns), begin,
                               end - begin, columns, {bf16, 1.0f});
  });
}

/** z = (h Wᵀ + b) / temperature: [rows, width] at stride kVocabularyTile. */
inline void logit_tile(const LogitBlock::Element* packed_h, const LogitBlock::Element* packed_head, int64_t rows,
                       int64_t width, int64_t columns, const float* bias, float temperature, float* tile) {
  multiply_packed<LogitBlock>(rows, width, columns, packed_h, packed_head, tile, kVocabularyTile,
                              bias ? Start::bias : Start::nothing, bias);
  if (temperature == 1.0f) return;
  const Vec divisor = set(temperature);
  for (int64_t i = 0; i < rows; i++) {
    float* const z = tile + i * kVocabularyTile;
    map_lanes(width, z, z, [=](Vec v) { return v / divisor; });
  }
}
