// SPDX-License-Identifier: Apache-2.0
// Packing for bf16 instructions, which take pairs of k: a word holds (k, k + 1) of one row, the lower k in its lower
// half. float32 elements are rounded to nearest even on the way; past the end of k and of the rows there are zeros.
// Included inside the namespace of an instruction path with AVX-512.

/** Sixteen float32 or bf16 elements at `index`, bf16 in the upper halves of words; scaled, rounded. */
template <bool kFromBf16>
inline __m512i bf16_in_upper_halves(const void* data, int64_t index, int64_t count, float scale) {
  if (count <= 0) return _mm512_setzero_si512();
  const __mmask16 lanes = lanes_below(count < 16 ? static_cast<int>(count) : 16);
  if (kFromBf16) {
    const __m256i words = _mm256_maskz_loadu_epi16(lanes, static_cast<const uint16_t*>(data) + index);
    const __m512i exact = _mm512_slli_epi32(_mm512_cvtepu16_epi32(words), 16);
    return scale == 1.0f ? exact : bf16_bits(_mm512_castsi512_ps(exact) * set(scale));
  }
  return bf16_bits(_mm512_maskz_loadu_ps(lanes, static_cast<const float*>(data) + index) * set(scale));
}

inline __mmask32 words_below(int64_t count) { return count >= 32 ? ~__mmask32{0} : (__mmask32{1} << count) - 1; }

/** The upper halves of the words of `low`, then of `high`. */
inline __m512i upper_halves(__m512i low, __m512i high) {
  const __m512i odd_words = _mm512_set_epi16(63, 61, 59, 57, 55, 53, 51, 49, 47, 45, 43, 41, 39, 37, 35, 33, 31, 29, 27,
                                             25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
  return _mm512_permutex2var_epi16(low, odd_words, high);
}

/** bf16 of the elements of `low`, then of `high`. */
inline __m512i words_of(Vec low, Vec high) {
#if defined(LLMF_CONVERTS_BF16)
  return (__m512i)_mm512_cvtne2ps_pbh(high, low);
#else
  return upper_halves(bf16_bits(low), bf16_bits(high));
#endif
}

/** Thirty-two elements that follow each other along k, as sixteen pairs. */
template <bool kFromBf16>
inline __m512i pairs_along_memory(const void* data, int64_t index, int64_t count, float scale) {
  if (kFromBf16 && scale == 1.0f) {
    return _mm512_maskz_loadu_epi16(words_below(count), static_cast<const uint16_t*>(data) + index);
  }
  if (!kFromBf16 && count >= 32) {
    const float* const from = static_cast<const float*>(data) + index;
    return words_of(load(from) * set(scale), load(from + 16) * set(scale));
  }
  return upper_halves(bf16_in_upper_halves<kFromBf16>(data, index, count, scale),
                      bf16_in_upper_halves<kFromBf16>(data, index + 16, count - 16, scale));
}

/** The same where all thirty-two are there. */
template <bool kFromBf16>
inline Vec whole_pairs_along_memory(const void* data, int64_t index, float scale) {
  if (kFromBf16 && scale == 1.0f) return load(reinterpret_cast<const float*>(static_cast<const uint16_t*>(data) + index));
  return _mm512_castsi512_ps(pairs_along_memory<kFromBf16>(data, index, 32, scale));
}

/** The first `count` words. Masked stores are slow on some processors: whole ones where that is the same. */
inline void store_words(uint16_t* to, __m512i words, int64_t count) {
  if (count >= 16) _mm512_storeu_si512(to, words);
  else _mm512_mask_storeu_epi32(to, lanes_below(static_cast<int>(count)), words);
}

/** Pairs [k/2][kPanel] of rows whose k runs along memory: blocks of sixteen rows by sixteen pairs are transposed. */
template <int kPanel, bool kFromBf16>
inline void pack_pairs_transposed(uint16_t* to, const Factor& from, int64_t outer, int64_t outers, int64_t k0,
                                  int64_t depth, int64_t padded, float scale) {
  int64_t k = 0;
  for (; kPanel % 16 == 0 && outers >= kPanel && k + 32 <= depth; k += 32) {  // whole blocks first
    for (int p = 0; p < kPanel; p += 16) {
      Vec block[16];
      const int64_t first = (outer + p) * from.outer_stride + k0 + k;
      ask_ahead<kPanel, kFromBf16, 16>(from, first, k, depth);
      for (int i = 0; i < 16; i++) block[i] = whole_pairs_along_memory<kFromBf16>(from.data, first + i * from.outer_stride, scale);
      transpose(block);
      for (int i = 0; i < 16; i++) store(reinterpret_cast<float*>(to + ((k / 2 + i) * kPanel + p) * 2), block[i]);
    }
  }
  for (; k < padded; k += 32) {
    const int64_t pairs = smaller_size(16, (padded - k) / 2);
    for (int p = 0; p < kPanel; p += 16) {
      Vec block[16];
      for (int i = 0; i < 16; i++) {
        const int64_t row = p + i, index = (outer + row) * from.outer_stride + k0 + k;
        const bool exists = row < kPanel && row < outers && k < depth;
        block[i] = exists ? _mm512_castsi512_ps(pairs_along_memory<kFromBf16>(from.data, index, depth - k, scale)) : zero();
      }
      transpose(block);
      for (int64_t i = 0; i < pairs; i++) {
        // What runs over into the next pairs is written again with them; the last ones stop at their end.
        const bool last = i + 1 == pairs && (k + 32 >= padded || p + 16 < kPanel);
        store_words(to + ((k / 2 + i) * kPanel + p) * 2, _mm512_castps_si512(block[i]), last ? kPanel - p : 16);
      }
    }
  }
}

/** Thirty-two elements of two rows that follow each other along k, already bf16: words (first, second). */
inline void interleave_rows(uint16_t* to, const uint16_t* first, const uint16_t* second) {
  const __m512i low = _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7, 38, 6, 37, 5, 36,
                                       4, 35, 3, 34, 2, 33, 1, 32, 0);
  const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
  const __m512i a = _mm512_loadu_si512(first), b = _mm512_loadu_si512(second);
  _mm512_storeu_si512(to, _mm512_permutex2var_epi16(a, low, b));
  _mm512_storeu_si512(to + 32, _mm512_permutex2var_epi16(a, high, b));
}

