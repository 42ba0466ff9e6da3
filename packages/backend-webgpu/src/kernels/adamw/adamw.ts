// SPDX-License-Identifier: Apache-2.0
import { kernels, tf } from '@llmf/nn';
import { defineProgram, type ProgramDefinition } from '../../backend/program.js';
import { defineKernel, type TensorInfo } from '../define-kernel.js';
import { eachElement, elementGroups, elementThreads } from '../elementwise.js';

/** `decay` = 1 − lr · weightDecay, `rate` = lr / (1 − β₁ᵗ), `rootBias` = √(1 − β₂ᵗ). */
const numbers = {
  size: 'u32',
  beta1: 'f32',
  beta2: 'f32',
  epsilon: 'f32',
  decay: 'f32',
  rate: 'f32',
  rootBias: 'f32',
} as const;

/** Loshchilov & Hutter 2019, algorithm 2, in torch.optim.AdamW's order. */
const update = (isScaled: boolean) =>
  ({
    name: isScaled ? 'adamw-scaled' : 'adamw',
    writes: { parameter: 'f32', m: 'f32', v: 'f32' },
    numbers,
    workgroup: elementThreads,
    code: `${eachElement}
  let g = gradient[at]${isScaled ? ' * scale[0]' : ''};
  m[at] = m[at] * n.beta1 + g * (1.0 - n.beta1);
  v[at] = v[at] * n.beta2 + g * g * (1.0 - n.beta2);
  let step = m[at] / (sqrt(v[at]) / n.rootBias + n.epsilon) * n.rate;
  parameter[at] = parameter[at] * n.decay - step;`,
  }) satisfies Partial<ProgramDefinition<string, string, string>>;

const plain = defineProgram({ ...update(false), reads: { gradient: 'f32' } });
const scaled = defineProgram({ ...update(true), reads: { gradient: 'f32', scale: 'f32' } });

interface AdamWAttributes {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly step: number;
  readonly weightDecays: readonly number[];
}

const adamw = defineKernel<Readonly<Record<string, TensorInfo>>, AdamWAttributes>({
  kernelName: kernels.adamw,
  run(inputs, { learningRate, beta1, beta2, epsilon, step, weightDecays }, backend) {
    const { scale } = inputs;
    for (const [index, weightDecay] of weightDecays.entries()) {
      const of = (name: string) => inputs[`${name}${index}`]!;
      const gradient = of('gradient');
      const size = tf.util.sizeFromShape(gradient.shape);
      const call = {
        writes: { parameter: of('parameter'), m: of('m'), v: of('v') },
        numbers: {
          size,
          beta1,
          beta2,
          epsilon,
          decay: 1 - learningRate * weightDecay,
          rate: learningRate / (1 - beta1 ** step),
          rootBias: Math.sqrt(1 - beta2 ** step),
        },
        ...elementGroups(size),
      };
      if (scale === undefined) backend.runner.run(plain, { ...call, reads: { gradient } });
      else backend.runner.run(scaled, { ...call, reads: { gradient, scale } });
    }
    return [];
  },
});

export const adamwKernels = [adamw];
