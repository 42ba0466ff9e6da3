// SPDX-License-Identifier: Apache-2.0
// Sums over logits of a row, joined in a fixed order. Included inside the namespace of an instruction path.
#pragma once

/** Sums over a run of the vocabulary, relative to its maximum m: Σ e^(z−m), Σ e^(z−m)·z and Σ e^2(z−m). */
struct VocabularySums {
  float maximum, total, weighted, squared;

  void start() { maximum = -__builtin_inff(), total = weighted = squared = 0.0f; }
  void join(const VocabularySums& other) {
    const float most = other.maximum > maximum ? other.maximum : maximum;
    const float keep = maximum == most ? 1.0f : expf(maximum - most);
    const float take = other.maximum == most ? 1.0f : expf(other.maximum - most);
    total = total * keep + other.total * take;
    weighted = weighted * keep + other.weighted * take;
    squared = squared * keep * keep + other.squared * take * take;
    maximum = most;
  }
};

inline float largest_logit(const float* z, int64_t count) {
  Vec mosts = set(-__builtin_inff());
  int64_t i = 0;
  for (; i + kWidth <= count; i += kWidth) mosts = larger(mosts, load(z + i));
  float most = largest_of(mosts);
  for (; i < count; i++) most = z[i] > most ? z[i] : most;
  return most;
}

/** Words of a tile's exponentials where they are kept: bf16 pairs, then the maximum that they are relative to. */
constexpr int64_t kKeptPairs = 64, kKeptTile = kKeptPairs + 1;

/**
 * Joins the sums of `count` logits of one row, at most a tile of them where the exponentials are kept. NaN spreads to the
 * sums.
 */
inline void add_logits(VocabularySums* sums, const float* z, int64_t count, bool weighted, bool squared,
                       int32_t* kept = nullptr) {
  VocabularySums here;
  here.start();
  here.maximum = largest_logit(z, count);
  const Vec shift = set(here.maximum);
  Vec total = zero(), with_z = zero(), squares = zero();
  for (int64_t i = 0; i < count; i += kWidth) {
    const Vec value = load_lanes(z + i, count - i);
    Vec e = exponential_below(value - shift);
    if (count - i < kWidth) {  // lanes past the end do not count
      float lanes[kWidth] = {};
      store_part(lanes, e, static_cast<int>(count - i));
      e = load(lanes);
    }
    if (kept) store_bf16_lanes(reinterpret_cast<uint16_t*>(kept) + i, e, count - i);
    total = total + e;
    if (weighted) with_z = fma(e, value, with_z);
    if (squared) squares = fma(e, e, squares);
  }
  here.total = sum_of(total), here.weighted = sum_of(with_z), here.squared = sum_of(squares);
  if (kept) memcpy(kept + kKeptPairs, &here.maximum, sizeof(float));
  sums->join(here);
}
