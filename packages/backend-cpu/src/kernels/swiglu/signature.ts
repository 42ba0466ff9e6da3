// SPDX-License-Identifier: Apache-2.0
import { flag, floats, integers, optional, output, outputIntegers, size } from '../signature.js';

const gated = {
  count: size,
  rounds: flag,
  gate: optional(floats('count')),
  up: optional(floats('count')),
  kept: optional(integers('count')),
};

export const swigluSignatures = {
  /** gate and up, or what was kept of them. `keep` gets it. */
  swiglu: { ...gated, y: output('count'), keep: optional(outputIntegers('count')) },
  swigluGradient: { ...gated, dy: floats('count'), dGate: output('count'), dUp: output('count') },
};
