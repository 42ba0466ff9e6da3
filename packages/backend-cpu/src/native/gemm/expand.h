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
    for (int64_t b = 0; b < (skipped + taken + 1) / 2; b++) codes[2 * b] = bytes[b] >> 4, codes[2 * b + 1] = bytes[b] & 15;
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

/** As Block::pack_b; a weight in fewer bits is expanded to float32 first, these columns and this depth of it. */
template <class Block>
inline void pack_b(typename Block::Element* to, const Factor& b, int64_t column, int64_t columns, int64_t k0, int64_t depth,
                   Rounding rounding) {
  if (!is_packed(b.type)) return Block::pack_b(to, b, column, columns, k0, depth, rounding);
  Scratch scratch;
  float* const values = scratch.take<float>(columns * depth);
  if (b.k_stride == 1) {
    for (int64_t i = 0; i < columns; i++) expand_run(b.packed, (column + i) * b.outer_stride + k0, depth, values + i * depth);
    return Block::pack_b(to, rows_of(values, depth), 0, columns, 0, depth, rounding);
  }
  for (int64_t k = 0; k < depth; k++) expand_run(b.packed, (k0 + k) * b.k_stride + column, columns, values + k * columns);
  Block::pack_b(to, columns_of(values, columns), 0, columns, 0, depth, rounding);
}
