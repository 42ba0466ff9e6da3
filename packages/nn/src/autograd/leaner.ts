// SPDX-License-Identifier: Apache-2.0
import type { Tensor } from '@tensorflow/tfjs-core';
import { tf } from '../tf.js';
import type { TapeNode } from './tape-node.js';

type Gradient = NonNullable<TapeNode['gradient']>;

/**
 * The same node without what tfjs keeps for no reason but its shape: the operands of residual additions and reshapes,
 * which would hold two activations per block until the reverse pass.
 */
export function leaner(node: TapeNode): TapeNode {
  const gradient = shapeOnly[node.kernelName]?.(node);
  if (gradient === undefined || gradient === null) return node;
  for (const tensor of node.saved ?? []) tensor.dispose();
  return { kernelName: node.kernelName, inputs: node.inputs, outputs: node.outputs, gradient };
}

const shapeOnly: Record<string, (node: TapeNode) => Gradient | null> = {
  Add: (node) => (sameShapes(node) ? ([dy]) => ({ a: () => dy!, b: () => dy! }) : null),
  Sub: (node) => (sameShapes(node) ? ([dy]) => ({ a: () => dy!, b: () => tf.neg(dy!) }) : null),
  Reshape: ({ inputs }) => reshaped('x', inputs['x']!),
  ExpandDims: ({ inputs }) => reshaped('input', inputs['input']!),
};

function sameShapes({ inputs, outputs }: TapeNode): boolean {
  const { shape } = outputs[0]!;
  return tf.util.arraysEqual(inputs['a']!.shape, shape) && tf.util.arraysEqual(inputs['b']!.shape, shape);
}

function reshaped(name: string, { shape }: Tensor): Gradient {
  return ([dy]) => ({ [name]: () => tf.reshape(dy!, shape) });
}