/** The same of rows that lie beside each other in memory: two values of k are interleaved. */
template <int kPanel, bool kFromBf16>
inline void pack_pairs_of_rows(uint16_t* to, const Factor& from, int64_t outer, int64_t outers, int64_t k0, int64_t depth,
                               int64_t padded, float scale) {
  for (int64_t k = 0; k < padded; k += 2) {
    const int64_t start = outer + (k0 + k) * from.k_stride;
    if (kFromBf16 && kPanel == 32 && scale == 1.0f && outers >= 32 && k + 1 < depth) {
      const uint16_t* const row = static_cast<const uint16_t*>(from.data) + start;
      interleave_rows(to + k * kPanel, row, row + from.k_stride);
      continue;
    }
    for (int64_t p = 0; p < kPanel; p += 16) {
      const int64_t first_count = k < depth ? outers - p : 0, second_count = k + 1 < depth ? outers - p : 0;
      const __m512i first = bf16_in_upper_halves<kFromBf16>(from.data, start + p, first_count, scale);
      const __m512i second = bf16_in_upper_halves<kFromBf16>(from.data, start + from.k_stride + p, second_count, scale);
      store_words(to + (k / 2 * kPanel + p) * 2, _mm512_or_si512(_mm512_srli_epi32(first, 16), second), kPanel - p);
    }
  }
}

/** Rows with any strides, one element at a time. */
template <int kPanel, bool kFromBf16>
inline void pack_pairs_of_any(uint16_t* to, const Factor& from, int64_t outer, int64_t outers, int64_t k0, int64_t depth,
                              int64_t padded, float scale) {
  for (int64_t k = 0; k < padded; k++) {
    for (int64_t p = 0; p < kPanel; p++) {
      const int64_t index = (outer + p) * from.outer_stride + (k0 + k) * from.k_stride;
      const bool exists = p < outers && k < depth;
      to[(k / 2 * kPanel + p) * 2 + k % 2] = exists ? float_to_bf16(element_of<kFromBf16>(from.data, index) * scale) : 0;
    }
  }
}

template <int kPanel, bool kFromBf16>
inline void pack_pairs_from(uint16_t* to, const Factor& from, int64_t outer, int64_t outers, int64_t k0, int64_t depth,
                            int64_t padded, float scale) {
  if (from.k_stride == 1) pack_pairs_transposed<kPanel, kFromBf16>(to, from, outer, outers, k0, depth, padded, scale);
  else if (from.outer_stride == 1) pack_pairs_of_rows<kPanel, kFromBf16>(to, from, outer, outers, k0, depth, padded, scale);
  else pack_pairs_of_any<kPanel, kFromBf16>(to, from, outer, outers, k0, depth, padded, scale);
}

/** A panel [padded / 2][kPanel] of pairs; k in [k0, k0 + depth), zeros up to `padded`. */
template <int kPanel>
inline void pack_pairs(uint16_t* to, const Factor& from, int64_t outer, int64_t outers, int64_t k0, int64_t depth,
                       int64_t padded, float scale) {
  if (from.type == ElementType::u16) pack_pairs_from<kPanel, true>(to, from, outer, outers, k0, depth, padded, scale);
  else pack_pairs_from<kPanel, false>(to, from, outer, outers, k0, depth, padded, scale);
}
