// SPDX-License-Identifier: Apache-2.0
import {
  bf16,
  flag,
  floats,
  optional,
  output,
  outputBf16,
  outputIntegers,
  scalar,
  size,
  weight,
} from '../signature.js';

const layer = {
  tokens: size,
  inputs: size,
  outputs: size,
  rank: size,
  scale: scalar,
  rounds: flag,
  weight: weight('outputs * inputs'),
  a: optional(floats('rank * inputs')),
  b: optional(floats('outputs * rank')),
  mask: optional(floats('tokens * inputs')),
};

export const linearSignatures = {
  /** `rounds`: the factors of every product are rounded to bf16. `image` gets the low-rank image of x. */
  linear: {
    ...layer,
    x: floats('tokens * inputs'),
    panels: optional(bf16('weight_panel_words(outputs, inputs, false)')),
    bias: optional(floats('outputs')),
    y: output('tokens * outputs'),
    image: optional(output('tokens * rank')),
  },
  linearInputGradient: {
    ...layer,
    dy: floats('tokens * outputs'),
    panels: optional(bf16('weight_panel_words(outputs, inputs, true)')),
    dx: output('tokens * inputs'),
    image: optional(output('tokens * rank')),
  },
  linearWeightGradient: {
    tokens: size,
    inputs: size,
    outputs: size,
    rounds: flag,
    dy: floats('tokens * outputs'),
    x: floats('tokens * inputs'),
    dWeight: output('outputs * inputs'),
  },
  /** Images as `linear` (without a mask) and `linearInputGradient` gave them away, or null. */
  linearLowRankGradient: {
    tokens: size,
    inputs: size,
    outputs: size,
    rank: size,
    scale: scalar,
    rounds: flag,
    dy: floats('tokens * outputs'),
    x: floats('tokens * inputs'),
    a: floats('rank * inputs'),
    b: floats('outputs * rank'),
    mask: optional(floats('tokens * inputs')),
    xImage: optional(floats('tokens * rank')),
    dyImage: optional(floats('tokens * rank')),
    dA: output('rank * inputs'),
    dB: output('outputs * rank'),
  },
  productsPeak: { rounds: flag, steps: size, done: output('1') },
  weightPanelsSize: { outputs: size, inputs: size, transposed: flag, words: outputIntegers('1') },
  weightPanels: {
    outputs: size,
    inputs: size,
    transposed: flag,
    weight: weight('outputs * inputs'),
    panels: outputBf16('weight_panel_words(outputs, inputs, transposed)'),
  },
};
