// SPDX-License-Identifier: Apache-2.0
// A frozen bf16 weight W [N, K] as the panels that a product reads, packed once instead of in every product: as the right
// factor of x Wᵀ (columns n, depth k) or, transposed, of dy W (columns k, depth n).

#include "weight-panels.h"

void WeightPanelsSize::run() const {
  words[0] = static_cast<int32_t>(weight_panel_words(outputs, inputs, transposed));
}

void WeightPanels::run() const {
  if (!kHasPanels) return fail("this path has no panels");
  using Block = RoundedBlock;
  const int64_t columns = transposed ? inputs : outputs, depth = transposed ? outputs : inputs;
  const Factor factor = transposed ? columns_of(weight, inputs) : rows_of(weight, inputs);
  parallel_ranges(columns, Block::kColumns, [&](int64_t begin, int64_t end) {
    Block::Element* const to = reinterpret_cast<Block::Element*>(panels) + begin * padded_depth<Block>(depth);
    pack_columns_of_b<Block>(to, factor, begin, end - begin, depth, {true, 1.0f});
  });
}
