// SPDX-License-Identifier: Apache-2.0
// bf16 products with AVX512_BF16: vdpbf16ps adds two products per lane to a float32. The same register block as float32's.
// Included inside the namespace of an instruction path that has it.

struct Bf16Block {
  using Element = uint16_t;
  static constexpr int kRows = 12;
  static constexpr int kVectors = 2;
  static constexpr int kColumns = kVectors * kWidth;
  static constexpr int kDepth = 896;
  static constexpr int kDepthUnit = 2;
  static constexpr int kTurn = 32;  // of k, after which what comes next is asked for
  static constexpr int64_t kOwnBytes = 240 << 10;  // panels of B in a thread's second-level cache, beside what is asked for
  struct Session {};  // what a thread needs around products: nothing
  static constexpr bool kTakesWords = true;
  static constexpr bool kAddsPairs = true;  // has add_pair

  static void pack_a(uint16_t* to, const Factor& a, int64_t row, int64_t rows, int64_t k0, int64_t depth,
                     Rounding rounding) {
    pack_pairs<kRows>(to, a, row, rows, k0, depth, depth + depth % 2, rounding.scale);
  }
  static void pack_b(uint16_t* to, const Factor& b, int64_t column, int64_t columns, int64_t k0, int64_t depth,
                     Rounding rounding) {
    pack_pairs<kColumns>(to, b, column, columns, k0, depth, depth + depth % 2, rounding.scale);
  }
  /** The first `rows` ≤ kCount rows of A, for lanes; an even depth. */
  template <int kCount>
  static void pack_lanes(uint16_t* to, const Factor& a, int64_t rows, int64_t k0, int64_t depth, float scale) {
    pack_pairs<kCount>(to, a, 0, rows, k0, depth, depth, scale);
  }

  static void multiply(int64_t rows, int64_t columns, Panels<uint16_t> first, float* c, int64_t c_stride, Start start,
                       const float* bias, Panels<uint16_t> second = {}) {
    if (rows == 1) block<1, kVectors>(rows, columns, first, second, c, c_stride, start, bias);
    else if (rows * 3 <= kRows) block<kRows / 3, kVectors>(rows, columns, first, second, c, c_stride, start, bias);
    else if (rows * 3 <= kRows * 2) block<kRows * 2 / 3, kVectors>(rows, columns, first, second, c, c_stride, start, bias);
    else if (columns <= kWidth) block<kRows, 1>(rows, columns, first, second, c, c_stride, start, bias);
    else block<kRows, kVectors>(rows, columns, first, second, c, c_stride, start, bias);
  }

  /** As Float32Block's, of words that are pairs. */
  template <int kTaken, class Words>
  static inline __attribute__((always_inline)) void add_word(Vec (&sums)[kTaken][kVectors], int vector, const Words&,
                                                             Vec word, int64_t k, bool, const uint16_t* a) {
    static_assert(Words::kArePairs);
#pragma GCC unroll 4
    for (int i = 0; i < kTaken; i++) {
      sums[i][vector] = add_pair(sums[i][vector], a + k * kRows + 2 * i, word);
    }
  }

  /** Sums that go on with one pair for all lanes, and one of each lane. */
  static inline __attribute__((always_inline)) Vec add_pair(Vec sums, const uint16_t* pair, __m512i right) {
    return _mm512_dpbf16_ps(sums, same_pair(pair), (__m512bh)right);
  }
  static inline __attribute__((always_inline)) Vec add_pair(Vec sums, const uint16_t* pair, Vec right) {
    return add_pair(sums, pair, _mm512_castps_si512(right));
  }

 private:
  static __m512bh pairs(const uint16_t* from) { return (__m512bh)_mm512_loadu_si512(from); }
  static __m512bh same_pair(const uint16_t* from) {
    int32_t word;
    __builtin_memcpy(&word, from, sizeof word);
    return (__m512bh)_mm512_set1_epi32(word);
  }

  template <int kBlockRows, int kBlockVectors>
  static void block(int64_t rows, int64_t columns, Panels<uint16_t> first, Panels<uint16_t> second, float* c,
                    int64_t c_stride, Start start, const float* bias) {
    Vec sums[kBlockRows][kBlockVectors];
    begin_block<kBlockRows, kBlockVectors>(sums, rows, c, c_stride, start);
    add_panels<kBlockRows, kBlockVectors>(sums, first);
    if (second.depth > 0) add_panels<kBlockRows, kBlockVectors>(sums, second);
    store_block<kBlockRows, kBlockVectors>(sums, rows, columns, c, c_stride, start, bias);
  }

  template <int kBlockRows, int kBlockVectors>
  static inline __attribute__((always_inline)) void add_panels(Vec (&sums)[kBlockRows][kBlockVectors], Panels<uint16_t> panels) {
    const uint16_t *a = panels.a, *b = panels.b;
    for (int64_t k = 0; k < panels.depth;) {
      if (panels.ahead) panels.ahead->turn();
      if (panels.next_a) ask_for_next<4>(panels.next_a + 4 * k);
      for (const int64_t end = smaller_size(k + kTurn, panels.depth); k < end; k += 2, a += 2 * kRows, b += 2 * kColumns) {
        __m512bh right[kBlockVectors];
#pragma GCC unroll 4
        for (int j = 0; j < kBlockVectors; j++) right[j] = pairs(b + 2 * j * kWidth);
#pragma GCC unroll 16
        for (int i = 0; i < kBlockRows; i++) {
          const __m512bh left = same_pair(a + 2 * i);
#pragma GCC unroll 4
          for (int j = 0; j < kBlockVectors; j++) sums[i][j] = _mm512_dpbf16_ps(sums[i][j], left, right[j]);
        }
      }
    }
  }
};

using RoundedBlock = Bf16Block;
