// SPDX-License-Identifier: Apache-2.0
import { normals, uniforms, type RandomKey } from '@llmf/core';
import { tf, type Variable } from '@llmf/nn';

/** A trained variable of these values; the caller disposes it. */
export function variableOf(values: Float32Array, shape: readonly number[]): Variable {
  const tensor = tf.tensor(values, [...shape], 'float32');
  const variable = tf.variable(tensor, true);
  tensor.dispose();
  return variable;
}

/** As torch.nn.Embedding begins: standard normal. */
export const normalTable = (key: RandomKey, site: string, shape: readonly [number, number]): Variable =>
  variableOf(normals(key, site, shape[0] * shape[1]), shape);

/** As torch.nn.Linear and LSTM begin: uniform in ±1/√`inputs`. */
export const uniformWeight = (key: RandomKey, site: string, shape: readonly number[], inputs: number): Variable => {
  const size = shape.reduce((product, length) => product * length, 1);
  const bound = 1 / Math.sqrt(inputs);
  const values = uniforms(key, site, size).map((draw) => (2 * draw - 1) * bound);
  return variableOf(values, shape);
};
