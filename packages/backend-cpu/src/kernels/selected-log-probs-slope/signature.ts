// SPDX-License-Identifier: Apache-2.0
import { selection } from '../selected-log-probs/selection-signature.js';
import { output } from '../signature.js';

export const selectedLogProbsSlopeSignatures = {
  selectedLogProbsSlope: { ...selection, logProb: output('selected'), slope: output('selected * columns') },
};
