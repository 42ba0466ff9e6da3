// SPDX-License-Identifier: Apache-2.0
// Sizes of a frozen weight's panels, and how kernels are given them. Included inside the namespace of an instruction path.
#pragma once

constexpr bool kHasPanels = sizeof(RoundedBlock::Element) == sizeof(uint16_t);

/** Words of the panels; 0 where this path multiplies bf16 through float32. */
inline int64_t weight_panel_words(int64_t outputs, int64_t inputs, bool transposed) {
  if (!kHasPanels) return 0;
  return transposed ? packed_b_size<RoundedBlock>(inputs, outputs) : packed_b_size<RoundedBlock>(outputs, inputs);
}

/** What `linear` and its gradient are given for a weight that has panels, or null. */
inline const uint16_t* read_panels(Arguments& arguments, int64_t outputs, int64_t inputs, bool transposed) {
  return arguments.optional_bf16(weight_panel_words(outputs, inputs, transposed));
}
