// SPDX-License-Identifier: Apache-2.0
import { selection } from '../selected-log-probs/selection-signature.js';
import { floats, optional, output } from '../signature.js';

export const selectedLogProbsGradientSignatures = {
  selectedLogProbsGradient: {
    ...selection,
    dLogProb: optional(floats('selected')),
    dEntropy: optional(floats('selected')),
    dSquared: optional(floats('selected')),
    logSumExp: floats('selected'),
    entropy: optional(floats('selected')),
    squared: optional(floats('selected')),
    dHidden: output('tokens * columns'),
    dHead: optional(output('vocabulary * columns')),
    dBias: optional(output('vocabulary')),
  },
};
