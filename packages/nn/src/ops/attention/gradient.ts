// SPDX-License-Identifier: Apache-2.0
import { kernels } from '../../contracts/ops.js';
import { defineKernel } from '../define-kernel.js';
import { defineOp } from '../define-op.js';
import { attentionComposite, attentionGradientComposite } from './composite.js';

const attentionGradient = defineKernel(kernels.attentionGradient, attentionGradientComposite);
const attentionKernel = defineKernel(kernels.attention, attentionComposite);

/** logSumExp is for the gradient kernel alone; nothing is differentiated through it. */
export const attentionOp = defineOp(attentionKernel, {
  differentiable: ['q', 'k', 'v'],
  save: ({ q, k, v }, [out, logSumExp]) => ({ q, k, v, out, logSumExp }),
  gradient({ dys: [dy], saved, attributes }) {
    const [dq, dk, dv] = attentionGradient({ dy: dy!, ...saved }, attributes);
    return { q: dq, k: dk, v: dv };
  },
});
