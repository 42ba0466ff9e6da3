// SPDX-License-Identifier: Apache-2.0
import type { Head } from '../contracts/head.js';

/** Where a head's layers are: their weights are `<path>.weight`. */
export function layerPaths({ name, hidden = [], paths }: Head): readonly string[] {
  if (paths !== undefined) return paths;
  return hidden.length === 0 ? [name] : [...hidden, 0].map((_width, at) => `${name}.${2 * at}`);
}
