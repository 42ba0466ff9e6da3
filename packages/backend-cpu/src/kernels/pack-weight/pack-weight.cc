// SPDX-License-Identifier: Apache-2.0
// Weights in fewer bits, by the rules of nn's weight formats (RoundingRule) and to the bit what their `pack` gives in
// TypeScript, denormals included. A block or a row that holds what is no finite number says so, and has codes of no meaning.

constexpr int64_t kTaskWeights = 64 << 10;
constexpr float kLeastScale = 1e-38f;  // of a block; else the inverse of its scale were infinite
constexpr int kBounds = 15;

/** The bits of |value|. */
inline uint32_t magnitude_word(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits & 0x7fffffffu;
}

/** The largest magnitude. Sets `finite` to 0 where it is none: bits of magnitudes are in their order, NaN last. */
inline float largest_magnitude(const float* values, int64_t count, int32_t* finite) {
  uint32_t most = 0;
  for (int64_t i = 0; i < count; i++) {
    const uint32_t bits = magnitude_word(values[i]);
    most = bits > most ? bits : most;
  }
  if (most >= 0x7f800000u) __atomic_store_n(finite, 0, __ATOMIC_RELAXED);
  float value;
  memcpy(&value, &most, sizeof value);
  return value;
}

/** For each value the number of bounds below it. */
inline void count_below(const float* bounds, const float* values, int64_t count, int32_t* below) {
  for (int64_t i = 0; i < count; i++) below[i] = 0;
  for (int b = 0; b < kBounds; b++) {
    const float bound = bounds[b];
    for (int64_t i = 0; i < count; i++) below[i] += bound < values[i];
  }
}

/** As `count_below` for kRun values at a time, which stay in registers. */
inline void codes_of(const float* bounds, const uint8_t* order, const float* values, int64_t count, uint8_t* codes) {
  constexpr int64_t kRun = 64;
  int32_t below[kRun];
  for (int64_t i = 0; i < count; i += kRun) {
    const int64_t taken = smaller_size(kRun, count - i);
    if (taken == kRun) count_below(bounds, values + i, kRun, below);
    else count_below(bounds, values + i, taken, below);
    for (int64_t j = 0; j < taken; j++) codes[i + j] = order[below[j]];
  }
}

void PackNearest::run() const {
  const int64_t per_task = block_size * (block_size < kTaskWeights ? kTaskWeights / block_size : 1);
  if (block_size % 2 != 0) return fail("a block of an odd number of weights");
  parallel_ranges(count, per_task, [&](int64_t begin, int64_t end) {
    const KeepDenormals keep;
    Scratch scratch;
    float* const values = scratch.take<float>(block_size);
    uint8_t* const taken = scratch.take<uint8_t>(block_size + 1);
    const Storage from = weight;
    for (int64_t first = begin; first < end; first += block_size) {
      const int64_t size = smaller_size(block_size, end - first);
      const bool whole = size == block_size;
      expand_run(from, first, size, values);
      const float most = largest_magnitude(values, size, is_finite);
      const float divisor = most > kLeastScale ? most : kLeastScale, factor = 1.0f / divisor;
      scales[first / block_size] = whole ? most : divisor;
      if (whole)
        for (int64_t i = 0; i < size; i++) values[i] *= factor;
      else
        for (int64_t i = 0; i < size; i++) values[i] /= divisor;
      codes_of(bounds, order, values, size, taken);
      if (size % 2 == 1) {
        const float nothing = 0.0f;
        codes_of(bounds, order, &nothing, 1, taken + size);
      }
      uint8_t* const to = codes + first / 2;
      for (int64_t i = 0; 2 * i < size; i++) to[i] = static_cast<uint8_t>(taken[2 * i] << 4 | taken[2 * i + 1]);
    }
  });
}

inline int8_t within_127(float nearest) { return static_cast<int8_t>(nearest > 127 ? 127 : nearest < -127 ? -127 : nearest); }

void PackRows::run() const {
  const int64_t per_task = ceil_divide(kTaskWeights, columns > 0 ? columns : 1);
  parallel_ranges(rows, per_task, [&](int64_t begin, int64_t end) {
    const KeepDenormals keep;
    Scratch scratch;
    float* const values = scratch.take<float>(columns);
    for (int64_t row = begin; row < end; row++) {
      int8_t* const to = reinterpret_cast<int8_t*>(codes) + row * columns;
      expand_run(weight, row * columns, columns, values);
      const float most = largest_magnitude(values, columns, is_finite), factor = 127.0f / most;
      scales[row] = most;
      if (most == 0) {
        memset(to, 0, static_cast<size_t>(columns));
      } else if (factor < __builtin_inff()) {
        for (int64_t i = 0; i < columns; i++) to[i] = within_127(rintf(values[i] * factor));
      } else {  // a denormal has no finite inverse: in double precision
        for (int64_t i = 0; i < columns; i++) to[i] = within_127(static_cast<float>(rint(static_cast<double>(values[i]) / most * 127)));
      }
    }
  });
}
