// SPDX-License-Identifier: Apache-2.0
import { floats, integers, output, size } from '../signature.js';

export const accumulateRowsSignatures = {
  accumulateRows: {
    tokens: size,
    vocabulary: size,
    columns: size,
    rows: floats('tokens * columns'),
    ids: integers('tokens'),
    accumulator: output('vocabulary * columns'),
  },
};
