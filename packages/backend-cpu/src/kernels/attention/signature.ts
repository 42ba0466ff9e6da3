// SPDX-License-Identifier: Apache-2.0
import { floats, output } from '../signature.js';
import { attentionShape } from './shape-signature.js';

export const attentionSignatures = {
  attention: {
    ...attentionShape,
    q: floats('queries * heads * size'),
    k: floats('keys * groups * size'),
    v: floats('keys * groups * size'),
    out: output('queries * heads * size'),
    logSumExp: output('queries * heads'),
  },
};
