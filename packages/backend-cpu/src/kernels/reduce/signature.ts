// SPDX-License-Identifier: Apache-2.0
import { floats, integer, output, scalar, size } from '../signature.js';

export const reduceSignatures = {
  reduce: {
    operation: integer,
    outer: size,
    length: size,
    inner: size,
    scale: scalar,
    x: floats('outer * length * inner'),
    y: output('outer * inner'),
  },
};
