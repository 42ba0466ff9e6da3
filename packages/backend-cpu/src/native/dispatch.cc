// SPDX-License-Identifier: Apache-2.0
#include "dispatch.h"

#include <cstring>
#include <string>

namespace llmf {

namespace scalar { const Kernel* kernels(); }
#if defined(__x86_64__)
namespace avx2 { const Kernel* kernels(); }
namespace avx512 { const Kernel* kernels(); }
#elif defined(__aarch64__)
namespace neon { const Kernel* kernels(); }
#endif

namespace {

struct Candidate {
  const char* name;
  bool (*runs_here)();
  const Kernel* (*kernels)();
};

bool always() { return true; }
#if defined(__x86_64__)
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

/** Worst first. */
const Candidate candidates[] = {
    {"scalar", always, scalar::kernels},
#if defined(__x86_64__)
    {"avx2", has_avx2, avx2::kernels},
    {"avx512", has_avx512, avx512::kernels},
#elif defined(__aarch64__)
    {"neon", always, neon::kernels},
#endif
};

}  // namespace

Path choose_path(const char* forced) {
  Path best{forced, nullptr};
  for (const Candidate& candidate : candidates) {
    const bool wanted = forced == nullptr || std::strcmp(forced, candidate.name) == 0;
    if (wanted && candidate.runs_here()) best = {candidate.name, candidate.kernels()};
  }
  return best;
}

const char* available_paths() {
  static const std::string names = [] {
    std::string list;
    for (const Candidate& candidate : candidates) {
      if (candidate.runs_here()) list += (list.empty() ? "" : ", ") + std::string(candidate.name);
    }
    return list;
  }();
  return names.c_str();
}

const char* const kernel_names[] = {
#define LLMF_KERNEL(name) #name,
#include "kernel-names.inc"
#undef LLMF_KERNEL
};
const int kernel_count = static_cast<int>(sizeof kernel_names / sizeof *kernel_names);

}  // namespace llmf
