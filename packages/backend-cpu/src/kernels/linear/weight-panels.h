// SPDX-License-Identifier: Apache-2.0
// Sizes of a frozen weight's panels. Included inside the namespace of an instruction path.
#pragma once

constexpr bool kHasPanels = sizeof(RoundedBlock::Element) == sizeof(uint16_t);

/** Words of the panels; 0 where this path multiplies bf16 through float32. */
inline int64_t weight_panel_words(int64_t outputs, int64_t inputs, bool transposed) {
  if (!kHasPanels) return 0;
  return transposed ? packed_b_size<RoundedBlock>(inputs, outputs) : packed_b_size<RoundedBlock>(outputs, inputs);
}
