// SPDX-License-Identifier: Apache-2.0
// y = op(a, b) with broadcasting. float32. Shapes come collapsed: up to 8 axes, strides 0 where an operand repeats; the
// last axis of each operand is contiguous or repeats. y may be a or b where that one does not repeat.

struct Broadcast {
  int axes;
  const int32_t *sizes, *a_strides, *b_strides;

  /** Offsets of the first element of a row (all axes but the last). */
  void locate(int64_t row, int64_t* a, int64_t* b) const {
    *a = *b = 0;
    for (int axis = axes - 2; axis >= 0; axis--) {
      const int64_t index = row % sizes[axis];
      row /= sizes[axis];
      *a += index * a_strides[axis];
      *b += index * b_strides[axis];
    }
  }
};

template <class Operation>
void apply_binary(const Broadcast& shape, const float* a, const float* b, float* y, int64_t rows, Operation op) {
  const int64_t columns = shape.sizes[shape.axes - 1];
  const bool a_repeats = shape.a_strides[shape.axes - 1] == 0, b_repeats = shape.b_strides[shape.axes - 1] == 0;
  // A range of rows, or of columns where there is one row only.
  const auto compute = [&](int64_t row, int64_t begin, int64_t end) {
    int64_t a_start, b_start;
    shape.locate(row, &a_start, &b_start);
    const float *const left = a + a_start, *const right = b + b_start;
    float* const to = y + row * columns;
    const Vec a_value = a_repeats ? set(*left) : zero(), b_value = b_repeats ? set(*right) : zero();
    for (int64_t i = begin; i < end; i += kWidth) {
      const Vec x = a_repeats ? a_value : load_lanes(left + i, end - i);
      const Vec z = b_repeats ? b_value : load_lanes(right + i, end - i);
      store_lanes(to + i, op(x, z), end - i);
    }
  };
  if (rows == 1) {
    parallel_ranges(columns, 16384, [&](int64_t begin, int64_t end) { compute(0, begin, end); });
  } else {
    parallel_ranges(rows, rows_per_task(columns), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; row++) compute(row, 0, columns);
    });
  }
}

void Binary::run() const {
  if (axes < 1) return fail("at least one axis is needed");
  const int64_t count = elements(axes, sizes);
  if (count == 0) return;
  const Broadcast shape{static_cast<int>(axes), sizes, a_strides, b_strides};
  const int64_t rows = count / sizes[axes - 1];
  switch (operation) {
    case 0: return apply_binary(shape, a, b, y, rows, [](Vec x, Vec z) { return x + z; });
    case 1: return apply_binary(shape, a, b, y, rows, [](Vec x, Vec z) { return x - z; });
    case 2: return apply_binary(shape, a, b, y, rows, [](Vec x, Vec z) { return x * z; });
    case 3: return apply_binary(shape, a, b, y, rows, [](Vec x, Vec z) { return x / z; });
    case 4: return apply_binary(shape, a, b, y, rows, [](Vec x, Vec z) { return larger_or_nan(x, z); });
    case 5: return apply_binary(shape, a, b, y, rows, [](Vec x, Vec z) { return smaller_or_nan(x, z); });
    case 6: return apply_binary(shape, a, b, y, rows, [](Vec x, Vec z) { return (x - z) * (x - z); });
    default: return fail("unknown operation");
  }
}
