// SPDX-License-Identifier: Apache-2.0
// Packing of the right factor, whatever its storage. Included inside the namespace of an instruction path.

constexpr int64_t kRowsAhead = 16;  // of a weight read by its columns

/** Asks for what lies so many elements on, to the second-level cache; only of storages whose place follows from that. */
inline void ask_for_codes(const Storage& from, int64_t element, int64_t count) {
  const int64_t shift = from.type == ElementType::four_bits ? 1 : 0;
  if (from.type != ElementType::four_bits && from.type != ElementType::eight_bits) return;
  const char* const codes = static_cast<const char*>(from.parts.codes) + ((from.start + element) >> shift);
  for (int64_t i = 0; i < count >> shift; i += 64) __builtin_prefetch(codes + i, 0, 2);
}

/** As Block::pack_b of a weight in fewer bits, made `Element`s first by `expand`: these columns and this depth of it. */
template <class Block, class Element, class Expand>
inline void pack_b_expanded(typename Block::Element* to, const Factor& b, int64_t column, int64_t columns, int64_t k0,
                            int64_t depth, Rounding rounding, ElementType type, const Expand& expand) {
  Scratch scratch;
  Element* const values = scratch.take<Element>(columns * depth);
  if (b.k_stride == 1) {
    const int64_t ahead = k0 + 2 * depth <= b.outer_stride ? depth : columns * b.outer_stride - k0;  // of this row, or of the next panel's
    for (int64_t i = 0; i < columns; i++) {
      const int64_t first = (column + i) * b.outer_stride + k0;
      ask_for_codes(b.packed, first + ahead, depth);
      expand(b.packed, first, depth, values + i * depth);
    }
    return Block::pack_b(to, {values, type, depth, 1, {}}, 0, columns, 0, depth, rounding);
  }
  for (int64_t k = 0; k < depth; k++) {
    const int64_t first = (k0 + k) * b.k_stride + column;
    ask_for_codes(b.packed, first + kRowsAhead * b.k_stride, columns);
    expand(b.packed, first, columns, values + k * columns);
  }
  Block::pack_b(to, {values, type, 1, columns, {}}, 0, columns, 0, depth, rounding);
}

/** As Block::pack_b; a weight in fewer bits is expanded first, to words of bf16 where the block takes those. */
template <class Block>
inline void pack_b(typename Block::Element* to, const Factor& b, int64_t column, int64_t columns, int64_t k0, int64_t depth,
                   Rounding rounding) {
  if (!is_packed(b.type)) return Block::pack_b(to, b, column, columns, k0, depth, rounding);
#if defined(LLMF_ROUNDED_BLOCK)
  if constexpr (sizeof(typename Block::Element) == sizeof(uint16_t)) {
    if (rounding.scale == 1.0f) {
      return pack_b_expanded<Block, uint16_t>(to, b, column, columns, k0, depth, rounding, ElementType::u16, expand_words);
    }
  }
#endif
  pack_b_expanded<Block, float>(to, b, column, columns, k0, depth, rounding, ElementType::f32, expand_run);
}
