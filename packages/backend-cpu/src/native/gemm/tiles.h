// SPDX-License-Identifier: Apache-2.0
// AMX's eight tiles of 16 rows × 64 bytes: the processor's, or where LLMF_EMULATED_TILES is set a software model of the
// same operations (Intel SDM volume 2, TDPBF16PS: a row of A times pairs of B, in order of k, denormals flushed).
// Included inside the namespace of an instruction path that has tiles.

/** As LDTILECFG reads it. */
struct TileShapes {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
};
static_assert(sizeof(TileShapes) == 64);

#if defined(LLMF_EMULATED_TILES)

struct EmulatedTiles {
  TileShapes shapes;
  alignas(64) uint8_t bytes[8][16][64];
};
inline thread_local EmulatedTiles emulated_tiles;

inline void load_tile_shapes(const TileShapes* shapes) { emulated_tiles.shapes = *shapes; }
inline void release_tiles() { emulated_tiles.shapes = {}; }

template <int kTile>
inline void zero_tile() {
  memset(emulated_tiles.bytes[kTile], 0, sizeof emulated_tiles.bytes[kTile]);
}
template <int kTile>
inline void load_tile(const void* from, int64_t stride) {
  zero_tile<kTile>();
  for (int row = 0; row < emulated_tiles.shapes.rows[kTile]; row++) {
    memcpy(emulated_tiles.bytes[kTile][row], static_cast<const char*>(from) + row * stride,
           emulated_tiles.shapes.row_bytes[kTile]);
  }
}
template <int kTile>
inline void store_tile(void* to, int64_t stride) {
  for (int row = 0; row < emulated_tiles.shapes.rows[kTile]; row++) {
    memcpy(static_cast<char*>(to) + row * stride, emulated_tiles.bytes[kTile][row],
           emulated_tiles.shapes.row_bytes[kTile]);
  }
}
template <int kSums, int kLeft, int kRight>
inline void multiply_tiles() {
  for (int m = 0; m < emulated_tiles.shapes.rows[kSums]; m++) {
    const uint16_t* const left = reinterpret_cast<const uint16_t*>(emulated_tiles.bytes[kLeft][m]);
    float* const sums = reinterpret_cast<float*>(emulated_tiles.bytes[kSums][m]);
    for (int k = 0; k < emulated_tiles.shapes.rows[kRight]; k++) {
      const uint16_t* const right = reinterpret_cast<const uint16_t*>(emulated_tiles.bytes[kRight][k]);
      for (int n = 0; n < emulated_tiles.shapes.row_bytes[kSums] / 4; n++) {
        sums[n] += bf16_to_float(left[2 * k]) * bf16_to_float(right[2 * n]);
        sums[n] += bf16_to_float(left[2 * k + 1]) * bf16_to_float(right[2 * n + 1]);
      }
    }
  }
}

#else

// The compilers' own _tile_loadconfig reads, as g++ 12 sees it, only the first 8 bytes: the rest is then never stored.
inline void load_tile_shapes(const TileShapes* shapes) { asm volatile("ldtilecfg %0" ::"m"(*shapes)); }
inline void release_tiles() { asm volatile("tilerelease"); }

// The tile's number is part of the instruction.
template <int kTile>
inline void zero_tile() {
  asm volatile("tilezero %%tmm%c0" ::"i"(kTile));
}
template <int kTile>
inline void load_tile(const void* from, int64_t stride) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(stride), "i"(kTile) : "memory");
}
template <int kTile>
inline void store_tile(void* to, int64_t stride) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(to), "r"(stride), "i"(kTile) : "memory");
}
template <int kSums, int kLeft, int kRight>
inline void multiply_tiles() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(kSums), "i"(kLeft), "i"(kRight));
}

#endif
