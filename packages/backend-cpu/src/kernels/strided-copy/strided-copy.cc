// SPDX-License-Identifier: Apache-2.0
// Copies an array of up to 8 axes of four-byte values between two layouts: slice, split, concat, transpose and tile are
// all this. Source and target do not overlap.

/** Where the last two axes of the source are exchanged in the target: blocks, so that both sides stay in cache. */
void copy_exchanged(const uint32_t* from, uint32_t* to, int64_t rows, int64_t columns, int64_t from_stride,
                    int64_t to_stride) {
  constexpr int64_t kBlock = 16;
  for (int64_t i0 = 0; i0 < rows; i0 += kBlock) {
    const int64_t i1 = i0 + kBlock < rows ? i0 + kBlock : rows;
    for (int64_t j0 = 0; j0 < columns; j0 += kBlock) {
      const int64_t j1 = j0 + kBlock < columns ? j0 + kBlock : columns;
      for (int64_t i = i0; i < i1; i++) {
        for (int64_t j = j0; j < j1; j++) to[i * to_stride + j] = from[i + j * from_stride];
      }
    }
  }
}

void StridedCopy::run() const {
  if (axes < 1) return fail("at least one axis is needed");
  const int64_t count = elements(axes, sizes);
  if (count == 0) return;

  const int inner = static_cast<int>(axes) - 1;
  const int64_t columns = sizes[inner], from_step = from_strides[inner], to_step = to_strides[inner];
  const bool exchanged = axes >= 2 && to_step == 1 && from_step != 1 && from_strides[inner - 1] == 1;
  const int outer_axes = exchanged ? inner - 1 : inner;
  int64_t outer = 1;
  for (int axis = 0; axis < outer_axes; axis++) outer *= sizes[axis];
  const int64_t per_piece = count / outer;
  parallel_ranges(outer, rows_per_task(per_piece), [&](int64_t begin, int64_t end) {
    for (int64_t piece = begin; piece < end; piece++) {
      int64_t rest = piece, source = from_offset, target = to_offset;
      for (int axis = outer_axes - 1; axis >= 0; axis--) {
        const int64_t index = rest % sizes[axis];
        rest /= sizes[axis];
        source += index * from_strides[axis];
        target += index * to_strides[axis];
      }
      if (exchanged) {
        copy_exchanged(from + source, to + target, sizes[inner - 1], columns, from_step, to_strides[inner - 1]);
      } else if (from_step == 1 && to_step == 1) {
        memcpy(to + target, from + source, static_cast<size_t>(columns) * 4);
      } else {
        for (int64_t i = 0; i < columns; i++) to[target + i * to_step] = from[source + i * from_step];
      }
    }
  });
}
