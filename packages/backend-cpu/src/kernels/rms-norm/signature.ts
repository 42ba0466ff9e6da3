// SPDX-License-Identifier: Apache-2.0
import { floats, optional, output, scalar, size } from '../signature.js';

export const rmsNormSignatures = {
  rmsNorm: {
    rows: size,
    columns: size,
    epsilon: scalar,
    x: floats('rows * columns'),
    weight: floats('columns'),
    y: output('rows * columns'),
  },
  rmsNormGradient: {
    rows: size,
    columns: size,
    epsilon: scalar,
    dy: floats('rows * columns'),
    x: floats('rows * columns'),
    weight: floats('columns'),
    dx: output('rows * columns'),
    dWeight: optional(output('columns')),
  },
};
