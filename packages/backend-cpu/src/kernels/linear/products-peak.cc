// SPDX-License-Identifier: Apache-2.0
// What products on this path could reach at most: multiply-adds in registers, or where factors are rounded to bf16 what
// multiplies those, by every thread at once. Nothing is loaded. `done` gets the operations, which the caller times.

constexpr int kChains = 12;  // in flight: enough to hide the latency of a multiply-add on two ports

double multiply_adds(int64_t steps, float* sink) {
  Vec sums[kChains];
#pragma GCC unroll 12
  for (int c = 0; c < kChains; c++) sums[c] = set(*sink + static_cast<float>(c));
  const Vec factor = set(0.999f + *sink), term = set(0.001f);
  for (int64_t step = 0; step < steps; step++) {
#pragma GCC unroll 12
    for (int c = 0; c < kChains; c++) sums[c] = fma(sums[c], factor, term);
  }
  Vec total = zero();
#pragma GCC unroll 12
  for (int c = 0; c < kChains; c++) total = total + sums[c];
  *sink = sum_of(total);
  return 2.0 * static_cast<double>(steps) * kChains * kWidth;
}

#if defined(LLMF_PATH_AMX) || defined(LLMF_PATH_AMX_EMULATED)
double rounded_multiply_adds(int64_t steps, float*) {
  const RoundedBlock::Session session;
  zero_tile<0>(), zero_tile<1>(), zero_tile<2>(), zero_tile<3>(), zero_tile<4>(), zero_tile<5>(), zero_tile<6>(), zero_tile<7>();
  for (int64_t step = 0; step < steps; step++) {
    multiply_tiles<0, 4, 6>(), multiply_tiles<1, 4, 7>(), multiply_tiles<2, 5, 6>(), multiply_tiles<3, 5, 7>();
  }
  return 4.0 * static_cast<double>(steps) * 2 * 16 * 16 * 32;
}
#elif defined(LLMF_PATH_AVX512BF16)
double rounded_multiply_adds(int64_t steps, float* sink) {
  Vec sums[kChains];
#pragma GCC unroll 12
  for (int c = 0; c < kChains; c++) sums[c] = set(*sink + static_cast<float>(c));
  const __m512bh pairs = _mm512_cvtne2ps_pbh(set(0.5f + *sink), set(0.25f));
  for (int64_t step = 0; step < steps; step++) {
#pragma GCC unroll 12
    for (int c = 0; c < kChains; c++) sums[c] = _mm512_dpbf16_ps(sums[c], pairs, pairs);
  }
  Vec total = zero();
#pragma GCC unroll 12
  for (int c = 0; c < kChains; c++) total = total + sums[c];
  *sink = sum_of(total);
  return 4.0 * static_cast<double>(steps) * kChains * kWidth;
}
#else
double rounded_multiply_adds(int64_t steps, float* sink) { return multiply_adds(steps, sink); }
#endif

void ProductsPeak::run() const {
  const Shared shared(true);  // its arrays are small, its work is not
  const int64_t workers = threads();
  Scratch scratch;
  double* const each = scratch.take<double>(8 * workers);  // a cache line apart
  parallel(workers, [&](int64_t worker) {
    float sink = 0;
    each[8 * worker] = rounds ? rounded_multiply_adds(steps, &sink) : multiply_adds(steps, &sink);
    each[8 * worker + 1] = static_cast<double>(sink);
  });
  double sum = 0;
  for (int64_t worker = 0; worker < workers; worker++) sum += each[8 * worker];
  done[0] = static_cast<float>(sum);
}
