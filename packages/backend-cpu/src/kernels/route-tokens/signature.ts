// SPDX-License-Identifier: Apache-2.0
import { floats, outputIntegers, size } from '../signature.js';

export const routeTokensSignatures = {
  routeTokens: {
    tokens: size,
    experts: size,
    perToken: size,
    probabilities: floats('tokens * experts'),
    chosen: outputIntegers('tokens * per_token'),
    cells: outputIntegers('tokens * per_token'),
    places: outputIntegers('tokens * per_token'),
    rows: outputIntegers('tokens * per_token'),
    starts: outputIntegers('experts + 1'),
  },
};
