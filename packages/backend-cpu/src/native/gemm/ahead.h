// SPDX-License-Identifier: Apache-2.0
// What a thread will pack next, asked for while it multiplies: reading a weight from memory then costs no time of its own.
// Included inside the namespace of an instruction path.

/** Rows of bytes, asked for in order, a few lines at each turn. */
struct Ahead {
  const char* row = nullptr;
  int64_t row_bytes = 0, stride = 0, rows = 0;  // `rows` of them are left, `stride` bytes apart
  int64_t at = 0;                               // bytes of the first one that were asked for
  int64_t lines = 0;                            // at each turn

  inline __attribute__((always_inline)) void turn() {
    for (int64_t line = 0; line < lines && rows > 0; line++) {
      __builtin_prefetch(row + at, 0, 2);
      at += 64;
      if (at >= row_bytes) at = 0, row += stride, rows--;
    }
  }

  /** All of it is asked for in so many turns. */
  void spread(int64_t turns) { lines = rows * ((row_bytes + 63) / 64) / (turns > 0 ? turns : 1) + 1; }
};

/** So many lines of packed elements, to the second-level cache. */
template <int kLines>
inline __attribute__((always_inline)) void ask_for_next(const void* elements) {
#pragma GCC unroll 4
  for (int line = 0; line < kLines; line++) __builtin_prefetch(static_cast<const char*>(elements) + 64 * line, 0, 2);
}

/** Where columns [column, column + columns) and k in [k0, k0 + depth) of a factor lie; nothing for storages that do not tell. */
inline Ahead ahead_of(const Factor& b, int64_t column, int64_t columns, int64_t k0, int64_t depth) {
  int64_t bits = 0;
  const char* data = static_cast<const char*>(b.data);
  switch (b.type) {
    case ElementType::f32: bits = 32; break;
    case ElementType::u16: bits = 16; break;
    case ElementType::eight_bits:
    case ElementType::four_bits:
      bits = b.type == ElementType::four_bits ? 4 : 8;
      data = static_cast<const char*>(b.packed.parts.codes) + b.packed.start * bits / 8;
      break;
    default: return {};
  }
  const bool k_runs = b.k_stride == 1;
  if (!k_runs && b.outer_stride != 1) return {};
  const int64_t first = column * b.outer_stride + k0 * b.k_stride;
  return {data + first * bits / 8, (k_runs ? depth : columns) * bits / 8, (k_runs ? b.outer_stride : b.k_stride) * bits / 8,
          k_runs ? columns : depth};
}
