// SPDX-License-Identifier: Apache-2.0
import type { RandomKey } from '@llmf/core';
import { linear, tf, type Tensor2D, type Variable } from '@llmf/nn';
import { Relus } from './mlp-head.js';
import type { EncoderSizes } from './prompt-encoder.js';
import type { PromptEncoder } from './prompt-encoder.js';
import { uniformWeight } from './variables.js';

/** A bidirectional LSTM over the virtual tokens and two linear layers behind it: size → 2·hidden → size. */
export class LstmHead implements PromptEncoder {
  readonly variables: ReadonlyMap<string, Variable>;
  private readonly layers: readonly (readonly [forward: LstmDirection, backward: LstmDirection])[];
  private readonly mlp: Relus;

  constructor(random: RandomKey, { size, hiddenSize, layers }: EncoderSizes) {
    this.layers = Array.from({ length: layers }, (_, layer) => {
      const inputs = layer === 0 ? size : 2 * hiddenSize;
      const direction = (suffix: string) => new LstmDirection(random, `l${layer}${suffix}`, inputs, hiddenSize);
      return [direction(''), direction('_reverse')] as const;
    });
    this.mlp = new Relus(random, 'mlp_head', [2 * hiddenSize, 2 * hiddenSize, size]);
    this.variables = new Map([
      ...this.layers.flatMap((pair) => pair.flatMap(({ variables }) => [...variables])),
      ...this.mlp.variables,
    ]);
  }

  forward(x: Tensor2D): Tensor2D {
    const states = this.layers.reduce<Tensor2D>((input, [ahead, back]) => {
      const reversed = back.forward(tf.reverse(input, 0));
      return tf.concat([ahead.forward(input), tf.reverse(reversed, 0)], 1);
    }, x); // [n, 2·hidden]
    return this.mlp.forward(states);
  }
}

/**
 * One direction of one layer (Hochreiter and Schmidhuber, 1997, with forget gates): with gates i, f, g, o from
 * x_t W_iᵀ + b_i + h W_hᵀ + b_h, c = σ(f) c + σ(i) tanh(g) and h = σ(o) tanh(c). Names and order as torch.nn.LSTM.
 */
class LstmDirection {
  readonly variables: ReadonlyMap<string, Variable>;
  private readonly weights: Readonly<Record<'ih' | 'hh', { readonly weight: Variable; readonly bias: Variable }>>;

  constructor(
    random: RandomKey,
    suffix: string,
    inputs: number,
    private readonly hiddenSize: number,
  ) {
    const part = (name: 'ih' | 'hh', width: number) => ({
      weight: uniformWeight(random, `weight_${name}_${suffix}`, [4 * hiddenSize, width], hiddenSize),
      bias: uniformWeight(random, `bias_${name}_${suffix}`, [4 * hiddenSize], hiddenSize),
    });
    this.weights = { ih: part('ih', inputs), hh: part('hh', hiddenSize) };
    this.variables = new Map(
      (['ih', 'hh'] as const).flatMap((name) => [
        [`lstm_head.weight_${name}_${suffix}`, this.weights[name].weight] as const,
        [`lstm_head.bias_${name}_${suffix}`, this.weights[name].bias] as const,
      ]),
    );
  }

  /** x [n, inputs] → [n, hidden] */
  forward(x: Tensor2D): Tensor2D {
    const given = this.apply('ih', x); // [n, 4·hidden]
    let [h, c] = [tf.zeros([1, this.hiddenSize]), tf.zeros([1, this.hiddenSize])] as [Tensor2D, Tensor2D];
    const states: Tensor2D[] = [];
    for (let t = 0; t < x.shape[0]; t++) {
      const gates = tf.add(tf.slice(given, [t, 0], [1, -1]), this.apply('hh', h)) as Tensor2D;
      const [i, f, g, o] = tf.split(gates, 4, 1) as [Tensor2D, Tensor2D, Tensor2D, Tensor2D];
      c = tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(g)));
      h = tf.mul(tf.sigmoid(o), tf.tanh(c));
      states.push(h);
    }
    return tf.concat(states, 0);
  }

  private apply(name: 'ih' | 'hh', x: Tensor2D): Tensor2D {
    const { weight, bias } = this.weights[name];
    return linear(x, weight as never, { bias: bias as never });
  }
}
