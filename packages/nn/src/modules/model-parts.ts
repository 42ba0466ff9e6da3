// SPDX-License-Identifier: Apache-2.0
import { Linear } from '../layers/linear.js';
import type { LinearLayer, Parameter, WeightSource } from '../contracts/model.js';

/** Hands weights to modules as they are constructed and remembers what the model is made of, in that order. */
export class ModelParts implements WeightSource {
  readonly parameters = new Map<string, Parameter>();
  readonly linears = new Map<string, LinearLayer>();

  constructor(private readonly source: WeightSource) {}

  take(name: string): Parameter {
    const parameter = this.source.take(name);
    this.parameters.set(name, parameter);
    return parameter;
  }

  /** A linear layer that adapters can reach. */
  linear(path: string, bias: boolean): Linear {
    const layer = Linear.from(this, path, { bias });
    this.linears.set(path, layer);
    return layer;
  }
}
