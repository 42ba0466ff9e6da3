// SPDX-License-Identifier: Apache-2.0
import { floats, integer, output, size } from '../signature.js';

export const geluSignatures = {
  gelu: { count: size, form: integer, x: floats('count'), y: output('count') },
  geluGradient: { count: size, form: integer, dy: floats('count'), x: floats('count'), dx: output('count') },
};
