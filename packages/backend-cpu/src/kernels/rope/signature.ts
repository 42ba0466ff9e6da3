// SPDX-License-Identifier: Apache-2.0
import { flag, floats, output, size } from '../signature.js';

export const ropeSignatures = {
  rope: {
    tokens: size,
    heads: size,
    size,
    half: size,
    inverse: flag,
    interleaved: flag,
    x: floats('tokens * heads * size'),
    cosines: floats('tokens * half'),
    sines: floats('tokens * half'),
    y: output('tokens * heads * size'),
  },
};
