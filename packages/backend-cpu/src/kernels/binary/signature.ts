// SPDX-License-Identifier: Apache-2.0
import { floats, integer, integers, output, size } from '../signature.js';

export const binarySignatures = {
  binary: {
    operation: integer,
    axes: size,
    sizes: integers('axes'),
    aStrides: integers('axes'),
    bStrides: integers('axes'),
    a: floats('reach(axes, sizes, a_strides)'),
    b: floats('reach(axes, sizes, b_strides)'),
    y: output('elements(axes, sizes)'),
  },
};
