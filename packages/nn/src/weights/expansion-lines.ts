// SPDX-License-Identifier: Apache-2.0
import type { StartedBackend } from '@llmf/core';
import type { Model } from '../contracts/model.js';
import { outlineOf } from './outline.js';
import { packedOf } from './packed.js';

/** One line for each format of a model's weights that the backend does not read itself: what that costs. */
export function expansionLines(
  { parameters }: Pick<Model, 'parameters'>,
  { tfName, formats = [] }: StartedBackend,
): string[] {
  const counts = new Map<string, number>();
  for (const { value } of parameters.values()) {
    const name = outlineOf(value)?.format ?? packedOf(value)?.format.name;
    if (name !== undefined && !formats.includes(name)) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(
    ([name, count]) =>
      `backend ${tfName} has no kernels for ${name}: its ${count} weights are expanded to float32 for each product, one at a ` +
      'time, which costs time; `quantization: f32` keeps them expanded, which costs memory',
  );
}
