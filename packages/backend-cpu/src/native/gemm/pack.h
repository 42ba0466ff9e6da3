// SPDX-License-Identifier: Apache-2.0
// Packing: the micro kernel reads its factors as panels [k][width], so that it walks memory in one direction.
// Included inside the namespace of an instruction path.

template <bool kFromBf16>
inline float element_of(const void* data, int64_t index) {
  if (kFromBf16) return bf16_to_float(static_cast<const uint16_t*>(data)[index]);
  return static_cast<const float*>(data)[index];
}

template <bool kFromBf16>
inline Vec elements_of(const void* data, int64_t index, int64_t count) {
  if (!kFromBf16) return load_lanes(static_cast<const float*>(data) + index, count);
  return load_bf16_lanes(static_cast<const uint16_t*>(data) + index, count);
}

constexpr int64_t kAhead = 128;  // elements, to the second-level cache: a panel's rows are more streams than processors follow

/** While the k-th of `depth` elements of rows is packed, from `index` on: asks for later ones, or for those of the next panel. */
template <int kPanel, bool kFromBf16, int kRows>
inline void ask_ahead(const Factor& from, int64_t index, int64_t k, int64_t depth) {
  const int64_t ahead = k + kAhead < depth ? kAhead : kAhead - depth + kPanel * from.outer_stride;
  const char* const first = static_cast<const char*>(from.data) + (index + ahead) * (kFromBf16 ? 2 : 4);
  for (int i = 0; i < kRows; i++) __builtin_prefetch(first + i * from.outer_stride * (kFromBf16 ? 2 : 4), 0, 2);
}

/** kWidth × kWidth elements whose k runs along memory, at `index`; rows `stride` apart, the first `rows` of them. */
template <bool kFromBf16, class Convert>
inline void load_transposed(Vec (&block)[kWidth], const void* data, int64_t index, int64_t stride, int64_t rows, int64_t lanes,
                            Convert convert) {
  for (int64_t i = 0; i < kWidth; i++) {
    block[i] = i < rows ? convert(elements_of<kFromBf16>(data, index + i * stride, lanes)) : zero();
  }
  transpose(block);
}

/** Twice as many bf16 elements of kWidth rows: pairs are transposed, then taken apart. Returns how much of `depth` was packed. */
template <int kPanel, class Convert>
inline int64_t pack_whole_pairs(float* to, const Factor& from, int64_t first, int64_t depth, Convert convert) {
  const uint16_t* const data = static_cast<const uint16_t*>(from.data);
  int64_t k = 0;
  for (; k + 2 * kWidth <= depth; k += 2 * kWidth) {
    for (int p = 0; p < kPanel; p += kWidth) {
      Vec block[kWidth];
      const int64_t index = first + p * from.outer_stride + k;
      ask_ahead<kPanel, true, kWidth>(from, index, k, depth);
      for (int i = 0; i < kWidth; i++) block[i] = load_pairs(data + index + i * from.outer_stride);
      transpose(block);
      for (int i = 0; i < kWidth; i++) {
        store(to + (k + 2 * i) * kPanel + p, convert(low_of_pairs(block[i])));
        store(to + (k + 2 * i + 1) * kPanel + p, convert(high_of_pairs(block[i])));
      }
    }
  }
  return k;
}

/** k runs along memory: blocks of kWidth × kWidth are transposed. */
template <int kPanel, bool kFromBf16, class Convert>
inline void pack_transposed(float* to, const Factor& from, int64_t outer, int64_t outers, int64_t k0, int64_t depth,
                            Convert convert) {
  const int64_t stride = from.outer_stride, first = outer * stride + k0;
  int64_t k = 0;
  if (kPanel % kWidth == 0 && outers >= kPanel) {  // whole blocks first
    if (kFromBf16) k = pack_whole_pairs<kPanel>(to, from, first, depth, convert);
    for (; k + kWidth <= depth; k += kWidth) {
      for (int p = 0; p < kPanel; p += kWidth) {
        Vec block[kWidth];
        ask_ahead<kPanel, kFromBf16, kWidth>(from, first + p * stride + k, k, depth);
        load_transposed<kFromBf16>(block, from.data, first + p * stride + k, stride, kWidth, kWidth, convert);
        for (int i = 0; i < kWidth; i++) store(to + (k + i) * kPanel + p, block[i]);
      }
    }
  }
  for (; k < depth; k += kWidth) {
    const int64_t lanes = smaller_size(kWidth, depth - k);
    for (int p = 0; p < kPanel; p += kWidth) {
      Vec block[kWidth];
      load_transposed<kFromBf16>(block, from.data, first + p * stride + k, stride, smaller_size(kPanel, outers) - p, lanes, convert);
      for (int64_t i = 0; i < lanes; i++) store_lanes(to + (k + i) * kPanel + p, block[i], kPanel - p);
    }
  }
}

