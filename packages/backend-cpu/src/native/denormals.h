// SPDX-License-Identifier: Apache-2.0
// Denormal operands cost over a hundred cycles each: masked attention probabilities near 1e-38 made a whole training
// step 2.7 times slower. Kernels flush them to zero, unless they say otherwise, and restore the caller's setting, because
// JS must see denormals.
#pragma once
#include <cstdint>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace llmf {

/** While an object of it exists, its thread flushes denormals, or does not. */
template <bool kFlushes>
class Denormals {
 public:
#if defined(__x86_64__)
  Denormals() : saved_(_mm_getcsr()) {
    constexpr unsigned kBits = 0x8040u;  // FTZ | DAZ
    const unsigned before = static_cast<unsigned>(saved_);
    _mm_setcsr(kFlushes ? before | kBits : before & ~kBits);
  }
  ~Denormals() { _mm_setcsr(static_cast<unsigned>(saved_)); }
#elif defined(__aarch64__)
  Denormals() {
    constexpr uint64_t kBit = uint64_t{1} << 24;  // FZ
    asm volatile("mrs %0, fpcr" : "=r"(saved_));
    asm volatile("msr fpcr, %0" ::"r"(kFlushes ? saved_ | kBit : saved_ & ~kBit));
  }
  ~Denormals() { asm volatile("msr fpcr, %0" ::"r"(saved_)); }
#else
  Denormals() : saved_(0) {}
#endif
  Denormals(const Denormals&) = delete;
  Denormals& operator=(const Denormals&) = delete;

 private:
  uint64_t saved_;
};
using FlushDenormals = Denormals<true>;
/** For kernels that must give what JS gives of any number. */
using KeepDenormals = Denormals<false>;

}  // namespace llmf
