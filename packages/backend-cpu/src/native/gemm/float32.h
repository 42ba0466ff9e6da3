// SPDX-License-Identifier: Apache-2.0
// float32 products: a register block of kRows × kColumns, packed factors. On paths without bf16 instructions bf16
// factors are expanded while packing, and products "in bf16" round their factors there.
// Included inside the namespace of an instruction path, which sets LLMF_BLOCK_ROWS and LLMF_BLOCK_VECTORS.

/** What a block's sums are added to; `chain`: they go on from what C holds, whole blocks of it, and replace it. */
enum class Start { nothing, bias, values, chain };

/** Adds a block of sums to what it starts from, the first `rows` and `columns` of it. */
template <int kBlockRows, int kVectors>
inline void store_block(Vec (&sums)[kBlockRows][kVectors], int64_t rows, int64_t columns, float* c, int64_t c_stride,
                        Start start, const float* bias) {
#pragma GCC unroll 16
  for (int i = 0; i < kBlockRows; i++) {
    if (i >= rows) break;
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; j++) {
      const int64_t lanes = columns - j * kWidth;
      if (lanes <= 0) break;
      float* to = c + i * c_stride + j * kWidth;
      Vec value = sums[i][j];
      if (start == Start::values) value = load_lanes(to, lanes) + value;
      if (start == Start::bias) value = load_lanes(bias + j * kWidth, lanes) + value;
      store_lanes(to, value, lanes);
    }
  }
}

/** Where a block's sums begin. */
template <int kBlockRows, int kVectors>
inline __attribute__((always_inline)) void begin_block(Vec (&sums)[kBlockRows][kVectors], int64_t rows, const float* c,
                                                       int64_t c_stride, Start start) {
#pragma GCC unroll 16
  for (int i = 0; i < kBlockRows; i++)
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; j++) sums[i][j] = zero();
  if (start != Start::chain) return;
#pragma GCC unroll 16
  for (int i = 0; i < kBlockRows; i++) {
    if (i >= rows) break;
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; j++) sums[i][j] = load(c + i * c_stride + j * kWidth);
  }
}

/** The same for sums [rows, columns] in memory, `stride` apart. */
inline void store_sums(const float* sums, int64_t stride, int64_t rows, int64_t columns, float* c, int64_t c_stride,
                       Start start, const float* bias) {
  for (int64_t i = 0; i < rows; i++) {
    for (int64_t j = 0; j < columns; j += kWidth) {
      const int64_t lanes = columns - j;
      float* const to = c + i * c_stride + j;
      Vec value = load(sums + i * stride + j);
      if (start == Start::values) value = load_lanes(to, lanes) + value;
      if (start == Start::bias) value = load_lanes(bias + j, lanes) + value;
      store_lanes(to, value, lanes);
    }
  }
}

struct Float32Block {
  using Element = float;
  static constexpr int kRows = LLMF_BLOCK_ROWS;
  static constexpr int kVectors = LLMF_BLOCK_VECTORS;
  static constexpr int kColumns = kVectors * kWidth;
  static constexpr int kDepth = 448;     // k per pass: a panel of B stays in the first-level cache, A's block in the second
  static constexpr int kDepthUnit = 1;   // k is padded to a multiple of this
  static constexpr int kTurn = 16;       // of k, after which what comes next is asked for
  static constexpr int64_t kOwnBytes = 192 << 10;  // panels of B in a thread's second-level cache, beside what is asked for
  struct Session {};                     // what a thread needs around products: nothing
  static constexpr bool kTakesWords = true;  // has add_word
  static constexpr bool kAddsPairs = false;

  static void pack_a(float* to, const Factor& a, int64_t row, int64_t rows, int64_t k0, int64_t depth, Rounding rounding) {
    pack_panel<kRows>(to, a, row, rows, k0, depth, rounding);
  }
  static void pack_b(float* to, const Factor& b, int64_t column, int64_t columns, int64_t k0, int64_t depth,
                     Rounding rounding) {
    pack_panel<kColumns>(to, b, column, columns, k0, depth, rounding);
  }

  /** C[rows ≤ kRows, columns ≤ kColumns] from one panel of each factor, and from a second pair of them. */
  static void multiply(int64_t rows, int64_t columns, Panels<float> first, float* c, int64_t c_stride, Start start,
                       const float* bias, Panels<float> second = {}) {
    if (rows == 1) block<1>(rows, columns, first, second, c, c_stride, start, bias);
    else if (rows * 3 <= kRows) block<kRows / 3>(rows, columns, first, second, c, c_stride, start, bias);
    else block<kRows>(rows, columns, first, second, c, c_stride, start, bias);
  }

  /** Goes on with one vector of columns of some rows' sums by a word of elements from k on; `a` is a panel over the whole of k. */
  template <int kTaken, class Words>
  static inline __attribute__((always_inline)) void add_word(Vec (&sums)[kTaken][kVectors], int vector, const Words& words,
                                                             Vec word, int64_t k, bool bf16, const float* a) {
    Vec elements[Words::kPerWord];
    words.elements(word, k, vector * kWidth, elements);
#pragma GCC unroll 8
    for (int e = 0; e < Words::kPerWord; e++) {
      const Vec right = bf16 && !Words::kArePairs ? round_to_bf16(elements[e]) : elements[e];
#pragma GCC unroll 4
      for (int i = 0; i < kTaken; i++) sums[i][vector] = fma(set(a[(k + e) * kRows + i]), right, sums[i][vector]);
    }
  }

 private:
  template <int kBlockRows>
  static void block(int64_t rows, int64_t columns, Panels<float> first, Panels<float> second, float* c, int64_t c_stride,
                    Start start, const float* bias) {
    Vec sums[kBlockRows][kVectors];
    begin_block<kBlockRows, kVectors>(sums, rows, c, c_stride, start);
    add_panels<kBlockRows>(sums, first);
    if (second.depth > 0) add_panels<kBlockRows>(sums, second);
    store_block<kBlockRows, kVectors>(sums, rows, columns, c, c_stride, start, bias);
  }

  template <int kBlockRows>
  static inline __attribute__((always_inline)) void add_panels(Vec (&sums)[kBlockRows][kVectors], Panels<float> panels) {
    const float *a = panels.a, *b = panels.b;
    for (int64_t k = 0; k < panels.depth;) {
      if (panels.ahead) panels.ahead->turn();
      if (panels.next_a) ask_for_next<4>(panels.next_a + 4 * k);
      for (const int64_t end = smaller_size(k + kTurn, panels.depth); k < end; k++, a += kRows, b += kColumns) {
        Vec right[kVectors];
#pragma GCC unroll 4
        for (int j = 0; j < kVectors; j++) right[j] = load(b + j * kWidth);
#pragma GCC unroll 16
        for (int i = 0; i < kBlockRows; i++) {
          const Vec left = set(a[i]);
#pragma GCC unroll 4
          for (int j = 0; j < kVectors; j++) sums[i][j] = fma(left, right[j], sums[i][j]);
        }
      }
    }
  }
};
