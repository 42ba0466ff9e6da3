// SPDX-License-Identifier: Apache-2.0
// Numbers as dynamic 8-bit codes in blocks that share a scale, their largest magnitude (nn's weights/dynamic-blocks.ts, to
// the bit, denormals included). `book` ascends; the search of a code begins at `first` of the upper half of the bits.

constexpr int64_t kTaskNumbers = 32 << 10;

/** Whole blocks of about kTaskNumbers. */
inline int64_t numbers_per_task(int64_t block_size) {
  return block_size * (block_size < kTaskNumbers ? kTaskNumbers / block_size : 1);
}

/** The code of the nearest value, the lower one of two that are as near. NaN has the code of the greatest. */
inline uint8_t dynamic_code(const float* book, const uint8_t* first, float wanted) {
  uint32_t bits;
  memcpy(&bits, &wanted, sizeof bits);
  int code = first[bits >> 16];
  while (code < 255 && book[code + 1] <= wanted) code++;
  if (code == 255) return 255;
  return static_cast<uint8_t>(code + (fabsf(wanted - book[code + 1]) < fabsf(wanted - book[code])));
}

void PackDynamic::run() const {
  parallel_ranges(count, numbers_per_task(block_size), [&](int64_t begin, int64_t end) {
    const KeepDenormals keep;
    const float shift = static_cast<float>(offset);  // here, where a denormal one is kept
    for (int64_t start = begin; start < end; start += block_size) {
      const int64_t stop = smaller_size(end, start + block_size);
      float most = 0;
      for (int64_t i = start; i < stop; i++) {
        const float size = fabsf(values[i] - shift);
        most = size > most || size != size ? size : most;  // NaN stays
      }
      scales[start / block_size] = most;
      for (int64_t i = start; i < stop; i++) {
        codes[i] = dynamic_code(book, first, most == 0 ? 0.0f : (values[i] - shift) / most);
      }
    }
  });
}

void ExpandDynamic::run() const {
  parallel_ranges(count, numbers_per_task(block_size), [&](int64_t begin, int64_t end) {
    const KeepDenormals keep;
    for (int64_t start = begin; start < end; start += block_size) {
      const float scale = scales[start / block_size];
      for (int64_t i = start, stop = smaller_size(end, start + block_size); i < stop; i++) values[i] = book[codes[i]] * scale;
    }
  });
}
