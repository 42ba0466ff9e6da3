// SPDX-License-Identifier: Apache-2.0
// y = silu(gate) ∘ up, silu(g) = g·σ(g) (Shazeer 2020), elementwise float32, and its gradient
//   dUp = dy ∘ silu(gate),   dGate = dy ∘ up ∘ σ(gate)·(1 + gate·(1 − σ(gate))).
// A run in bf16 rounds gate and up, and keeps them for the reverse pass in half the memory: `kept` holds count words of
// gate, then count words of up.

struct Gated {
  Vec gate, up;
};

/** As the layers wrote them, or rounded to bf16. */
struct GatedFloats {
  const float *gate, *up;
  bool rounds;
  Gated at(int64_t i, int64_t lanes) const {
    const Gated values{load_lanes(gate + i, lanes), load_lanes(up + i, lanes)};
    return rounds ? Gated{round_to_bf16(values.gate), round_to_bf16(values.up)} : values;
  }
};

struct GatedWords {
  const uint16_t *gate, *up;
  Gated at(int64_t i, int64_t lanes) const { return {load_bf16_lanes(gate + i, lanes), load_bf16_lanes(up + i, lanes)}; }
};

/** Work on gate and up, or on what was kept of them, of a call that is given either. */
template <class Call, class Work>
void with_gated(const Call& call, const Work& work) {
  const bool has_neither = !call.kept && (!call.gate || !call.up);
  if (call.count > 0 && has_neither) return call.fail("neither gate and up nor what was kept of them");
  const uint16_t* const words = reinterpret_cast<const uint16_t*>(call.kept);
  return words ? work(GatedWords{words, words + call.count}) : work(GatedFloats{call.gate, call.up, call.rounds});
}

void Swiglu::run() const {
  uint16_t* const words = reinterpret_cast<uint16_t*>(keep);
  with_gated(*this, [&](const auto& gated) {
    parallel_ranges(count, 8192, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i += kWidth) {
        const Gated values = gated.at(i, end - i);
        store_lanes(y + i, values.gate * logistic(values.gate) * values.up, end - i);
        if (!words) continue;
        store_bf16_lanes(words + i, values.gate, end - i);
        store_bf16_lanes(words + count + i, values.up, end - i);
      }
    });
  });
}

void SwigluGradient::run() const {
  with_gated(*this, [&](const auto& gated) {
    parallel_ranges(count, 8192, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i += kWidth) {
        const int64_t n = end - i;
        const Gated values = gated.at(i, n);
        const Vec g = values.gate, d = load_lanes(dy + i, n), sigma = logistic(g);
        store_lanes(d_up + i, d * g * sigma, n);
        store_lanes(d_gate + i, d * values.up * sigma * fma(g, set(1.0f) - sigma, set(1.0f)), n);
      }
    });
  });
}
