// SPDX-License-Identifier: Apache-2.0
import { shapeOnly, type Model, type Parameter } from '@llmf/nn';
import { modelErrors } from '../errors.js';

/** What an architecture builds with in the place of a head that is left out. */
export function absentParameter(name: string, shape: readonly number[]): Parameter {
  return { name, shape, trainable: false, value: shapeOnly(shape) };
}

/**
 * A model without its language-model head: all else is as it was, and whoever asks for the head is told.
 * @param leftOut the head's weights by name
 */
export function withoutHead(model: Model, folder: string, leftOut: ReadonlyMap<string, unknown>): Model {
  const parameters = new Map([...model.parameters].filter(([name]) => !leftOut.has(name)));
  return new Proxy(model, {
    get(target, key) {
      if (key === 'parameters') return parameters;
      if (key === 'head') throw modelErrors.noLanguageHead({ folder });
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value as CallableFunction).bind(target) : value;
    },
  });
}
