// SPDX-License-Identifier: Apache-2.0
// Rotates pairs (x_i, x_{i + R/2}) of each head by the token's angle (Su et al. 2021, in halves as GPT-NeoX):
//   y_i = x_i·cos − x_{i + R/2}·sin,   y_{i + R/2} = x_{i + R/2}·cos + x_i·sin,   the rest of the head as it is;
// interleaved (GPT-J), the pairs are (x_2i, x_{2i + 1}).
// x, y [T, H, D], cos and sin [T, R/2], float32; y may be x. `inverse` rotates back: also the gradient.

inline void turn_halves(const float* from, const float* cosine, const float* sine, float sign, int64_t half, float* to) {
  for (int64_t i = 0; i < half; i += kWidth) {
    const int64_t count = half - i;
    const Vec low = load_lanes(from + i, count), high = load_lanes(from + half + i, count);
    const Vec c = load_lanes(cosine + i, count), s = load_lanes(sine + i, count) * set(sign);
    store_lanes(to + i, low * c - high * s, count);
    store_lanes(to + half + i, high * c + low * s, count);
  }
}

inline void turn_neighbours(const float* from, const float* cosine, const float* sine, float sign, int64_t half, float* to) {
  for (int64_t i = 0; i < half; i++) {
    const float first = from[2 * i], second = from[2 * i + 1], s = sine[i] * sign;
    to[2 * i] = first * cosine[i] - second * s;
    to[2 * i + 1] = second * cosine[i] + first * s;
  }
}

void Rope::run() const {
  const float sign = inverse ? -1.0f : 1.0f;
  if (2 * half > size) return fail("more values are to be rotated than a head has");
  parallel_ranges(tokens, rows_per_task(heads * size), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; t++) {
      const float *const cosine = cosines + t * half, *const sine = sines + t * half;
      for (int64_t h = 0; h < heads; h++) {
        const float* const from = x + (t * heads + h) * size;
        float* const to = y + (t * heads + h) * size;
        if (interleaved) turn_neighbours(from, cosine, sine, sign, half, to);
        else turn_halves(from, cosine, sine, sign, half, to);
        if (to != from) memcpy(to + 2 * half, from + 2 * half, static_cast<size_t>(size - 2 * half) * sizeof(float));
      }
    }
  });
}
