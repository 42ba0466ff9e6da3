// SPDX-License-Identifier: Apache-2.0
#include "dispatch.h"

#include <cstring>
#include <string>
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace llmf {

namespace scalar { const Kernel* kernels(); }
namespace avx2 { const Kernel* kernels(); }
namespace avx512 { const Kernel* kernels(); }
namespace avx512bf16 { const Kernel* kernels(); }
namespace amx { const Kernel* kernels(); }
namespace amx_emulated { const Kernel* kernels(); }
namespace neon { const Kernel* kernels(); }

namespace {

bool always() { return true; }
bool never() { return false; }

struct Candidate {
  const char* name;
  bool (*runs_here)();
  const Kernel* (*kernels)();
  bool multiplies_bf16 = false;  // with instructions of its own
  bool (*by_itself)() = always;  // else it is taken by name only
};

#if defined(__x86_64__)
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
bool has_avx512bf16() { return has_avx512() && __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vbmi"); }
/** Intel's take twice as long for vdpbf16ps as for a multiply-add of float32: products through float32 are faster there. */
bool adds_pairs_fast() { return !__builtin_cpu_is("intel"); }
/** The processor's tiles, which the system lends on request: 8 KB more state per thread. For the process, once. */
bool has_amx() {
#if defined(__linux__)
  static const bool granted = [] {
    unsigned a = 0, b = 0, c = 0, d = 0;
    constexpr unsigned kBf16 = 1u << 22, kTile = 1u << 24;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & kBf16) == 0 || (d & kTile) == 0) return false;
    constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    return has_avx512bf16() && syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  }();
  return granted;
#else
  return false;
#endif
}
#endif

/** Those that this binary was compiled with, worst first. */
const Candidate candidates[] = {
#if defined(LLMF_HAS_SCALAR)
    {"scalar", always, scalar::kernels},
#endif
#if defined(LLMF_HAS_AVX2)
    {"avx2", has_avx2, avx2::kernels},
#endif
#if defined(LLMF_HAS_AVX512)
    {"avx512", has_avx512, avx512::kernels},
#endif
#if defined(LLMF_HAS_AVX512BF16)
    {"avx512bf16", has_avx512bf16, avx512bf16::kernels, true, adds_pairs_fast},
#endif
#if defined(LLMF_HAS_AMX)
    {"amx", has_amx, amx::kernels, true},
#endif
#if defined(LLMF_HAS_AMX_EMULATED)
    {"amx-emulated", has_avx512, amx_emulated::kernels, true, never},
#endif
#if defined(LLMF_HAS_NEON)
    {"neon", always, neon::kernels},
#endif
};

}  // namespace

Path choose_path(const char* forced) {
  Path best{forced == nullptr ? "" : forced, nullptr, false};
  for (const Candidate& candidate : candidates) {
    const bool wanted = forced == nullptr ? candidate.by_itself() : std::strcmp(forced, candidate.name) == 0;
    if (wanted && candidate.runs_here()) {
      best = {candidate.name, candidate.kernels(), candidate.multiplies_bf16};
    }
  }
  return best;
}

const char* available_paths() {
  static const std::string names = [] {
    std::string list;
    for (const Candidate& candidate : candidates) {
      if (candidate.by_itself != never && candidate.runs_here()) list += (list.empty() ? "" : ", ") + std::string(candidate.name);
    }
    return list;
  }();
  return names.c_str();
}

const KernelEntry kernel_list[] = {
#define LLMF_KERNEL(type, name, signature) {name, signature},
#include "kernel-list.inc"
#undef LLMF_KERNEL
};
const int kernel_count = static_cast<int>(sizeof kernel_list / sizeof *kernel_list);

}  // namespace llmf
