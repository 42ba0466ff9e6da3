// SPDX-License-Identifier: Apache-2.0
import { floats, optional, output, scalar, size } from '../signature.js';

export const layerNormSignatures = {
  layerNorm: {
    rows: size,
    columns: size,
    epsilon: scalar,
    x: floats('rows * columns'),
    weight: floats('columns'),
    bias: floats('columns'),
    y: output('rows * columns'),
  },
  /** Without dWeight or dBias neither is computed. */
  layerNormGradient: {
    rows: size,
    columns: size,
    epsilon: scalar,
    dy: floats('rows * columns'),
    x: floats('rows * columns'),
    weight: floats('columns'),
    dx: output('rows * columns'),
    dWeight: optional(output('columns')),
    dBias: optional(output('columns')),
  },
};
