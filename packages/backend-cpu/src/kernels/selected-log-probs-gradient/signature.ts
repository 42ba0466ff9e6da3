// SPDX-License-Identifier: Apache-2.0
import { selection } from '../selected-log-probs/selection-signature.js';
import { floats, integers, optional, output, size } from '../signature.js';

export const selectedLogProbsGradientSignatures = {
  selectedLogProbsGradient: {
    ...selection,
    dLogProb: optional(floats('selected')),
    dEntropy: optional(floats('selected')),
    dSquared: optional(floats('selected')),
    logProb: floats('selected'),
    logSumExp: floats('selected'),
    entropy: optional(floats('selected')),
    squared: optional(floats('selected')),
    /** What log-probs kept, or null: logits are computed again. */
    keptRow: size,
    kept: optional(integers('selected * kept_row')),
    dHidden: output('tokens * columns'),
    dHead: optional(output('vocabulary * columns')),
    dBias: optional(output('vocabulary')),
  },
};
