// SPDX-License-Identifier: Apache-2.0
import type { Model } from '../contracts/index.js';
import { errors } from '../errors.js';
import { adapterErrors } from './adapter-errors.js';
import { patternOfKey } from './pattern-key.js';

type Patterns = Readonly<Record<string, number>>;

/** PEFT's rule (get_pattern_key, peft 0.21): the first key that, as an expression, is the end of the module's path. */
export function patterned(patterns: Patterns, model: Model, path: string): number | undefined {
  const today = model.moduleNames?.toTransformers(path) ?? path;
  const entries = Object.entries(patterns);
  const entry = entries.find(([key]) => matches(key, today)) ?? entries.find(([key]) => matches(key, path));
  return entry?.[1];
}

/** Is a key the end of a path, as an expression? */
const matches = (key: string, name: string): boolean => patternOfKey(key).test(name);

/** Every pattern means some layer. @throws LLMF_NN_UNKNOWN_TARGET, LLMF_NN_BAD_PATTERN */
export function checkPatterns(
  model: Model,
  paths: readonly string[],
  patterns: Readonly<Record<string, Patterns>>,
): void {
  const keys = Object.entries(patterns).flatMap(([option, each]) => Object.keys(each).map((key) => ({ option, key })));
  for (const { option, key } of keys) {
    try {
      if (paths.some((path) => patterned({ [key]: 1 }, model, path) !== undefined)) continue;
    } catch (error) {
      throw errors.badPattern({ option: `adapter.${option}`, target: key, reason: (error as Error).message });
    }
    const known = [...new Set(paths.map((path) => path.slice(path.lastIndexOf('.') + 1)))];
    throw adapterErrors.unknownTarget({ option: `adapter.${option}`, target: key, known });
  }
}
