// SPDX-License-Identifier: Apache-2.0
import { floats, integers, output, size, weight } from '../signature.js';

export const embeddingSignatures = {
  embedding: {
    tokens: size,
    vocabulary: size,
    columns: size,
    ids: integers('tokens'),
    table: weight('vocabulary * columns'),
    y: output('tokens * columns'),
  },
  embeddingGradient: {
    tokens: size,
    vocabulary: size,
    columns: size,
    dy: floats('tokens * columns'),
    ids: integers('tokens'),
    dTable: output('vocabulary * columns'),
  },
};