/** The outer index runs along memory: rows are copied. */
template <int kPanel, bool kFromBf16, class Convert>
inline void pack_rows(float* to, const Factor& from, int64_t outer, int64_t outers, int64_t k0, int64_t depth,
                      Convert convert) {
  for (int64_t k = 0; k < depth; k++) {
    const int64_t start = outer + (k0 + k) * from.k_stride;
    for (int64_t p = 0; p < kPanel; p += kWidth) {
      const int64_t valid = outers - p;
      const Vec values = valid > 0 ? convert(elements_of<kFromBf16>(from.data, start + p, valid)) : zero();
      store_lanes(to + k * kPanel + p, values, kPanel - p);
    }
  }
}

template <int kPanel, bool kFromBf16, class Convert>
inline void pack_any(float* to, const Factor& from, int64_t outer, int64_t outers, int64_t k0, int64_t depth,
                     Convert convert) {
  for (int64_t k = 0; k < depth; k++) {
    for (int64_t p = 0; p < kPanel; p++) {
      const int64_t index = (outer + p) * from.outer_stride + (k0 + k) * from.k_stride;
      float value[kWidth] = {p < outers ? element_of<kFromBf16>(from.data, index) : 0.0f};
      store_part(value, convert(load(value)), 1);
      to[k * kPanel + p] = value[0];
    }
  }
}

template <int kPanel, bool kFromBf16, class Convert>
inline void pack_converted(float* to, const Factor& from, int64_t outer, int64_t outers, int64_t k0, int64_t depth,
                           Convert convert) {
  if (from.k_stride == 1) pack_transposed<kPanel, kFromBf16>(to, from, outer, outers, k0, depth, convert);
  else if (from.outer_stride == 1) pack_rows<kPanel, kFromBf16>(to, from, outer, outers, k0, depth, convert);
  else pack_any<kPanel, kFromBf16>(to, from, outer, outers, k0, depth, convert);
}

/** What happens to float32 elements on the way: multiplied, then rounded to bf16 or not. bf16 elements are exact. */
struct Rounding {
  bool bf16 = false;
  float scale = 1.0f;
};

/** One panel of `outers` ≤ kPanel rows from `outer` on, k in [k0, k0 + depth); rows past the end are zero. */
template <int kPanel>
inline void pack_panel(float* to, const Factor& from, int64_t outer, int64_t outers, int64_t k0, int64_t depth,
                       Rounding rounding) {
  const float scale = rounding.scale;
  const auto keep = [](Vec value) { return value; };
  const auto scaled = [scale](Vec value) { return value * set(scale); };
  const auto rounded = [scale](Vec value) { return round_to_bf16(value * set(scale)); };
  if (from.type == ElementType::u16) {
    if (scale == 1.0f) pack_converted<kPanel, true>(to, from, outer, outers, k0, depth, keep);
    else pack_converted<kPanel, true>(to, from, outer, outers, k0, depth, scaled);
  } else if (rounding.bf16) {
    pack_converted<kPanel, false>(to, from, outer, outers, k0, depth, rounded);
  } else if (scale == 1.0f) {
    pack_converted<kPanel, false>(to, from, outer, outers, k0, depth, keep);
  } else {
    pack_converted<kPanel, false>(to, from, outer, outers, k0, depth, scaled);
  }
}
