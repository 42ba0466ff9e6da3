// SPDX-License-Identifier: Apache-2.0
// Products with at most four rows, straight from a weight as it is kept: 32 bits each of kWidth rows of B are transposed,
// taken apart into elements that follow each other along k, and multiplied at once; no panel exists. The sums are the
// chains of few-rows.h. Included inside the namespace of an instruction path.

constexpr int kFewestRows = 4;
constexpr int64_t kShortestRun = 32;  // of elements that share a scale

/** Two bf16 in 32 bits. */
struct HalfWords {
  static constexpr int kPerWord = 2;
  static constexpr bool kArePairs = true;
  static bool fits(const Factor& b) { return b.type == ElementType::u16 && b.outer_stride % kPerWord == 0; }
  static const char* bytes_at(const Factor& b, int64_t element) { return static_cast<const char*>(b.data) + 2 * element; }
  HalfWords(const Storage&, int64_t, int64_t, int64_t, int64_t, int64_t, float*) {}
  void elements(Vec word, int64_t, int64_t, Vec* to) const { to[0] = low_of_pairs(word), to[1] = high_of_pairs(word); }
};

/** Four integers in 32 bits, a scale a row: as expand_eight_bits. */
struct ByteWords {
  static constexpr int kPerWord = 4;
  static constexpr bool kArePairs = false;
  static bool fits(const Factor& b) {
    const int64_t row = b.packed.parts.run;
    return b.type == ElementType::eight_bits && row == b.outer_stride && row % (2 * kPerWord) == 0 && b.packed.start % row == 0;
  }
  static const char* bytes_at(const Factor& b, int64_t element) {
    return static_cast<const char*>(b.packed.parts.codes) + b.packed.start + element;
  }
  const float* scales;
  ByteWords(const Storage& from, int64_t column, int64_t, int64_t row, int64_t, int64_t, float*) : scales(from.parts.scales + from.start / row + column) {}
  void elements(Vec word, int64_t, int64_t lane, Vec* to) const {
    const Vec scale = load(scales + lane), per_code = set(0.00787401574f);
    for (int i = 0; i < kPerWord; i++) to[i] = int8_of_words(word, i) * scale * per_code;
  }
};

/** The exponent of a power of two. */
inline int64_t bits_of(int64_t power) {
  int64_t bits = 0;
  while (power >> (bits + 1) != 0) bits++;
  return bits;
}

/** Of kWidth rows the scales of `count` blocks from `block` on, the next row's `blocks` further on; as block_scale. */
inline void load_scales(Vec* tile, const PackedParts& parts, int64_t block, int64_t blocks, int64_t count) {
  if (parts.scales) {
    for (int i = 0; i < kWidth; i++) tile[i] = load_lanes(parts.scales + block + i * blocks, count);
    return;
  }
  const Vec offset = set(parts.scale_offset[0]);
  for (int i = 0; i < kWidth; i++) {
    const int64_t begin = block + i * blocks;
    const Vec rest = entries_of(parts.scale_book, parts.scale_codes + begin, count);
    if (begin / 256 == (begin + count - 1) / 256) {
      tile[i] = rest * set(parts.nested_scales[begin / 256]) + offset;
      continue;
    }
    float nested[kWidth] = {};
    for (int64_t b = 0; b < count; b++) nested[b] = parts.nested_scales[(begin + b) / 256];
    tile[i] = rest * load(nested) + offset;
  }
}

/** Eight codes in 32 bits, a scale a block: as expand_four_bits. */
struct NibbleWords {
  static constexpr int kPerWord = 8;
  static constexpr bool kArePairs = false;
  static bool fits(const Factor& b) {
    const int64_t run = b.packed.parts.run;
    const bool is_power_of_two = (run & (run - 1)) == 0;
    return b.type == ElementType::four_bits && run >= kShortestRun && is_power_of_two && b.outer_stride % run == 0 && b.packed.start % run == 0;
  }
  static const char* bytes_at(const Factor& b, int64_t element) {
    return static_cast<const char*>(b.packed.parts.codes) + (b.packed.start + element) / 2;
  }
  const float *book, *scales;  // [blocks of a row from `first` on, columns]
  int64_t run_bits, columns, first;

  NibbleWords(const Storage& from, int64_t column, int64_t columns, int64_t row, int64_t k0, int64_t end, float* room)
      : book(from.parts.book), scales(room), run_bits(bits_of(from.parts.run)), columns(columns), first(k0 >> run_bits) {
    const int64_t blocks = ((end - 1) >> run_bits) + 1 - first;
    for (int64_t block = 0; block < blocks; block += kWidth) {
      const int64_t taken = smaller_size(kWidth, blocks - block);
      for (int64_t c = 0; c < columns; c += kWidth) {
        Vec tile[kWidth];
        load_scales(tile, from.parts, ((from.start + (column + c) * row) >> run_bits) + first + block, row >> run_bits, taken);
        transpose(tile);
        for (int64_t i = 0; i < taken; i++) store(room + (block + i) * columns + c, tile[i]);
      }
    }
  }

