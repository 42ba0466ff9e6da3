// SPDX-License-Identifier: Apache-2.0
import type { HostTensor, TensorToWrite } from '@llmf/core';
import type { Variable } from '@llmf/nn';
import { tf } from '@llmf/nn';
import { trainingErrors } from '../training-errors.js';

/** Copies variables to the host as f32 bytes, by name. */
export async function hostTensors(variables: ReadonlyMap<string, Variable>): Promise<Record<string, HostTensor>> {
  const tensors: Record<string, HostTensor> = {};
  for (const [name, variable] of variables) {
    const values = (await variable.data()) as Float32Array;
    const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
    tensors[name] = { dtype: 'F32', shape: variable.shape, data };
  }
  return tensors;
}

/** Variables as f32 tensors that are read when they are written: no two of them are copied at a time. */
export const tensorsToWrite = (variables: ReadonlyMap<string, Variable>): TensorToWrite[] =>
  [...variables].map(([name, variable]) => ({
    name,
    dtype: 'F32',
    shape: variable.shape,
    data: async () => {
      const { buffer, byteOffset, byteLength } = (await variable.data()) as Float32Array;
      return new Uint8Array(buffer, byteOffset, byteLength);
    },
  }));

/** Assigns saved values to variables. @throws LLMF_TRAINING_WEIGHTS_DIFFER when names or shapes do not match. */
export function loadVariables(
  variables: ReadonlyMap<string, Variable>,
  tensors: Readonly<Record<string, HostTensor>>,
): void {
  checkSaved(new Map([...variables].map(([name, { shape }]) => [name, shape])), tensors);
  for (const [name, variable] of variables) {
    const { data, shape } = tensors[name]!;
    const values = new Float32Array(data.slice().buffer);
    const tensor = tf.tensor(values, [...shape], 'float32');
    variable.assign(tensor);
    tensor.dispose();
  }
}

/** Saved tensors have these names and shapes. @throws LLMF_TRAINING_WEIGHTS_DIFFER */
export function checkSaved(
  shapes: ReadonlyMap<string, readonly number[]>,
  tensors: Readonly<Record<string, HostTensor>>,
): void {
  const missing = [...shapes.keys()].filter((name) => !(name in tensors));
  const unknown = Object.keys(tensors).filter((name) => !shapes.has(name));
  const misshapen = [...shapes].flatMap(([name, shape]) => {
    const saved = tensors[name]?.shape;
    return saved !== undefined && saved.join() !== shape.join() ? `${name}: [${saved}] saved, [${shape}] here` : [];
  });
  if (missing.length + unknown.length + misshapen.length > 0) {
    throw trainingErrors.weightsDiffer({ missing, unknown, misshapen });
  }
}
