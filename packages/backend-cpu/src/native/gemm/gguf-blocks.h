// SPDX-License-Identifier: Apache-2.0
// The blocks of GGUF files as float32, to the bit as packages/quantization/src/gguf-blocks.ts expands them: d and m are
// halves, q codes. Codes are taken apart as bytes first, then multiplied a vector at a time. Included inside the namespace
// of an instruction path.

constexpr int64_t kLargestBlock = 256;

inline float half_at(const uint8_t* bytes) {
  uint16_t bits;
  memcpy(&bits, bytes, sizeof bits);
  return f16_to_float(bits);
}

/** Codes [0, count) · scale, plus `offset` where there is one; a zero added would turn −0 into 0. */
template <bool has_offset>
inline void scale_codes(const int8_t* codes, int64_t count, float scale, float offset, float* to) {
  const Vec by = set(scale), plus = set(offset);
  for (int64_t i = 0; i < count; i += kWidth) {
    const Vec product = load_int8(codes + i) * by;
    if constexpr (has_offset) store(to + i, product + plus);
    else store(to + i, product);
  }
}

/** 16 bytes: the lower halves are codes 0 to 15, the upper ones 16 to 31; less `zero`. */
inline void take_nibbles(const uint8_t* bytes, int zero, int8_t* codes) {
  for (int i = 0; i < 16; i++) {
    codes[i] = static_cast<int8_t>((bytes[i] & 15) - zero);
    codes[16 + i] = static_cast<int8_t>((bytes[i] >> 4) - zero);
  }
}

/** As take_nibbles, with a fifth bit of each code from 4 bytes before them. */
inline void take_five_bits(const uint8_t* bytes, int zero, int8_t* codes) {
  uint32_t fifth;
  memcpy(&fifth, bytes, sizeof fifth);
  for (int i = 0; i < 32; i++) {
    const int low = (bytes[4 + (i & 15)] >> (i < 16 ? 0 : 4)) & 15;
    codes[i] = static_cast<int8_t>((low | ((fifth >> i & 1) << 4)) - zero);
  }
}

/** Scale and least value of one of eight runs: 6 bits each in 12 bytes, the upper bits of the last four apart. */
struct RunScale {
  float scale, least;
  RunScale(const uint8_t* block, int run) {
    const uint8_t* const six = block + 4;
    const int s = run < 4 ? six[run] & 63 : (six[run + 4] & 15) | (six[run - 4] >> 6) << 4;
    const int m = run < 4 ? six[run + 4] & 63 : (six[run + 4] >> 4) | (six[run] >> 6) << 4;
    scale = half_at(block) * static_cast<float>(s), least = half_at(block + 2) * static_cast<float>(m);
  }
};

/** Eight runs of 32; `fifth`: bytes that hold a fifth bit of each code, or null. */
inline void expand_runs(const uint8_t* block, const uint8_t* fifth, const uint8_t* nibbles, float* to) {
  for (int run = 0; run < 8; run++) {
    const RunScale of(block, run);
    alignas(64) int8_t codes[32];
    for (int i = 0; i < 32; i++) {
      const int high = fifth ? (fifth[i] >> run & 1) << 4 : 0;
      codes[i] = static_cast<int8_t>(((nibbles[32 * (run >> 1) + i] >> (4 * (run & 1))) & 15) | high);
    }
    scale_codes<true>(codes, 32, of.scale, -of.least, to + 32 * run);
  }
}

inline void expand_q6_k(const uint8_t* block, float* to) {
  alignas(64) int8_t codes[kLargestBlock];
  for (int half = 0; half < 2; half++) {
    for (int i = 0; i < 128; i++) {
      const int low = (block[64 * half + (i & 63)] >> (i < 64 ? 0 : 4)) & 15;
      const int high = (block[128 + 32 * half + (i & 31)] >> (2 * (i >> 5))) & 3;
      codes[128 * half + i] = static_cast<int8_t>((low | high << 4) - 32);
    }
  }
  const float d = half_at(block + 208);
  for (int run = 0; run < 16; run++) {
    const float scale = d * static_cast<float>(static_cast<int8_t>(block[192 + run]));
    scale_codes<false>(codes + 16 * run, 16, scale, 0, to + 16 * run);
  }
}

/** One block, whole. */
inline void expand_block(BlockKind kind, const uint8_t* block, float* to) {
  alignas(64) int8_t codes[32];
  switch (kind) {
    case BlockKind::q8_0:
      memcpy(codes, block + 2, 32);
      return scale_codes<false>(codes, 32, half_at(block), 0, to);
    case BlockKind::q4_0: take_nibbles(block + 2, 8, codes); return scale_codes<false>(codes, 32, half_at(block), 0, to);
    case BlockKind::q4_1:
      take_nibbles(block + 4, 0, codes);
      return scale_codes<true>(codes, 32, half_at(block), half_at(block + 2), to);
    case BlockKind::q5_0: take_five_bits(block + 2, 16, codes); return scale_codes<false>(codes, 32, half_at(block), 0, to);
    case BlockKind::q5_1:
      take_five_bits(block + 4, 0, codes);
      return scale_codes<true>(codes, 32, half_at(block), half_at(block + 2), to);
    case BlockKind::q4_k: return expand_runs(block, nullptr, block + 16, to);
    case BlockKind::q5_k: return expand_runs(block, block + 16, block + 48, to);
    case BlockKind::q6_k: return expand_q6_k(block, to);
  }
}

/** Elements [first, first + count); a block that the run begins or ends within is expanded beside. */
inline void expand_blocks(const PackedParts& parts, int64_t first, int64_t count, float* to) {
  const BlockKind kind = static_cast<BlockKind>(parts.run);
  const auto [weights, bytes] = shape_of(kind);
  const int64_t end = first + count;
  for (int64_t i = first; i < end;) {
    const int64_t start = i / weights * weights, stop = smaller_size(end, start + weights);
    const uint8_t* const block = static_cast<const uint8_t*>(parts.codes) + i / weights * bytes;
    if (i == start && stop == start + weights) {
      expand_block(kind, block, to + (i - first));
    } else {
      alignas(64) float whole[kLargestBlock];
      expand_block(kind, block, whole);
      memcpy(to + (i - first), whole + (i - start), static_cast<size_t>(stop - i) * sizeof(float));
    }
    i = stop;
  }
}

/** Codes of 4 bits less their group's zero, times its scale; each column belongs to a group, as GPTQ's g_idx has it. */
inline void expand_groups(const PackedParts& parts, int64_t first, int64_t count, float* to) {
  const uint8_t* const bytes = static_cast<const uint8_t*>(parts.codes);
  for (int64_t i = first, end = first + count; i < end; i++) {
    const int64_t row = i / parts.run, column = i % parts.run;
    const int64_t group = row * parts.groups + parts.column_groups[column];
    const int code = i % 2 == 0 ? bytes[i / 2] >> 4 : bytes[i / 2] & 15;
    to[i - first] = static_cast<float>(code - parts.zeros[group]) * parts.scales[group];
  }
}
