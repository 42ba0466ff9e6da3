// SPDX-License-Identifier: Apache-2.0
import { integers, outputWords, size, words } from '../signature.js';

export const gatherSignatures = {
  gather: {
    count: size,
    rows: size,
    columns: size,
    ids: integers('count'),
    table: words('rows * columns'),
    y: outputWords('count * columns'),
  },
};
