// SPDX-License-Identifier: Apache-2.0
import {
  bf16List,
  flag,
  floats,
  floatsList,
  integers,
  optional,
  output,
  outputList,
  scalar,
  size,
  weights,
} from '../signature.js';

const groups = {
  groups: size,
  rows: size,
  inputs: size,
  outputs: size,
  rounds: flag,
  starts: integers('groups + 1'),
};
const layers = {
  ...groups,
  rank: size,
  scale: scalar,
  weights: weights('groups', 'outputs * inputs'),
  /** null for a group whose layer has no low-rank update. */
  a: optional(floatsList('groups', 'rank * inputs')),
  b: optional(floatsList('groups', 'outputs * rank')),
};

export const groupedLinearSignatures = {
  groupedLinear: {
    ...layers,
    x: floats('rows * inputs'),
    panels: optional(bf16List('groups', 'weight_panel_words(outputs, inputs, false)')),
    y: output('rows * outputs'),
    image: optional(output('rows * rank')),
  },
  groupedLinearInputGradient: {
    ...layers,
    dy: floats('rows * outputs'),
    panels: optional(bf16List('groups', 'weight_panel_words(outputs, inputs, true)')),
    dx: output('rows * inputs'),
    image: optional(output('rows * rank')),
  },
  groupedLinearWeightGradient: {
    ...groups,
    dy: floats('rows * outputs'),
    x: floats('rows * inputs'),
    dWeights: outputList('groups', 'outputs * inputs'),
  },
  groupedLinearLowRankGradient: {
    ...groups,
    rank: size,
    scale: scalar,
    dy: floats('rows * outputs'),
    x: floats('rows * inputs'),
    a: floatsList('groups', 'rank * inputs'),
    b: floatsList('groups', 'outputs * rank'),
    xImage: optional(floats('rows * rank')),
    dyImage: optional(floats('rows * rank')),
    dA: outputList('groups', 'rank * inputs'),
    dB: outputList('groups', 'outputs * rank'),
  },
};
