// SPDX-License-Identifier: Apache-2.0
import { kernels } from '../../contracts/ops.js';
import { defineKernel } from '../define-kernel.js';
import { defineOp } from '../define-op.js';
import { ropeComposite } from './composite.js';

const ropeKernel = defineKernel(kernels.rope, ropeComposite);

/** A rotation's transpose is the rotation by the opposite angle. */
export const ropeOp = defineOp(ropeKernel, {
  differentiable: ['x'],
  save: ({ cos, sin }) => ({ cos, sin }),
  gradient: ({ dys: [dy], saved: { cos, sin }, attributes: { inverse, interleaved } }) => ({
    x: ropeKernel({ x: dy!, cos, sin }, { inverse: !inverse, interleaved })[0],
  }),
});
