// SPDX-License-Identifier: Apache-2.0
/**
 * Heads beside the language-model head: a few numbers from hidden states. A value function reads every counted token, a
 * classifier or reward model the last token of an answer, an embedding their mean.
 */
import { normals, type RandomKey } from '@llmf/core';
import type { Tensor1D, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { linear } from '../ops/linear/linear.js';
import { tf } from '../tf.js';

export interface Head {
  /** Its weights are `<name>.weight` and `<name>.bias`; with hidden layers `<name>.0.weight`, `<name>.2.weight`, … */
  readonly name: string;
  readonly outputs: number;
  /** `token`: where each counted token is predicted; `last`: an answer's last token; `mean`: over an answer's tokens. */
  readonly at: 'token' | 'last' | 'mean';
  /** Left out: none, as Transformers' `score`. */
  readonly bias?: boolean;
  /** Widths of layers with a ReLU before the last one, as torch's Sequential(Linear, ReLU, Linear); left out: none. */
  readonly hidden?: readonly number[];
  /** Standard deviation of fresh weights; 0.02 as Transformers' initializer_range. Biases start at 0. */
  readonly deviation?: number;
}

interface Layer {
  readonly weight: Variable; // [outputs, inputs]
  readonly bias: Variable | null; // [outputs]
}

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

  /** Fresh weights: the same for the same key and name. */
  static create(head: Head, hiddenSize: number, key: RandomKey): AttachedHead {
    const { name, outputs, hidden = [], bias = false, deviation = 0.02 } = head;
    const widths = [hiddenSize, ...hidden, outputs];
    const layers = new Map<string, Layer>();
    for (let at = 0; at + 1 < widths.length; at++) {
      const [inputs, width] = [widths[at]!, widths[at + 1]!];
      const path = hidden.length === 0 ? name : `${name}.${2 * at}`;
      const values = normals(key, `${path}.weight`, width * inputs).map((value) => deviation * value);
      layers.set(path, {
        weight: variableOf(values, [width, inputs]),
        bias: bias ? variableOf(new Float32Array(width), [width]) : null,
      });
    }
    return new AttachedHead(head, layers);
  }

  /** x [N, C] → [N, outputs] */
  forward(x: Tensor2D): Tensor2D {
    return this.layers.reduce((input, { weight, bias }, at) => {
      const y = linear(input, weight as unknown as Tensor2D, { bias: bias as unknown as Tensor1D | null });
      return at + 1 < this.layers.length ? tf.relu(y) : y;
    }, x);
  }

  dispose(): void {
    for (const variable of this.variables.values()) variable.dispose();
  }
}

function variableOf(values: Float32Array, shape: number[]): Variable {
  const tensor = tf.tensor(values, shape, 'float32');
  const variable = tf.variable(tensor);
  tensor.dispose();
  return variable;
}
