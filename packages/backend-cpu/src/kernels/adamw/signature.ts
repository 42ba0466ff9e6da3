// SPDX-License-Identifier: Apache-2.0
import { floats, number, optional, output, size } from '../signature.js';

export const adamwSignatures = {
  adamw: {
    count: size,
    learningRate: number,
    beta1: number,
    beta2: number,
    epsilon: number,
    weightDecay: number,
    step: number,
    parameter: output('count'),
    gradient: floats('count'),
    m: output('count'),
    v: output('count'),
    scale: optional(floats('1')),
  },
};
