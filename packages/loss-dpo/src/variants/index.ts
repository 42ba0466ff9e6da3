// SPDX-License-Identifier: Apache-2.0
import { apoDown, apoZero, bcoPair, ncaPair, sppoHard } from './answers.js';
import { discopop, exoPair, hinge, ipo, robust, sigmoid, sigmoidNorm } from './difference.js';
import { aot, aotUnpaired } from './sorted.js';
import type { Variant } from './variant.js';

/** By the name written in the config, which is TRL's `loss_type`. */
export const variants = {
  sigmoid,
  hinge,
  ipo,
  robust,
  exo_pair: exoPair,
  nca_pair: ncaPair,
  bco_pair: bcoPair,
  sppo_hard: sppoHard,
  aot,
  aot_unpaired: aotUnpaired,
  apo_zero: apoZero,
  apo_down: apoDown,
  discopop,
  sigmoid_norm: sigmoidNorm,
} satisfies Record<string, Variant>;

export type VariantName = keyof typeof variants;
export const variantNames = Object.keys(variants) as [VariantName, ...VariantName[]];
