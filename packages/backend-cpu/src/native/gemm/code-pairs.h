// SPDX-License-Identifier: Apache-2.0
// Products with at most four rows straight from codes of 4 or 8 bits, with AVX512_BF16 and AVX512_VBMI: 64 bits each of eight
// rows of B are transposed, and two codes of each that follow each other along k are shifted into neighbouring lanes, so that
// rounding their values gives the very pairs that vdpbf16ps takes. The sums are the chains of few-rows.h.
// Included inside the namespace of an instruction path that has them.

/** 8 × 8 of 64 bits. */
inline __attribute__((always_inline)) void transpose_longs(__m512i* rows) {
  __m512i a[8], b[8];
  for (int i = 0; i < 4; i++) {
    a[i] = _mm512_unpacklo_epi64(rows[2 * i], rows[2 * i + 1]);  // longs 0, 2, 4, 6 of two rows
    a[i + 4] = _mm512_unpackhi_epi64(rows[2 * i], rows[2 * i + 1]);
  }
  for (int i = 0; i < 8; i += 2) {
    b[i] = _mm512_shuffle_i64x2(a[i], a[i + 1], 0x88);
    b[i + 1] = _mm512_shuffle_i64x2(a[i], a[i + 1], 0xDD);
  }
  for (int odd = 0; odd < 2; odd++) {
    for (int i = 0; i < 2; i++) {
      rows[2 * i + odd] = _mm512_shuffle_i64x2(b[4 * odd + i], b[4 * odd + i + 2], 0x88);
      rows[2 * i + odd + 4] = _mm512_shuffle_i64x2(b[4 * odd + i], b[4 * odd + i + 2], 0xDD);
    }
  }
}

/** Of each 64 bits the eight from `even` and from `odd` on, at the lower end of two lanes; what is above does not matter. */
inline __m512i bits_from(__m512i longs, int even, int odd) {
  return _mm512_multishift_epi64_epi8(_mm512_set1_epi64(static_cast<int64_t>(odd) << 32 | even), longs);
}

/** Eight scales, each twice. */
inline Vec doubled(const float* scales) {
  const __m512i twice = _mm512_set_epi32(7, 7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0, 0);
  return _mm512_permutexvar_ps(twice, _mm512_castps256_ps512(_mm256_loadu_ps(scales)));
}

/** The scales of eight columns from `k` on. */
inline Vec scales_of(const NibbleWords& words, int64_t k, int64_t lane) { return doubled(words.scales_at(k) + lane); }
inline Vec scales_of(const ByteWords& words, int64_t, int64_t lane) { return doubled(words.scales + lane); }

/** How 64 bits of eight rows lie until they are taken apart: of bytes, pairs of the same k beside each other. */
inline __m512i laid_out(const NibbleWords&, __m512i longs) { return longs; }
inline __m512i laid_out(const ByteWords&, __m512i longs) {
  const __m512i by_pairs = _mm512_set_epi16(31, 27, 23, 19, 15, 11, 7, 3, 30, 26, 22, 18, 14, 10, 6, 2, 29, 25, 21, 17, 13, 9, 5, 1,
                                            28, 24, 20, 16, 12, 8, 4, 0);
  return _mm512_permutexvar_epi16(by_pairs, longs);
}

/** The values of one pair of codes of eight rows. */
inline Vec pair_of(const NibbleWords& words, const __m512i* longs, int pair, Vec scale) {
  return _mm512_permutexvar_ps(bits_from(*longs, 8 * pair + 4, 8 * pair), load(words.book)) * scale;
}
inline Vec pair_of(const ByteWords&, const __m512i* longs, int pair, Vec scale) {
  return load_int8(reinterpret_cast<const int8_t*>(longs) + kWidth * pair) * scale * set(0.00787401574f);
}

/** As add_words, of codes. */
template <class Block, class Words, int kTaken>
inline void add_code_pairs(const typename Block::Element* a, const Factor& b, int64_t column, int64_t k0, int64_t end,
                           const Words& words, Reading reading, float* to) {
  constexpr int kRowsAtATime = 8, kParts = kWidth / kRowsAtATime, kPairs = Words::kPerWord;
  constexpr int64_t kPerLong = 2 * Words::kPerWord, kStep = 8 * kPerLong, kBytesAhead = 256;
  reading.ahead.spread((end - k0 + kStep - 1) / kStep);
  const int64_t row_bytes = Words::bytes_at(b, b.outer_stride) - Words::bytes_at(b, 0);
  Vec sums[kTaken][Block::kVectors];
  for (int i = 0; i < kTaken; i++)
    for (int g = 0; g < Block::kVectors; g++) sums[i][g] = load(to + i * Block::kColumns + g * kWidth);
  const char* from = Words::bytes_at(b, column * b.outer_stride + k0);
  for (int64_t k = k0; k < end; k += kStep, from += sizeof(__m512i)) {
    reading.ahead.turn();
    if (!reading.is_asked_for) ask_for_rows<Block::kColumns>(from + kBytesAhead, row_bytes);
    const int64_t taken = smaller_size(kStep, end - k), bytes = taken * static_cast<int64_t>(sizeof(__m512i)) / kStep;
    __m512i longs[Block::kVectors * kParts][kRowsAtATime];
    for (int part = 0; part < Block::kVectors * kParts; part++) {
      for (int i = 0; i < kRowsAtATime; i++) {
        const char* const row = from + (part * kRowsAtATime + i) * row_bytes;
        longs[part][i] = taken == kStep ? _mm512_loadu_si512(row) : _mm512_maskz_loadu_epi8((__mmask64{1} << bytes) - 1, row);
      }
      transpose_longs(longs[part]);
      for (int i = 0; i < kRowsAtATime; i++) longs[part][i] = laid_out(words, longs[part][i]);
    }
#pragma GCC unroll 1
    for (int64_t at = 0; at < taken; at += kPerLong) {
#pragma GCC unroll 4
      for (int g = 0; g < Block::kVectors; g++) {
        const __m512i *const first = &longs[g * kParts][at / kPerLong], *const second = &longs[g * kParts + 1][at / kPerLong];
        const Vec first_scale = scales_of(words, k + at, g * kWidth), second_scale = scales_of(words, k + at, g * kWidth + kRowsAtATime);
#pragma GCC unroll 8
        for (int pair = 0; pair < kPairs; pair++) {
          const __m512i right = words_of(pair_of(words, first, pair, first_scale), pair_of(words, second, pair, second_scale));
          const auto* const left = a + (k + at + 2 * pair) * Block::kRows;
#pragma GCC unroll 4
          for (int i = 0; i < kTaken; i++) sums[i][g] = Block::add_pair(sums[i][g], left + 2 * i, right);
        }
      }
    }
  }
  for (int i = 0; i < kTaken; i++)
    for (int g = 0; g < Block::kVectors; g++) store(to + i * Block::kColumns + g * kWidth, sums[i][g]);
}
