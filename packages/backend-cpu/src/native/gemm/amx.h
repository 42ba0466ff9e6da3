// SPDX-License-Identifier: Apache-2.0
// bf16 products with AMX: two by two tiles of 16 × 16 sums, 32 values of k at a time. A is packed as tiles of rows, B in
// pairs of k. amx-emulated runs the same code over software tiles, so that packing and loops are tested anywhere.
// Included inside the namespace of an instruction path that has tiles, real or emulated.

#include "tiles.h"

struct AmxBlock {
  using Element = uint16_t;
  static constexpr int kRows = 32;
  static constexpr int kColumns = 32;
  static constexpr int kDepth = 1536;
  static constexpr int kDepthUnit = 32;
  static constexpr int kTurn = 32;
  static constexpr int64_t kOwnBytes = 240 << 10;  // panels of B in a thread's second-level cache, beside what is asked for
  static constexpr bool kTakesWords = false;
  static constexpr bool kAddsPairs = false;

  /** The tiles' shape, set for the thread while it multiplies. */
  struct Session {
    Session() {
      alignas(64) TileShapes shapes = {};
      shapes.palette = 1;
      for (int tile = 0; tile < 8; tile++) shapes.row_bytes[tile] = 64, shapes.rows[tile] = 16;
      load_tile_shapes(&shapes);
    }
    ~Session() { release_tiles(); }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
  };

  /** [k / 32][kRows][32] */
  static void pack_a(uint16_t* to, const Factor& a, int64_t row, int64_t rows, int64_t k0, int64_t depth,
                     Rounding rounding) {
    const int64_t padded = round_up(depth, kDepthUnit);
    if (a.k_stride == 1) {
      if (a.type == ElementType::u16) copy_rows<true>(to, a, row, rows, k0, depth, rounding.scale);
      else copy_rows<false>(to, a, row, rows, k0, depth, rounding.scale);
      return;
    }
    // Pairs [16][kRows] of each 32 values of k, then turned around.
    alignas(64) uint16_t words[kDepthUnit * kRows];
    for (int64_t k = 0; k < padded; k += kDepthUnit, to += kDepthUnit * kRows) {
      pack_pairs<kRows>(words, a, row, rows, k0 + k, smaller_size(kDepthUnit, depth - k), kDepthUnit, rounding.scale);
      for (int p = 0; p < kRows; p += 16) {
        Vec block[16];
        for (int i = 0; i < 16; i++) block[i] = _mm512_castsi512_ps(_mm512_load_si512(words + (i * kRows + p) * 2));
        transpose(block);
        for (int i = 0; i < 16; i++) store_words(to + (p + i) * kDepthUnit, _mm512_castps_si512(block[i]), 16);
      }
    }
  }
  static void pack_b(uint16_t* to, const Factor& b, int64_t column, int64_t columns, int64_t k0, int64_t depth,
                     Rounding rounding) {
    pack_pairs<kColumns>(to, b, column, columns, k0, depth, round_up(depth, kDepthUnit), rounding.scale);
  }

  // Panels are not copied: reading again what was just written in parts would wait for all tiles to be stored.
  static void multiply(int64_t rows, int64_t columns, const Panels<uint16_t>& first, float* c, int64_t c_stride, Start start,
                       const float* bias, const Panels<uint16_t>& second = {}) {
    if (start == Start::chain) return add_tiles(first, second, c, c_stride, start, rows > 16);
    if (rows == kRows && columns == kColumns && start != Start::bias) {
      return add_tiles(first, second, c, c_stride, start, true);
    }
    alignas(64) float sums[kRows * kColumns];
    add_tiles(first, second, sums, kColumns, Start::nothing, rows > 16);
    store_sums(sums, kColumns, rows, columns, c, c_stride, start, bias);
  }

 private:
  template <bool kFromBf16>
  static void copy_rows(uint16_t* to, const Factor& a, int64_t row, int64_t rows, int64_t k0, int64_t depth, float scale) {
    for (int64_t k = 0; k < depth; k += kDepthUnit, to += kDepthUnit * kRows) {
      for (int64_t i = 0; i < kRows; i++) {
        const int64_t index = (row + i) * a.outer_stride + k0 + k;
        const __m512i pairs = i < rows ? pairs_along_memory<kFromBf16>(a.data, index, depth - k, scale) : _mm512_setzero_si512();
        store_words(to + i * kDepthUnit, pairs, 16);
      }
    }
  }

  /** Sixteen rows of C, or with `lower` all of them. Sums of a row are the same either way, and whether C was added first or last. */
  static void add_tiles(const Panels<uint16_t>& first, const Panels<uint16_t>& second, float* c, int64_t c_stride, Start start,
                        bool lower) {
    const int64_t stride = c_stride * static_cast<int64_t>(sizeof(float));
    zero_tile<0>(), zero_tile<1>(), zero_tile<2>(), zero_tile<3>();
    if (start == Start::chain) {
      load_tile<0>(c, stride), load_tile<1>(c + 16, stride);
      if (lower) load_tile<2>(c + 16 * c_stride, stride), load_tile<3>(c + 16 * c_stride + 16, stride);
    }
    add_panels(first, lower, {c, c_stride, lower ? kRows : 16});
    if (second.depth > 0) add_panels(second, lower, {nullptr, 0, 0});
    if (start != Start::values) {
      store_tile<0>(c, stride), store_tile<1>(c + 16, stride);
      if (lower) store_tile<2>(c + 16 * c_stride, stride), store_tile<3>(c + 16 * c_stride + 16, stride);
      return;
    }
    // C is added after the pass, as in blocks at the edge: a row's bits must not depend on its place.
    alignas(64) float sums[kRows * kColumns];
    store_tile<0>(sums, 4 * kColumns), store_tile<1>(sums + 16, 4 * kColumns);
    store_tile<2>(sums + 16 * kColumns, 4 * kColumns), store_tile<3>(sums + 16 * kColumns + 16, 4 * kColumns);
    for (int64_t i = 0; i < kRows; i++, c += c_stride) {
      store(c, load(c) + load(sums + i * kColumns));
      store(c + kWidth, load(c + kWidth) + load(sums + i * kColumns + kWidth));
    }
  }

  /** Rows of C, asked for before they are stored. */
  struct Target {
    float* row;
    int64_t stride, rows;

    inline __attribute__((always_inline)) void turn() {
      for (int i = 0; i < 2 && rows > 0; i++, rows--, row += stride) {
        __builtin_prefetch(row, 1);
        __builtin_prefetch(row + kWidth, 1);
      }
    }
  };

  static inline __attribute__((always_inline)) void add_panels(const Panels<uint16_t>& panels, bool lower, Target target) {
    const uint16_t *a = panels.a, *b = panels.b;
    for (int64_t k = 0; k < panels.depth; k += kDepthUnit, a += kDepthUnit * kRows, b += kDepthUnit * kColumns) {
      if (panels.ahead) panels.ahead->turn();
      if (panels.next_a) ask_for_next<4>(panels.next_a + 4 * k);
      target.turn();
      load_tile<4>(a, 64), load_tile<6>(b, 128), load_tile<7>(b + 32, 128);
      multiply_tiles<0, 4, 6>(), multiply_tiles<1, 4, 7>();
      if (!lower) continue;
      load_tile<5>(a + 16 * kDepthUnit, 64);
      multiply_tiles<2, 5, 6>(), multiply_tiles<3, 5, 7>();
    }
  }
};

using RoundedBlock = AmxBlock;
