// SPDX-License-Identifier: Apache-2.0
import { kernels, tf } from '@llmf/nn';
import { defineProgram } from '../../backend/program.js';
import type { TrainingWebGpuBackend } from '../../backend/webgpu-backend.js';
import { defineKernel, type TensorInfo } from '../define-kernel.js';
import { eachElement, elementGroups, elementThreads } from '../elementwise.js';

const addInto = defineProgram({
  name: 'accumulate',
  reads: { value: 'f32' },
  writes: { accumulator: 'f32' },
  numbers: { size: 'u32' },
  workgroup: elementThreads,
  code: `${eachElement}
  accumulator[at] += value[at];`,
});

/** accumulator += value, in place */
export function accumulateInto(accumulator: TensorInfo, value: TensorInfo, backend: TrainingWebGpuBackend): void {
  const size = tf.util.sizeFromShape(value.shape);
  backend.runner.run(addInto, {
    reads: { value },
    writes: { accumulator },
    numbers: { size },
    ...elementGroups(size),
  });
}

const accumulate = defineKernel<{ readonly accumulator: TensorInfo; readonly value: TensorInfo }>({
  kernelName: kernels.accumulate,
  run({ accumulator, value }, _attributes, backend) {
    accumulateInto(accumulator, value, backend);
    return [];
  },
});

/** tfjs's own binds all of them in one shader, and a GPU allows some ten. */
const addMany = defineKernel<readonly TensorInfo[]>({
  kernelName: tf.AddN,
  run(tensors, _attributes, backend) {
    const sum = backend.zeros(tensors[0]!.shape);
    for (const tensor of tensors) accumulateInto(sum, tensor, backend);
    return sum;
  },
});

export const accumulateKernels = [accumulate, addMany];
