// SPDX-License-Identifier: Apache-2.0
import type { OpCase } from '../op-case.js';
import { activationCases } from './activations.js';
import { attentionCases } from './attention.js';
import { expertCases } from './experts.js';
import { linearCases } from './linear.js';
import { layerNormCases, normCases } from './norms.js';
import { reductionCases } from './reductions.js';
import { ropeCases } from './rope.js';
import { tokenCases } from './tokens.js';

/** Every op on shapes that break kernels: empty, single, prime, beyond a vector; steep, large and zero values. */
export const opCases: readonly OpCase[] = [
  ...linearCases,
  ...expertCases,
  ...normCases,
  ...layerNormCases,
  ...activationCases,
  ...reductionCases,
  ...ropeCases,
  ...attentionCases,
  ...tokenCases,
];
