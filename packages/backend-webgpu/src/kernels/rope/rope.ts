// SPDX-License-Identifier: Apache-2.0
import { kernels, tf } from '@llmf/nn';
import { defineProgram } from '../../backend/program.js';
import { defineKernel, type TensorInfo } from '../define-kernel.js';
import { eachElement, elementGroups, elementThreads } from '../elementwise.js';

/** y = [x₁ cos − x₂ sin, x₂ cos + x₁ sin, rest]; `step` from a value to its pair's other, `sign` the direction. */
const rotate = defineProgram({
  name: 'rope',
  reads: { x: 'f32', cos_: 'f32', sin_: 'f32' },
  writes: { y: 'f32' },
  numbers: { size: 'u32', heads: 'u32', width: 'u32', half: 'u32', interleaved: 'u32', sign: 'f32' },
  workgroup: elementThreads,
  code: `${eachElement}
  let d = at % n.width;
  if (d >= 2u * n.half) { y[at] = x[at]; return; }
  let token = at / (n.width * n.heads);
  let pair = select(d % n.half, d / 2u, n.interleaved == 1u);
  let isSecond = select(d >= n.half, d % 2u == 1u, n.interleaved == 1u);
  let step = select(n.half, 1u, n.interleaved == 1u);
  let c = cos_[token * n.half + pair];
  let s = sin_[token * n.half + pair] * n.sign;
  if (isSecond) { y[at] = x[at] * c + x[at - step] * s; } else { y[at] = x[at] * c - x[at + step] * s; }`,
});

const rope = defineKernel<
  { readonly x: TensorInfo; readonly cos: TensorInfo; readonly sin: TensorInfo },
  { readonly inverse: boolean; readonly interleaved: boolean }
>({
  kernelName: kernels.rope,
  run({ x, cos, sin }, { inverse, interleaved }, backend) {
    const [, heads, width] = x.shape as [number, number, number];
    const size = tf.util.sizeFromShape(x.shape);
    const y = backend.output(x.shape);
    const half = cos.shape[1]!;
    backend.runner.run(rotate, {
      reads: { x, cos_: cos, sin_: sin },
      writes: { y },
      numbers: { size, heads, width, half, interleaved: interleaved ? 1 : 0, sign: inverse ? -1 : 1 },
      ...elementGroups(size),
    });
    return y;
  },
});

export const ropeKernels = [rope];
