// SPDX-License-Identifier: Apache-2.0
import { kernels } from '../../contracts/ops.js';
import { defineKernel } from '../define-kernel.js';
import { defineOp } from '../define-op.js';
import { attentionComposite, attentionGradientComposite } from './composite.js';

const attentionGradient = defineKernel(kernels.attentionGradient, attentionGradientComposite);
const attentionKernel = defineKernel(kernels.attention, attentionComposite);

/** logSumExp is for the gradient kernel alone; nothing is differentiated through it. */
export const attentionOp = defineOp(attentionKernel, {
  differentiable: ['q', 'k', 'v', 'bias'],
  save: ({ q, k, v, bias }, [out, logSumExp]) => ({ q, k, v, bias, out, logSumExp }),
  gradient({ dys: [dy], saved, attributes, wants }) {
    const wantsBias = wants.has('bias');
    const [q, k, v, bias] = attentionGradient(
      { dy: dy!, ...saved },
      wantsBias ? { ...attributes, wantsBias } : attributes,
    );
    return { q: q!, k: k!, v: v!, ...(bias === undefined ? {} : { bias }) };
  },
});
