// SPDX-License-Identifier: Apache-2.0
import type { RandomKey } from '@llmf/core';
import { linear, tf, type Tensor2D, type Variable } from '@llmf/nn';
import type { PromptEncoder } from './prompt-encoder.js';
import { uniformWeight } from './variables.js';
import type { EncoderSizes } from './prompt-encoder.js';

/** Linear layers with relu between them, named by their place in torch.nn.Sequential: 0, 2, 4. */
export class Relus {
  readonly variables: ReadonlyMap<string, Variable>;
  private readonly layers: readonly (readonly [weight: Variable, bias: Variable])[];

  constructor(random: RandomKey, name: string, widths: readonly number[]) {
    this.layers = widths.slice(1).map((outputs, at) => {
      const inputs = widths[at]!;
      const site = `${name}.${2 * at}`;
      return [
        uniformWeight(random, `${site}.weight`, [outputs, inputs], inputs),
        uniformWeight(random, `${site}.bias`, [outputs], inputs),
      ] as const;
    });
    this.variables = new Map(
      this.layers.flatMap(([weight, bias], at) => [
        [`${name}.${2 * at}.weight`, weight] as const,
        [`${name}.${2 * at}.bias`, bias] as const,
      ]),
    );
  }

  forward(x: Tensor2D): Tensor2D {
    return this.layers.reduce((input, [weight, bias], at) => {
      const y = linear(input, weight as never, { bias: bias as never });
      return at === this.layers.length - 1 ? y : tf.relu(y);
    }, x);
  }
}

/** Three layers: size → hidden → hidden → size. */
export class MlpHead implements PromptEncoder {
  readonly variables: ReadonlyMap<string, Variable>;
  private readonly mlp: Relus;

  constructor(random: RandomKey, { size, hiddenSize }: EncoderSizes) {
    this.mlp = new Relus(random, 'mlp_head', [size, hiddenSize, hiddenSize, size]);
    this.variables = this.mlp.variables;
  }

  forward(x: Tensor2D): Tensor2D {
    return this.mlp.forward(x);
  }
}
