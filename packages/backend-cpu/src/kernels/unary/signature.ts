// SPDX-License-Identifier: Apache-2.0
import { floats, integer, output, size } from '../signature.js';

export const unarySignatures = {
  unary: { operation: integer, count: size, x: floats('count'), y: output('count') },
};
