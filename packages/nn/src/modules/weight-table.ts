// SPDX-License-Identifier: Apache-2.0
import type { WeightInfo } from '../contracts/model.js';

/** Collects names and shapes of an architecture's weights, in file order. */
export class WeightTable {
  readonly weights = new Map<string, WeightInfo>();

  /** `path.weight` [rows, columns] */
  embedding(path: string, rows: number, columns: number): this {
    return this.add(`${path}.weight`, { shape: [rows, columns], init: 'normal', kind: 'embedding' });
  }

  /** `path.weight` [outputs, inputs] and, where it has one, `path.bias` [outputs] */
  linear(path: string, outputs: number, inputs: number, hasBias: boolean, facts: Partial<WeightInfo> = {}): this {
    this.add(`${path}.weight`, { shape: [outputs, inputs], init: 'normal', kind: 'linear', ...facts });
    return hasBias ? this.add(`${path}.bias`, { shape: [outputs], init: 'zeros', kind: 'bias' }) : this;
  }

  /** `path.weight` [size] of an RMSNorm */
  norm(path: string, size: number): this {
    return this.add(`${path}.weight`, { shape: [size], init: 'ones', kind: 'norm' });
  }

  /** `path.weight` and `path.bias` [size] of a LayerNorm */
  layerNorm(path: string, size: number): this {
    return this.norm(path, size).add(`${path}.bias`, { shape: [size], init: 'zeros', kind: 'bias' });
  }

  private add(name: string, info: WeightInfo): this {
    this.weights.set(name, info);
    return this;
  }
}
