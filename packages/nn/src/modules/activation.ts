// SPDX-License-Identifier: Apache-2.0
import { gelu } from '../ops/gelu/gelu.js';
import { swiglu } from '../ops/swiglu/swiglu.js';
import { tf } from '../tf.js';
import { architectureErrors } from './architecture-errors.js';

/** The checkpoints' names of gelu and its approximations. */
const geluForms = {
  gelu: 'exact',
  gelu_new: 'tanh',
  gelu_fast: 'tanh',
  gelu_pytorch_tanh: 'tanh',
  quick_gelu: 'quick',
} as const;

const isGelu = (name: string): name is keyof typeof geluForms => Object.hasOwn(geluForms, name);

/** act(gate) ∘ up, all [T, F]. */
export type GatedActivation = (gate: tf.Tensor2D, up: tf.Tensor2D) => tf.Tensor2D;

/** act(gate) ∘ up by the checkpoint's name of act. @throws LLMF_NN_UNSUPPORTED */
export function gatedActivation(modelType: string, key: string, name: string): GatedActivation {
  if (name === 'silu' || name === 'swish') return swiglu;
  const activate = activation(modelType, key, name);
  return (gate, up) => tf.mul(activate(gate), up);
}

/** act(x) by the checkpoint's name of act. @throws LLMF_NN_UNSUPPORTED */
export function activation(modelType: string, key: string, name: string): (x: tf.Tensor2D) => tf.Tensor2D {
  if (isGelu(name)) return (x) => gelu(x, geluForms[name]);
  if (name === 'relu') return (x) => tf.relu(x);
  if (name === 'silu' || name === 'swish') return (x) => tf.mul(x, tf.sigmoid(x));
  const expected = ['silu', 'relu', ...Object.keys(geluForms)].join(', ');
  throw architectureErrors.unsupported({ modelType, key, got: JSON.stringify(name), expected });
}
