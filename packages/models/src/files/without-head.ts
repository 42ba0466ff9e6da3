// SPDX-License-Identifier: Apache-2.0
import { tf, type Model, type Parameter } from '@llmf/nn';
import { modelErrors } from '../errors.js';

/** What an architecture builds with in the place of a language-model head that is left out. */
export function absentParameter(name: string): Parameter {
  return { name, shape: [0], trainable: false, value: tf.zeros([0]) };
}

/**
 * A model without its language-model head: all else is as it was, and whoever asks for the head is told.
 * @param leftOut names of the head's weights
 */
export function withoutHead(model: Model, folder: string, leftOut: ReadonlySet<string>): Model {
  const parameters = new Map([...model.parameters].filter(([name]) => !leftOut.has(name)));
  for (const [name, { value }] of model.parameters) if (leftOut.has(name)) value.dispose();
  return new Proxy(model, {
    get(target, key) {
      if (key === 'parameters') return parameters;
      if (key === 'head') throw modelErrors.noLanguageHead({ folder });
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value as CallableFunction).bind(target) : value;
    },
  });
}
