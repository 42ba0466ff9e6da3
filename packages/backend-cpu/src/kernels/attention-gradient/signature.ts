// SPDX-License-Identifier: Apache-2.0
import { attentionShape } from '../attention/shape-signature.js';
import { floats, optional, output } from '../signature.js';

export const attentionGradientSignatures = {
  attentionGradient: {
    ...attentionShape,
    dy: floats('queries * heads * size'),
    q: floats('queries * heads * size'),
    k: floats('keys * groups * size'),
    v: floats('keys * groups * size'),
    out: floats('queries * heads * size'),
    logSumExp: floats('queries * heads'),
    dq: output('queries * heads * size'),
    dk: output('keys * groups * size'),
    dv: output('keys * groups * size'),
    dBias: optional(output('heads * entries')),
  },
};
