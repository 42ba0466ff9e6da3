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

/** Reads gate, up and kept, of which either the first two or the last are given. */
template <class Work>
void with_gated(int64_t count, bool rounds, Arguments& arguments, const Work& work) {
  const float* const gate = arguments.optional_floats(count);
  const float* const up = arguments.optional_floats(count);
  const uint16_t* const kept = reinterpret_cast<const uint16_t*>(arguments.optional_integers(count));
  if (count > 0 && !kept && (!gate || !up)) arguments.fail("neither gate and up nor what was kept of them");
  return kept ? work(GatedWords{kept, kept + count}) : work(GatedFloats{gate, up, rounds});
}

void swiglu(Arguments& arguments) {
  const int64_t count = arguments.size();
  const bool rounds = arguments.integer() != 0;
  with_gated(count, rounds, arguments, [&](const auto& gated) {
    float* const y = arguments.output(count);
    uint16_t* const kept = reinterpret_cast<uint16_t*>(arguments.optional_output_integers(count));
    if (!arguments.ok()) return;
    parallel_ranges(count, 8192, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i += kWidth) {
        const Gated values = gated.at(i, end - i);
        store_lanes(y + i, values.gate * logistic(values.gate) * values.up, end - i);
        if (!kept) continue;
        store_bf16_lanes(kept + i, values.gate, end - i);
        store_bf16_lanes(kept + count + i, values.up, end - i);
      }
    });
  });
}

void swiglu_gradient(Arguments& arguments) {
  const int64_t count = arguments.size();
  const bool rounds = arguments.integer() != 0;
  const float* const dy = arguments.floats(count);
  with_gated(count, rounds, arguments, [&](const auto& gated) {
    float* const d_gate = arguments.output(count);
    float* const d_up = arguments.output(count);
    if (!arguments.ok()) return;
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
