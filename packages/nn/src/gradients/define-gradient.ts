// SPDX-License-Identifier: Apache-2.0
import { tf } from '../tfjs.js';
import type { Tensor } from '@tensorflow/tfjs-core';

/** Gradients by input name, computed when asked for. */
export type Gradients = Record<string, () => Tensor>;

/** How one standard kernel of tfjs is differentiated; `Attributes` are those the kernel documents. */
export interface GradientDefinition<Attributes> {
  readonly kernel: string;
  /** Inputs kept for the reverse pass, by name; `all` where the inputs are a list. */
  readonly inputs?: readonly string[] | 'all';
  /** Which outputs are kept. */
  readonly outputs?: readonly boolean[];
  /** `saved` holds the kept inputs, then the kept outputs. */
  readonly gradient: (
    dy: Tensor,
    saved: readonly Tensor[],
    attributes: Attributes,
    dys: readonly Tensor[],
  ) => Gradients;
}

/** Registers a gradient unless someone did before (another bundle of tfjs). */
export function defineGradient<Attributes = Record<string, never>>(definition: GradientDefinition<Attributes>): void {
  const { kernel, inputs = [], outputs = [], gradient } = definition;
  if (tf.getGradient(kernel) !== undefined) return;
  tf.registerGradient({
    kernelName: kernel,
    ...(inputs === 'all' ? { saveAllInputs: true } : { inputsToSave: [...inputs] }),
    outputsToSave: [...outputs],
    gradFunc: (dy, saved, attributes) => {
      const dys = Array.isArray(dy) ? dy : [dy];
      return gradient(dys[0]!, saved, attributes as unknown as Attributes, dys);
    },
  });
}

/** Sums a gradient over the axes along which its input was broadcast. */
export function unbroadcast(gradient: Tensor, { shape }: Tensor): Tensor {
  const axes = tf.broadcast_util.getReductionAxes([...shape], gradient.shape);
  return tf.reshape(axes.length > 0 ? tf.sum(gradient, axes) : gradient, [...shape]);
}

/** Spreads what was reduced over `axis` back over the shape it had. */
export function spread(
  reduced: Tensor,
  shape: readonly number[],
  axis: number | readonly number[] | undefined,
): Tensor {
  if (tf.util.sizeFromShape([...shape]) === 0) return tf.zeros([...shape]); // tf.broadcastTo makes ones of zeros
  const axes = tf.util.parseAxisParam(axis as number[], [...shape]);
  const kept = shape.map((size, index) => (axes.includes(index) ? 1 : size));
  return tf.broadcastTo(tf.reshape(reduced, kept), [...shape]);
}
