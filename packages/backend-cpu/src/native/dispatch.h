// SPDX-License-Identifier: Apache-2.0
// A binary holds one instruction path or more, a published one every path of its architecture; the best one that the
// processor has is chosen at run time.
#pragma once
#include "arguments.h"

namespace llmf {

struct Path {
  const char* name;
  const Kernel* kernels;
  bool multiplies_bf16;  // with instructions of its own, not through float32
};

/** The best of this binary's paths for this processor, or the one named by LLMF_CPU_ISA; null kernels when that one cannot run here. */
Path choose_path(const char* forced);

/** Comma-separated names of the paths of this binary that can run on this processor, worst first. */
const char* available_paths();

/** A kernel's name and signature (`name:kind`, a `?` where null may be given), in the order of a path's kernels. */
struct KernelEntry {
  const char *name, *signature;
};
extern const KernelEntry kernel_list[];
extern const int kernel_count;

}  // namespace llmf
