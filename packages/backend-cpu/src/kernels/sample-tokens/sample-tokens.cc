// SPDX-License-Identifier: Apache-2.0
// One token for each row of logits [rows, V], and its log-prob. The choice is of the distribution that penalty, bans,
// temperature, top-k, nucleus and min-p leave, in this order; log-probs are those of the logits as they are, by the very
// sums of selected-log-probs. A task is a row; what it gives depends on that row alone.

#include "../selected-log-probs/sums.h"
#include "../selected-log-probs/tiles.h"
#include "shortlist.h"

/** log Σ exp z, joined as selected log-probs join it. */
float log_normalizer(const float* z, int64_t vocabulary) {
  VocabularySums all;
  for (int64_t begin = 0; begin < vocabulary; begin += kVocabularyRun) {
    const int64_t end = smaller_size(vocabulary, begin + kVocabularyRun);
    VocabularySums run;
    run.start();
    for (int64_t v = begin; v < end; v += kVocabularyTile) add_logits(&run, z + v, smaller_size(kVocabularyTile, end - v), false, false);
    if (begin == 0) all = run;
    else all.join(run);
  }
  return all.maximum + logf(all.total);
}

/** Of equal ones the first. */
int64_t likeliest(const float* z, int64_t vocabulary) {
  const float most = largest_logit(z, vocabulary);
  int64_t id = 0;
  while (id < vocabulary - 1 && z[id] != most) id++;
  return id;
}

/** The logits that are chosen from. */
void adjust(const SampleTokens& call, int64_t row, const float* z, float* adjusted) {
  memcpy(adjusted, z, static_cast<size_t>(call.vocabulary) * sizeof(float));
  for (int64_t i = call.seen_starts[row]; i < call.seen_starts[row + 1]; i++) {
    const int64_t id = call.seen[i];
    adjusted[id] = z[id] < 0 ? z[id] * call.repetition_penalty : z[id] / call.repetition_penalty;
  }
  for (int64_t i = call.banned_starts[row]; i < call.banned_starts[row + 1]; i++) adjusted[call.banned[i]] = -__builtin_inff();
}

/** Where a draw falls among all weights, taken in order of their ids. */
int64_t draw_from_all(const float* weights, int64_t vocabulary, float draw) {
  Scratch scratch;
  const int64_t tiles = ceil_divide(vocabulary, kVocabularyTile);
  double* const sums = scratch.take<double>(tiles);
  double rest = draw * sum_of_tiles(weights, vocabulary, sums);
  int64_t tile = 0;
  while (tile < tiles - 1 && rest - sums[tile] >= 0) rest -= sums[tile++];
  int64_t last = -1;
  for (int64_t id = tile * kVocabularyTile; id < smaller_size(vocabulary, (tile + 1) * kVocabularyTile); id++) {
    if (weights[id] == 0) continue;
    last = id, rest -= weights[id];
    if (rest < 0) return id;
  }
  return last >= 0 ? last : likeliest(weights, vocabulary);
}

int64_t draw_from_list(const Candidates& list, float draw) {
  double rest = draw * list.total();
  for (int64_t place = 0; place < list.count - 1; place++) {
    rest -= list.items[place].weight;
    if (rest < 0) return list.items[place].id;
  }
  return list.items[list.count - 1].id;
}

/** The chosen token, or −1 where none is left. */
int64_t choose_token(const SampleTokens& call, int64_t row, const float* z) {
  Scratch scratch;
  const int64_t vocabulary = call.vocabulary;
  float* const weights = scratch.take<float>(vocabulary);
  adjust(call, row, z, weights);
  const float most = largest_logit(weights, vocabulary);
  if (!(most > -__builtin_inff())) return -1;
  if (call.temperature == 0) return likeliest(weights, vocabulary);
  const Vec shift = set(most), temperature = set(call.temperature);
  map_lanes(vocabulary, weights, weights, [=](Vec value) { return exponential_below((value - shift) / temperature); });
  const Limits limits{call.top_k, call.top_p, call.min_p};
  if (!limits.hold()) return draw_from_all(weights, vocabulary, call.draws[row]);
  Candidates list{scratch.take<Candidate>(vocabulary), 0};
  list.keep(weights, vocabulary, limits);
  return draw_from_list(list, call.draws[row]);
}

bool are_lists(const int32_t* starts, const int32_t* ids, int64_t rows, int64_t count, int64_t vocabulary) {
  if (starts[0] != 0 || starts[rows] != count) return false;
  for (int64_t row = 0; row < rows; row++) {
    if (starts[row] > starts[row + 1]) return false;
  }
  for (int64_t i = 0; i < count; i++) {
    if (ids[i] < 0 || ids[i] >= vocabulary) return false;
  }
  return true;
}

void SampleTokens::run() const {
  if (vocabulary < 1) return fail("there is no token");
  if (!are_lists(seen_starts, seen, rows, seen_count, vocabulary) || !are_lists(banned_starts, banned, rows, banned_count, vocabulary)) {
    return fail("a list of tokens leaves its rows or the vocabulary");
  }
  parallel(rows, [&](int64_t row) {
    const float* const z = logits + row * vocabulary;
    const float normalizer = log_normalizer(z, vocabulary);
    const bool are_numbers = normalizer - normalizer == 0;
    ids[row] = are_numbers ? static_cast<int32_t>(choose_token(*this, row, z)) : -1;
    log_prob[row] = ids[row] < 0 ? normalizer - normalizer : z[ids[row]] - normalizer;
  });
}
