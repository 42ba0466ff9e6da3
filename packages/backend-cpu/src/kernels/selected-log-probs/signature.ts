// SPDX-License-Identifier: Apache-2.0
import { optional, output } from '../signature.js';
import { selection } from './selection-signature.js';

export const selectedLogProbsSignatures = {
  selectedLogProbs: {
    ...selection,
    logProb: output('selected'),
    logSumExp: output('selected'),
    entropy: optional(output('selected')),
    squared: optional(output('selected')),
  },
};
