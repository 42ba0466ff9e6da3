// SPDX-License-Identifier: Apache-2.0
import { kernels } from '@llmf/nn';
import { defineKernel, type TensorInfo } from '../define-kernel.js';

interface WriteRowsInputs {
  readonly target: TensorInfo;
  readonly values: TensorInfo;
}

/** In place; a few rows a call, so that copying them here costs less than a call of the addon. */
export const writeRowsKernel = defineKernel<WriteRowsInputs, { readonly rows: Int32Array }>({
  kernelName: kernels.writeRows,
  run({ target, values }, { rows }, backend) {
    const [into, from] = [backend.ownFloats(target), backend.floats(values)];
    const width = from.length / rows.length;
    for (const [at, row] of rows.entries()) into.set(from.subarray(at * width, (at + 1) * width), row * width);
    return [];
  },
});
