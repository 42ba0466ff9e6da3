// SPDX-License-Identifier: Apache-2.0
// Weights in fewer bits as bf16 words, for products that round their factors to bf16: what rounding the float32 values of
// expand.h gives, made at once. Included inside the namespace of an instruction path with AVX-512.

/** The pairs of sixteen bytes of codes, by a table of sixteen words that stands there twice. */
inline __m512i words_of_codes(__m128i codes, __m512i table) {
  const __m512i bytes = _mm512_cvtepu8_epi32(codes);  // a look-up takes 5 bits of a word: what is above does not matter
  const __m512i pairs = _mm512_or_si512(_mm512_srli_epi32(bytes, 4), _mm512_slli_epi32(bytes, 16));
  return _mm512_permutexvar_epi16(pairs, table);
}

/** As expand_four_bits, from an even element on. */
inline void four_bits_as_words(const PackedParts& parts, int64_t first, int64_t count, uint16_t* to) {
  const Vec book = load(parts.book);
  const uint8_t* const codes = static_cast<const uint8_t*>(parts.codes);
  const int64_t end = first + count;
  int64_t block = first / parts.run;
  for (int64_t i = first; i < end; block++) {
    const int64_t stop = smaller_size(end, (block + 1) * parts.run);
    const Vec values = book * set(block_scale(parts, block));
    const __m512i table = words_of(values, values);
    for (; i + 32 <= stop; i += 32, to += 32) {
      _mm512_storeu_si512(to, words_of_codes(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes + i / 2)), table));
    }
    if (i == stop) continue;
    const __mmask16 bytes = static_cast<__mmask16>((1u << ((stop - i + 1) / 2)) - 1);
    _mm512_mask_storeu_epi16(to, words_below(stop - i), words_of_codes(_mm_maskz_loadu_epi8(bytes, codes + i / 2), table));
    to += stop - i, i = stop;
  }
}

/** As expand_eight_bits. */
inline void eight_bits_as_words(const PackedParts& parts, int64_t first, int64_t count, uint16_t* to) {
  const Vec per_code = set(0.00787401574f);
  const auto half = [&](__m256i codes, int part, Vec scale) {
    const __m128i bytes = part == 0 ? _mm256_castsi256_si128(codes) : _mm256_extracti128_si256(codes, 1);
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes)) * scale * per_code;
  };
  const int64_t end = first + count;
  int64_t row = first / parts.run;
  for (int64_t i = first; i < end; row++) {
    const int64_t stop = smaller_size(end, (row + 1) * parts.run);
    const Vec scale = set(parts.scales[row]);
    for (; i < stop; i += 32, to += 32) {
      const __mmask32 lanes = words_below(stop - i);
      const __m256i codes = _mm256_maskz_loadu_epi8(lanes, static_cast<const int8_t*>(parts.codes) + i);
      const __m512i words = words_of(half(codes, 0, scale), half(codes, 1, scale));
      if (stop - i >= 32) _mm512_storeu_si512(to, words);
      else _mm512_mask_storeu_epi16(to, lanes, words);
    }
    to += stop - i, i = stop;
  }
}

/** Rounded from float32, of which a run at a time exists. */
inline void other_bits_as_words(const Storage& from, int64_t first, int64_t count, uint16_t* to) {
  alignas(64) float values[256];
  for (int64_t i = 0; i < count; i += 256) {
    const int64_t taken = smaller_size(256, count - i);
    expand_run(from, first + i, taken, values);
    for (int64_t j = 0; j < taken; j += 32) {
      const Vec low = load_lanes(values + j, taken - j), high = taken - j > 16 ? load_lanes(values + j + 16, taken - j - 16) : zero();
      _mm512_mask_storeu_epi16(to + i + j, words_below(taken - j), words_of(low, high));
    }
  }
}

/** Elements [first, first + count) of a packed weight. */
inline void expand_words(const Storage& from, int64_t first, int64_t count, uint16_t* to) {
  const int64_t start = from.start + first;
  if (from.type == ElementType::four_bits && start % 2 == 0) return four_bits_as_words(from.parts, start, count, to);
  if (from.type == ElementType::eight_bits) return eight_bits_as_words(from.parts, start, count, to);
  other_bits_as_words(from, first, count, to);
}
