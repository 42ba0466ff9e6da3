// SPDX-License-Identifier: Apache-2.0
/**
 * Heads beside the language-model head: a few numbers from hidden states. A value function reads every counted token, a
 * classifier or reward model the last token of an answer, an embedding their mean.
 */
import { normals, toFloat32, type HostTensor, type RandomKey } from '@llmf/core';
import type { Tensor1D, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { embedding } from '../ops/embedding/embedding.js';
import { linear } from '../ops/linear/linear.js';
import { selectedLogProbs } from '../ops/selected-log-probs/selected-log-probs.js';
import { tf } from '../tf.js';
import { headErrors } from '../head-files/head-errors.js';
import { layerPaths } from '../head-files/layer-paths.js';
import type { Head, SavedHeads } from '../contracts/head.js';

interface Layer {
  readonly weight: Variable; // [outputs, inputs]
  readonly bias: Variable | null; // [outputs]
}

/** Values of a weight by its name. */
type Values = (name: string, shape: readonly number[]) => Float32Array;

/** A head on a model of some hidden size, with weights that are trained. */
export class AttachedHead {
  /** By name, in file order. */
  readonly variables: ReadonlyMap<string, Variable>;
  private readonly layers: readonly Layer[];

  private constructor(
    readonly head: Head,
    layers: ReadonlyMap<string, Layer>,
  ) {
    this.layers = [...layers.values()];
    this.variables = new Map(
      [...layers].flatMap(([path, { weight, bias }]) => [
        [`${path}.weight`, weight] as const,
        ...(bias === null ? [] : [[`${path}.bias`, bias] as const]),
      ]),
    );
  }

  /**
   * Fresh weights: the same for the same key and name.
   * @param given weights that are there already, by name: an encoder's own pooler
   */
  static create(
    head: Head,
    hiddenSize: number,
    key: RandomKey,
    given: Readonly<Record<string, HostTensor>> = {},
  ): AttachedHead {
    const { deviation = 0.02 } = head;
    return AttachedHead.from(head, hiddenSize, (name, shape) => {
      const found = given[name];
      if (found?.shape.join() === shape.join()) return toFloat32(found);
      const size = tf.util.sizeFromShape([...shape]);
      if (name.endsWith('.bias')) return new Float32Array(size);
      return normals(key, name, size).map((value) => deviation * value);
    });
  }

  /** @throws LLMF_NN_HEAD_WEIGHT where a weight is missing or of another shape */
  static load(head: Head, hiddenSize: number, { tensors, folder }: SavedHeads): AttachedHead {
    return AttachedHead.from(head, hiddenSize, (name, shape) => {
      const tensor = tensors[name];
      if (tensor?.shape.join() === shape.join()) return toFloat32(tensor);
      throw headErrors.headWeight({ name, folder, got: tensor?.shape ?? null, expected: shape });
    });
  }

  private static from(head: Head, hiddenSize: number, values: Values): AttachedHead {
    const { outputs, hidden = [], bias = false } = head;
    const paths = layerPaths(head);
    const widths = [hiddenSize, ...hidden, outputs];
    const variable = (path: string, shape: number[]) => variableOf(values(path, shape), shape);
    const layers = new Map<string, Layer>();
    for (let at = 0; at + 1 < widths.length; at++) {
      const [inputs, width] = [widths[at]!, widths[at + 1]!];
      const path = paths[at]!;
      layers.set(path, {
        weight: variable(`${path}.weight`, [width, inputs]),
        bias: bias ? variable(`${path}.bias`, [width]) : null,
      });
    }
    return new AttachedHead(head, layers);
  }

  /** x [N, C] → [N, outputs] */
  forward(x: Tensor2D): Tensor2D {
    return this.layers.reduce((input, layer, at) => {
      const y = outputOf(layer, input);
      return at + 1 < this.layers.length ? this.between(y) : y;
    }, x);
  }

  /** Of a head over the vocabulary: x [N, C] and the tokens that come [N] → [N, 2], output and log-softmax at the token. */
  actions(x: Tensor2D, tokens: Int32Array): Tensor2D {
    const { weight, bias } = this.layers.at(-1)! as unknown as { weight: Tensor2D; bias: Tensor1D | null };
    const inner = this.layers.slice(0, -1).reduce((input, layer) => this.between(outputOf(layer, input)), x); // [N, D]
    const places = Int32Array.from(tokens.keys());
    const { logProb } = selectedLogProbs(inner, weight, places, tokens, { bias });
    const product = tf.sum(tf.mul(inner, embedding(tokens, weight)), 1);
    const own =
      bias === null ? product : tf.add(product, tf.reshape(embedding(tokens, tf.reshape(bias, [-1, 1])), [-1]));
    return tf.stack([own, logProb], 1) as Tensor2D;
  }

  private between(y: Tensor2D): Tensor2D {
    return this.head.activation === 'tanh' ? tf.tanh(y) : tf.relu(y);
  }

  dispose(): void {
    for (const variable of this.variables.values()) variable.dispose();
  }
}

/** x [N, inputs] → [N, outputs] */
const outputOf = ({ weight, bias }: Layer, x: Tensor2D): Tensor2D =>
  linear(x, weight as unknown as Tensor2D, { bias: bias as unknown as Tensor1D | null });

function variableOf(values: Float32Array, shape: number[]): Variable {
  const tensor = tf.tensor(values, shape, 'float32');
  const variable = tf.variable(tensor);
  tensor.dispose();
  return variable;
}
