// SPDX-License-Identifier: Apache-2.0
// The kernels of one unit for one instruction path, chosen by -DLLMF_PATH_<PATH>; the build compiles this file once per
// path and unit (addon/units.ts). The unit with LLMF_FIRST_UNIT also has what all units of the path share. The target is set by a pragma around the kernels only: what the standard library inlines stays at the baseline, so the
// linker may keep any path's copy of it. For the same reason kernels use no templates of the standard library.
#include <cmath>
#include <cstdint>
#include <cstring>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "arguments.h"
#include "denormals.h"
#include "dispatch.h"
#include "gemm/product.h"
#include "parallel.h"
#include "scratch.h"
#include "vector/bf16.h"

#if defined(LLMF_PATH_AVX2)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,bmi,bmi2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c,bmi,bmi2")
#endif
#define LLMF_PATH avx2
#define LLMF_VECTOR "vector/avx2.h"
#define LLMF_BLOCK_ROWS 6
#define LLMF_BLOCK_VECTORS 2
#elif defined(LLMF_PATH_AVX512)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl")
#endif
#define LLMF_PATH avx512
#define LLMF_VECTOR "vector/avx512.h"
#define LLMF_BLOCK_ROWS 12
#define LLMF_BLOCK_VECTORS 2
#elif defined(LLMF_PATH_AVX512BF16)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx512vbmi"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx512vbmi")
#endif
#define LLMF_PATH avx512bf16
#define LLMF_VECTOR "vector/avx512.h"
#define LLMF_BLOCK_ROWS 12
#define LLMF_BLOCK_VECTORS 2
#define LLMF_ROUNDED_BLOCK "gemm/bf16.h"
#define LLMF_CODE_PAIRS "gemm/code-pairs.h"
#define LLMF_CONVERTS_BF16
#elif defined(LLMF_PATH_AMX)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,amx-tile,amx-bf16"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,amx-tile,amx-bf16")
#endif
#define LLMF_PATH amx
#define LLMF_VECTOR "vector/avx512.h"
#define LLMF_BLOCK_ROWS 12
#define LLMF_BLOCK_VECTORS 2
#define LLMF_ROUNDED_BLOCK "gemm/amx.h"
#define LLMF_CONVERTS_BF16
#elif defined(LLMF_PATH_AMX_EMULATED)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl")
#endif
#define LLMF_PATH amx_emulated
#define LLMF_VECTOR "vector/avx512.h"
#define LLMF_BLOCK_ROWS 12
#define LLMF_BLOCK_VECTORS 2
#define LLMF_ROUNDED_BLOCK "gemm/amx.h"
#define LLMF_EMULATED_TILES
#elif defined(LLMF_PATH_NEON)
#define LLMF_PATH neon
#define LLMF_VECTOR "vector/neon.h"
#define LLMF_BLOCK_ROWS 8
#define LLMF_BLOCK_VECTORS 2
#else
#define LLMF_PATH scalar
#define LLMF_VECTOR "vector/scalar.h"
#define LLMF_BLOCK_ROWS 4
#define LLMF_BLOCK_VECTORS 4
#endif

namespace llmf {
namespace LLMF_PATH {

// What the path's units give to each other.
#define LLMF_KERNEL(type, name, signature) void run##type(Arguments& arguments);
#include "kernel-list.inc"
#undef LLMF_KERNEL
void gemm(const Product& p);

namespace {

#include LLMF_VECTOR
#include "vector/vector.h"

#include "gemm/ahead.h"
#include "gemm/sizes.h"
#include "gemm/pack.h"
#include "gemm/float32.h"

// What multiplies factors rounded to bf16.
#if defined(LLMF_ROUNDED_BLOCK)
#include "gemm/pairs.h"
#include LLMF_ROUNDED_BLOCK
#else
using RoundedBlock = Float32Block;
#endif

#include "gemm/gguf-blocks.h"
#include "gemm/expand.h"
#if defined(LLMF_ROUNDED_BLOCK)
#include "gemm/expand-words.h"
#endif
#include "gemm/pack-b.h"
#include "gemm/words.h"
#if defined(LLMF_CODE_PAIRS)
#include LLMF_CODE_PAIRS
#endif
#include "gemm/rows-in-lanes.h"
#include "gemm/few-rows.h"
#include "gemm/gemm.h"

#include "scatter.h"

// What kernels take, then the unit's kernels/*/*.cc and the code that reads a call: written by the build from the folders.
#include "kernel-calls.inc"
#include "lengths.h"
#include "kernel-sources.inc"

template <class Call>
void read_and_run(Arguments& arguments) {
  Call call;
  call.arguments = &arguments;
  if (call.read()) call.run();
}

}  // namespace

#define LLMF_KERNEL(type, name, signature) \
  void run##type(Arguments& arguments) { read_and_run<type>(arguments); }
#include "unit-kernels.inc"
#undef LLMF_KERNEL

#if defined(LLMF_FIRST_UNIT)
void gemm(const Product& p) {
  if (p.bf16) gemm_with<RoundedBlock>(p);
  else gemm_with<Float32Block>(p);
}

const Kernel* kernels() {
  static const Kernel table[] = {
#define LLMF_KERNEL(type, name, signature) &run##type,
#include "kernel-list.inc"
#undef LLMF_KERNEL
  };
  return table;
}
#endif

}  // namespace LLMF_PATH
}  // namespace llmf

#if defined(__x86_64__) && !defined(LLMF_PATH_SCALAR)
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
