// SPDX-License-Identifier: Apache-2.0
// Weights kept in fewer bits, as float32: the very values that the format's `expand` gives in TypeScript, made a panel at
// a time where a product packs it. Included inside the namespace of an instruction path.

constexpr int64_t kExpandedRun = 64;  // elements whose codes are taken apart at a time

/** The scale of a block; double quantization keeps it as an 8-bit code in blocks of 256. */
inline float block_scale(const PackedParts& parts, int64_t block) {
  if (parts.scales) return parts.scales[block];
  const float rest = parts.scale_book[parts.scale_codes[block]] * parts.nested_scales[block / 256];
  return rest + parts.scale_offset[0];
}

/** Codes of 4 bits, the first of two in the upper half of a byte: book[code] · scale of its block. */
inline void expand_four_bits(const PackedParts& parts, int64_t first, int64_t count, float* to) {
  const int64_t end = first + count;
  alignas(64) uint8_t codes[kExpandedRun + 2];
  for (int64_t i = first; i < end;) {
    const int64_t block = i / parts.run, stop = smaller_size(end, smaller_size((block + 1) * parts.run, i + kExpandedRun));
    const uint8_t* const bytes = static_cast<const uint8_t*>(parts.codes) + i / 2;
    const int64_t skipped = i % 2, taken = stop - i;
    int64_t b = 0;
    for (; 2 * b + 32 <= skipped + taken; b += 16) take_codes(bytes + b, codes + 2 * b);
    for (; 2 * b < skipped + taken; b++) codes[2 * b] = bytes[b] >> 4, codes[2 * b + 1] = bytes[b] & 15;
    const Vec scale = set(block_scale(parts, block));
    for (int64_t j = 0; j < taken; j += kWidth) {
      store_lanes(to + (i - first) + j, look_up(parts.book, codes + skipped + j) * scale, taken - j);
    }
    i = stop;
  }
}

/** Integers with a scale a row: (code · scale) / 127, in that order of rounding. */
inline void expand_eight_bits(const PackedParts& parts, int64_t first, int64_t count, float* to) {
  const Vec per_code = set(0.00787401574f);
  for (int64_t i = first, end = first + count; i < end;) {
    const int64_t row = i / parts.run, stop = smaller_size(end, (row + 1) * parts.run), taken = stop - i;
    const int8_t* const codes = static_cast<const int8_t*>(parts.codes) + i;
    const Vec scale = set(parts.scales[row]);
    for (int64_t j = 0; j < taken; j += kWidth) {
      alignas(64) int8_t lanes[kWidth] = {};
      for (int64_t l = 0; taken - j < kWidth && l < taken - j; l++) lanes[l] = codes[j + l];
      const Vec value = load_int8(taken - j < kWidth ? lanes : codes + j);
      store_lanes(to + (i - first) + j, value * scale * per_code, taken - j);
    }
    i = stop;
  }
}

inline void expand_halves(const uint16_t* from, int64_t count, float* to) {
  for (int64_t i = 0; i < count; i += kWidth) {
    alignas(64) uint16_t lanes[kWidth] = {};
    for (int64_t l = 0; count - i < kWidth && l < count - i; l++) lanes[l] = from[i + l];
    store_lanes(to + i, load_f16(count - i < kWidth ? lanes : from + i), count - i);
  }
}

/** Elements [first, first + count) of a weight, whatever its storage. */
inline void expand_run(const Storage& from, int64_t first, int64_t count, float* to) {
  switch (from.type) {
    case ElementType::four_bits: return expand_four_bits(from.parts, from.start + first, count, to);
    case ElementType::eight_bits: return expand_eight_bits(from.parts, from.start + first, count, to);
    case ElementType::blocks: return expand_blocks(from.parts, from.start + first, count, to);
    case ElementType::groups: return expand_groups(from.parts, from.start + first, count, to);
    case ElementType::f16: return expand_halves(static_cast<const uint16_t*>(from.parts.codes) + from.start + first, count, to);
    default:
      for (int64_t i = 0; i < count; i += kWidth) {
        const Vec values = from.type == ElementType::u16 ? elements_of<true>(from.data, first + i, count - i)
                                                         : elements_of<false>(from.data, first + i, count - i);
        store_lanes(to + i, values, count - i);
      }
  }
}
