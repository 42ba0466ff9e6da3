// SPDX-License-Identifier: Apache-2.0
import { kernels, tf } from '@llmf/nn';
import { defineProgram } from '../../backend/program.js';
import { defineKernel, type TensorInfo } from '../define-kernel.js';
import { eachElement, elementGroups, elementThreads } from '../elementwise.js';

const write = defineProgram({
  name: 'write-rows',
  reads: { values: 'f32', rows: 'i32' },
  writes: { into: 'f32' },
  numbers: { size: 'u32', width: 'u32' },
  workgroup: elementThreads,
  code: `${eachElement}
  into[u32(rows[at / n.width]) * n.width + at % n.width] = values[at];`,
});

const writeRows = defineKernel<
  { readonly target: TensorInfo; readonly values: TensorInfo },
  { readonly rows: Int32Array }
>({
  kernelName: kernels.writeRows,
  run({ target, values }, { rows }, backend) {
    const size = tf.util.sizeFromShape(values.shape);
    const places = backend.makeTensorInfo([rows.length], 'int32', rows);
    backend.runner.run(write, {
      reads: { values, rows: places },
      writes: { into: target },
      numbers: { size, width: size / rows.length },
      ...elementGroups(size),
    });
    backend.disposeData(places.dataId);
    return [];
  },
});

export const writeRowsKernels = [writeRows];
