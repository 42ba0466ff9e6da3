// SPDX-License-Identifier: Apache-2.0
// y[outer, inner] = op over r of x[outer, r, inner], times `scale`. float32; the order of additions depends on the shape
// only. op: 0 sum, 1 maximum, 2 minimum, 3 sum of squares; NaN passes.

struct Addition {
  using Joined = Addition;  // joins the results of pieces
  static Vec take(Vec x) { return x; }
  static float take_one(float x) { return x; }
  static Vec identity() { return zero(); }
  static Vec combine(Vec a, Vec b) { return a + b; }
  static float fold(Vec lanes) { return sum_of(lanes); }
  static float join(float a, float b) { return a + b; }
};

struct Maximum {
  using Joined = Maximum;
  static Vec take(Vec x) { return x; }
  static float take_one(float x) { return x; }
  static Vec identity() { return set(-__builtin_inff()); }
  static Vec combine(Vec a, Vec b) { return larger_or_nan(a, b); }
  static float fold(Vec lanes) {
    float values[kWidth], result = -__builtin_inff();
    store(values, lanes);
    for (float value : values) result = join(result, value);
    return result;
  }
  static float join(float a, float b) { return a != a ? a : a > b ? a : b; }
};

struct Minimum {
  using Joined = Minimum;
  static Vec take(Vec x) { return x; }
  static float take_one(float x) { return x; }
  static Vec identity() { return set(__builtin_inff()); }
  static Vec combine(Vec a, Vec b) { return smaller_or_nan(a, b); }
  static float fold(Vec lanes) {
    float values[kWidth], result = __builtin_inff();
    store(values, lanes);
    for (float value : values) result = join(result, value);
    return result;
  }
  static float join(float a, float b) { return a != a ? a : a < b ? a : b; }
};

struct SquaresAddition : Addition {
  static Vec take(Vec x) { return x * x; }
  static float take_one(float x) { return x * x; }
};

/** A contiguous run: long ones by halves, so that rounding grows with the logarithm of their length only. */
template <class Operation>
float reduce_run(const float* x, int64_t count) {
  constexpr int64_t kPiece = 2048;
  if (count > kPiece) {
    const int64_t half = (count / 2 + kPiece - 1) / kPiece * kPiece;
    return Operation::join(reduce_run<Operation>(x, half), reduce_run<Operation>(x + half, count - half));
  }
  Vec first = Operation::identity(), second = Operation::identity();
  int64_t i = 0;
  for (; i + 2 * kWidth <= count; i += 2 * kWidth) {
    first = Operation::combine(first, Operation::take(load(x + i)));
    second = Operation::combine(second, Operation::take(load(x + i + kWidth)));
  }
  float result = Operation::fold(Operation::combine(first, second));
  for (; i < count; i++) result = Operation::join(result, Operation::take_one(x[i]));
  return result;
}

template <class Operation>
void reduce_rows(const float* x, float* y, int64_t outer, int64_t length, float scale) {
  constexpr int64_t kPiece = 65536;
  if (outer == 1 && length > 2 * kPiece) {  // one long run: pieces of fixed length
    const int64_t pieces = (length + kPiece - 1) / kPiece;
    Scratch scratch;
    float* const parts = scratch.take<float>(pieces);
    parallel(pieces, [&](int64_t piece) {
      const int64_t begin = piece * kPiece;
      parts[piece] = reduce_run<Operation>(x + begin, length - begin < kPiece ? length - begin : kPiece);
    });
    y[0] = scale * reduce_run<typename Operation::Joined>(parts, pieces);
    return;
  }
  parallel_ranges(outer, rows_per_task(length), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) y[row] = scale * reduce_run<Operation>(x + row * length, length);
  });
}

template <class Operation>
void reduce_columns(const float* x, float* y, int64_t outer, int64_t length, int64_t inner, float scale) {
  constexpr int64_t kStrip = 256;
  const int64_t strips = (inner + kStrip - 1) / kStrip;
  parallel(outer * strips, [&](int64_t task) {
    const int64_t row = task / strips, begin = task % strips * kStrip;
    const int64_t end = begin + kStrip < inner ? begin + kStrip : inner;
    const float* const from = x + row * length * inner;
    for (int64_t i = begin; i < end; i += kWidth) {
      Vec result = Operation::identity();
      for (int64_t r = 0; r < length; r++) {
        result = Operation::combine(result, Operation::take(load_lanes(from + r * inner + i, end - i)));
      }
      store_lanes(y + row * inner + i, result * set(scale), end - i);
    }
  });
}

void Reduce::run() const {
  const auto run = [&](auto op) {
    using Operation = decltype(op);
    if (inner == 1) reduce_rows<Operation>(x, y, outer, length, scale);
    else reduce_columns<Operation>(x, y, outer, length, inner, scale);
  };
  switch (operation) {
    case 0: return run(Addition{});
    case 1: return run(Maximum{});
    case 2: return run(Minimum{});
    case 3: return run(SquaresAddition{});
    default: return fail("unknown operation");
  }
}
