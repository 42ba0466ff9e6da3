// SPDX-License-Identifier: Apache-2.0
// The tokens that top-k, nucleus and min-p leave, likeliest first. Only as many are sorted as can be among them: weights
// are counted by their leading bits, of which the smallest that matter follows. Included inside the namespace of an
// instruction path.
#pragma once

/** As the op's options; 0, 1 and 0 do not limit. */
struct Limits {
  int64_t top_k;
  float top_p, min_p;

  bool hold() const { return top_k > 0 || top_p < 1.0f || min_p > 0.0f; }
};

struct Candidate {
  float weight;
  int32_t id;
};

/** Σ of each tile of weights, and of all. */
inline double sum_of_tiles(const float* weights, int64_t count, double* tiles) {
  double total = 0;
  for (int64_t first = 0; first < count; first += kVocabularyTile) {
    const int64_t width = smaller_size(kVocabularyTile, count - first);
    const double sum = sum_lanes(width, [&](int64_t at, int64_t lanes) { return load_lanes(weights + first + at, lanes); });
    tiles[first / kVocabularyTile] = sum, total += sum;
  }
  return total;
}

/** Classes of weights in [0, 1]: exponent and three bits of the fraction, which order as the weights do. */
constexpr int64_t kWeightClasses = (0x3F800000 >> 20) + 1;

inline int64_t class_of(float weight) {
  uint32_t bits;
  __builtin_memcpy(&bits, &weight, sizeof bits);
  return bits >> 20;
}

/** Likeliest first, of equal ones the lower id, which comes first in `items`. `room` is as long. */
inline void sort_by_weight(Candidate* items, Candidate* room, int64_t count) {
  for (int64_t run = 1; run < count; run *= 2) {
    for (int64_t first = 0; first < count; first += 2 * run) {
      const int64_t middle = smaller_size(first + run, count), end = smaller_size(first + 2 * run, count);
      int64_t left = first, right = middle;
      for (int64_t to = first; to < end; to++) {
        const bool takes_left = right == end || (left < middle && items[left].weight >= items[right].weight);
        room[to] = items[takes_left ? left++ : right++];
      }
    }
    memcpy(items, room, static_cast<size_t>(count) * sizeof(Candidate));
  }
}

struct Candidates {
  Candidate* items;
  int64_t count;

  double total() const {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += items[i].weight;
    return sum;
  }

  void keep(const float* weights, int64_t vocabulary, const Limits& limits) {
    Scratch scratch;
    double all = 0;
    const int64_t least = least_class(weights, vocabulary, limits, &all);
    count = 0;
    for (int64_t id = 0; id < vocabulary; id++) {
      if (class_of(weights[id]) >= least && weights[id] > 0) items[count++] = {weights[id], static_cast<int32_t>(id)};
    }
    sort_by_weight(items, scratch.take<Candidate>(count), count);
    if (limits.top_k > 0 && limits.top_k < count) count = limits.top_k;
    if (limits.top_p < 1.0f) count = nucleus(limits.top_k > 0 ? total() : all, limits.top_p);
    while (count > 1 && items[count - 1].weight < limits.min_p) count--;
  }

 private:
  /** No token of a lower class is left. */
  static int64_t least_class(const float* weights, int64_t vocabulary, const Limits& limits, double* all) {
    Scratch scratch;
    int64_t* const counts = scratch.take<int64_t>(kWeightClasses);
    double* const sums = scratch.take<double>(kWeightClasses);
    memset(counts, 0, kWeightClasses * sizeof(int64_t)), memset(sums, 0, kWeightClasses * sizeof(double));
    for (int64_t id = 0; id < vocabulary; id++) {
      const int64_t of = class_of(weights[id]);
      counts[of]++, sums[of] += weights[id], *all += weights[id];
    }
    // A sum in another order may fall short by its rounding, and then one class more is sorted.
    const double enough = limits.top_p < 1.0f && limits.top_k == 0 ? limits.top_p * *all * (1 + 1e-9) : 2 * *all;
    const int64_t wanted = limits.top_k > 0 ? limits.top_k : vocabulary;
    const bool sums_top_k = limits.top_k > 0 && limits.top_p < 1.0f;  // the nucleus is a share of all of them
    const int64_t lowest = sums_top_k ? 0 : class_of(limits.min_p);
    int64_t least = kWeightClasses - 1, taken = counts[least];
    for (double sum = sums[least]; least > lowest && taken < wanted && sum < enough;) least--, taken += counts[least], sum += sums[least];
    return least;
  }

  /** How many first reach the share together. */
  int64_t nucleus(double all, float share) const {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
      sum += items[i].weight / all;
      if (sum >= share) return i + 1;
    }
    return count;
  }
};
