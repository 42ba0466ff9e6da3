// SPDX-License-Identifier: Apache-2.0
// Of each token's probabilities [experts] the k largest, the largest first, of equal ones the first; then the tokens by
// expert: places[slot] is where choice slot = token·k + j stands among those of all experts, rows its inverse as tokens.

void RouteTokens::run() const {
  if (per_token > experts) return fail("more experts are to be chosen than there are");
  parallel_ranges(tokens, rows_per_task(experts), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; t++) {
      const float* const row = probabilities + t * experts;
      int32_t* const best = chosen + t * per_token;
      for (int64_t e = 0; e < experts; e++) {
        int64_t place = e < per_token ? e : per_token;
        while (place > 0 && row[e] > row[best[place - 1]]) place--;
        if (place == per_token) continue;
        const int64_t last = e < per_token ? e : per_token - 1;
        for (int64_t i = last; i > place; i--) best[i] = best[i - 1];
        best[place] = static_cast<int32_t>(e);
      }
      for (int64_t j = 0; j < per_token; j++) cells[t * per_token + j] = static_cast<int32_t>(t * experts + best[j]);
    }
  });
  const int64_t slots = tokens * per_token;
  for (int64_t e = 0; e <= experts; e++) starts[e] = 0;
  for (int64_t slot = 0; slot < slots; slot++) starts[chosen[slot] + 1]++;
  for (int64_t e = 0; e < experts; e++) starts[e + 1] += starts[e];
  Scratch scratch;
  int32_t* const next = scratch.take<int32_t>(experts);
  for (int64_t e = 0; e < experts; e++) next[e] = starts[e];
  for (int64_t slot = 0; slot < slots; slot++) {
    const int32_t place = next[chosen[slot]]++;
    places[slot] = place;
    rows[place] = static_cast<int32_t>(slot / per_token);
  }
}
