// SPDX-License-Identifier: Apache-2.0
import { tf, type LanguageHead, type Model, type Tensor1D, type Tensor2D } from '@llmf/nn';

/**
 * A model whose logits are divided by a temperature, on the weights of the given one: π_τ(y|x) ∝ π(y|x)^(1/τ) token by
 * token. Whoever samples from it, trains it or compares with it sees the same distribution.
 */
export function tempered(model: Model, temperature: number): Model {
  if (temperature === 1) return model;
  const reads = (head: LanguageHead): LanguageHead => ({
    get weight(): Tensor2D {
      return head.weight;
    },
    get bias(): Tensor1D | null {
      return head.bias === null ? null : tf.div(head.bias, temperature);
    },
    ...(head.softCap === undefined ? {} : { softCap: head.softCap / temperature }),
    transform: (hidden, context) => tf.div(head.transform?.(hidden, context) ?? hidden, temperature), // [T, C]
    ...(head.update && { update: () => head.update!() }),
  });
  const head = reads(model.head);
  return new Proxy(model, {
    get(target, key) {
      if (key === 'head') return head;
      if (key === 'reads') return reads;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value as CallableFunction).bind(target) : value;
    },
  });
}
