// SPDX-License-Identifier: Apache-2.0
import { flag, floats, output, size } from '../signature.js';

export const softmaxSignatures = {
  softmax: {
    rows: size,
    columns: size,
    logarithm: flag,
    x: floats('rows * columns'),
    y: output('rows * columns'),
  },
};