  /** Of all columns, of the block that k is in. */
  const float* scales_at(int64_t k) const { return scales + ((k >> run_bits) - first) * columns; }
  void elements(Vec word, int64_t k, int64_t lane, Vec* to) const {
    const Vec scale = load(scales_at(k) + lane);
#pragma GCC unroll 8
    for (int i = 0; i < kPerWord; i++) to[i] = look_up_words(book, word, 8 * (i / 2) + (i % 2 == 0 ? 4 : 0)) * scale;
  }
};

/** How words of a piece of B come to be near. */
struct Reading {
  bool is_asked_for;  // in the second-level cache by now; else they are asked for a little before they are read
  Ahead ahead;        // the piece that is read next
};

/** Asks for a line of each row. */
template <int kRows>
inline void ask_for_rows(const char* from, int64_t row_bytes) {
  for (int i = 0; i < kRows; i++) __builtin_prefetch(from + i * row_bytes, 0, 3);
}

/** `count` words of kWidth rows, transposed: the w-th of them in block[w]. */
template <bool kWhole>
inline __attribute__((always_inline)) void load_words(Vec (&block)[kWidth], const char* from, int64_t row_bytes, int64_t count) {
#pragma GCC unroll 16
  for (int i = 0; i < kWidth; i++) {
    const float* const words = reinterpret_cast<const float*>(from + i * row_bytes);
    block[i] = kWhole ? load(words) : load_lanes(words, count);
  }
  transpose(block);
}

/** Goes on with the sums [kTaken, kColumns] of the first rows of panel `a` over k in [k0, end) of whole columns of B. */
template <class Block, class Words, int kTaken>
inline void add_words(const typename Block::Element* a, const Factor& b, int64_t column, int64_t k0, int64_t end, bool bf16,
                      const Words& words, Reading reading, float* to) {
  constexpr int64_t kStep = kWidth * Words::kPerWord, kBytesAhead = Words::kArePairs ? 512 : 256;
  reading.ahead.spread((end - k0 + kStep - 1) / kStep);
  const int64_t row_bytes = Words::bytes_at(b, b.outer_stride) - Words::bytes_at(b, 0);
  const int64_t step_bytes = kWidth * static_cast<int64_t>(sizeof(float));
  Vec sums[kTaken][Block::kVectors];
  for (int i = 0; i < kTaken; i++)
    for (int g = 0; g < Block::kVectors; g++) sums[i][g] = load(to + i * Block::kColumns + g * kWidth);
  int64_t k = k0;
  const char* from = Words::bytes_at(b, column * b.outer_stride + k0);
  for (; k + kStep <= end; k += kStep, from += step_bytes) {
    reading.ahead.turn();
    if (!reading.is_asked_for) ask_for_rows<Block::kColumns>(from + kBytesAhead, row_bytes);
    Vec block[Block::kVectors][kWidth];
#pragma GCC unroll 4
    for (int g = 0; g < Block::kVectors; g++) {
      load_words<true>(block[g], from + g * kWidth * row_bytes, row_bytes, kWidth);
      if constexpr (Words::kArePairs) {  // while they are in registers
#pragma GCC unroll 16
        for (int w = 0; w < kWidth; w++) Block::template add_word<kTaken>(sums, g, words, block[g][w], k + w * Words::kPerWord, bf16, a);
      }
    }
#pragma GCC unroll 1
    for (int w = 0; !Words::kArePairs && w < kWidth; w++) {
      for (int g = 0; g < Block::kVectors; g++) Block::template add_word<kTaken>(sums, g, words, block[g][w], k + w * Words::kPerWord, bf16, a);
    }
  }
  const int64_t count = (end - k) / Words::kPerWord;
  for (int g = 0; count > 0 && g < Block::kVectors; g++) {
    Vec block[kWidth];
    load_words<false>(block, from + g * kWidth * row_bytes, row_bytes, count);
    for (int64_t w = 0; w < count; w++) {
      Block::template add_word<kTaken>(sums, g, words, block[w], k + w * Words::kPerWord, bf16, a);
    }
  }
  for (int i = 0; i < kTaken; i++)
    for (int g = 0; g < Block::kVectors; g++) store(to + i * Block::kColumns + g * kWidth, sums[i][g]);
}
