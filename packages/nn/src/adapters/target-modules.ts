// SPDX-License-Identifier: Apache-2.0
import type { Model } from '../contracts/index.js';

/**
 * PEFT's `target_modules` for exactly these layers. PEFT takes every module whose path ends with one of the names, so a
 * name is the shortest end of the path that no other module has: `q_proj`, `attn.proj` beside a `patch_embed.proj`, or
 * the whole path.
 */
export function targetModules(model: Model, paths: readonly string[]): string[] {
  const today = (path: string) => model.moduleNames?.toTransformers(path) ?? path;
  const wanted = new Set(paths.map(today));
  const others = [...modulePaths([...model.parameters.keys()].map(today))].filter((path) => !wanted.has(path));
  const taken = new Set(others.flatMap(ends));
  return [...new Set([...wanted].map((path) => ends(path).find((end) => !taken.has(end)) ?? path))];
}

/** The paths of all modules that hold these weights, those around them included. */
const modulePaths = (weights: readonly string[]): Set<string> =>
  new Set(weights.flatMap((name) => starts(name.slice(0, name.lastIndexOf('.')))));

/** `a.b.c` → `a`, `a.b`, `a.b.c` */
const starts = (path: string): string[] =>
  path.split('.').map((_, index, parts) => parts.slice(0, index + 1).join('.'));

/** `a.1.c` → `c`, `a.1.c`: a number alone says little to a reader. */
const ends = (path: string): string[] =>
  path
    .split('.')
    .map((_, index, parts) => parts.slice(parts.length - 1 - index).join('.'))
    .filter((end) => !/^\d/.test(end));
