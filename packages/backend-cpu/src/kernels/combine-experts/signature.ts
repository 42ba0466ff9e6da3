// SPDX-License-Identifier: Apache-2.0
import { floats, integers, output, size } from '../signature.js';

const combined = {
  tokens: size,
  perToken: size,
  columns: size,
  rows: floats('tokens * per_token * columns'),
  weights: floats('tokens * per_token'),
  places: integers('tokens * per_token'),
};

export const combineExpertsSignatures = {
  combineExperts: { ...combined, y: output('tokens * columns') },
  combineExpertsGradient: {
    ...combined,
    dy: floats('tokens * columns'),
    dRows: output('tokens * per_token * columns'),
    dWeights: output('tokens * per_token'),
  },
};
