// SPDX-License-Identifier: Apache-2.0
import { optional, output, outputIntegers, size } from '../signature.js';
import { selection } from './selection-signature.js';

export const selectedLogProbsSignatures = {
  selectedLogProbs: {
    ...selection,
    logProb: output('selected'),
    logSumExp: output('selected'),
    entropy: optional(output('selected')),
    squared: optional(output('selected')),
    /** Exponentials for the gradient, this many words a row. */
    keptRow: size,
    keep: optional(outputIntegers('selected * kept_row')),
  },
};
