// SPDX-License-Identifier: Apache-2.0
import type { LinearLayer } from '../contracts/index.js';
import { adapterErrors } from './adapter-errors.js';

/** `all`, layer names (last part of the path, or the whole path), or a `/regular expression/` over whole paths. */
export type Targets = string | readonly string[];

/** The layers that `targets` means, in forward order. @throws LLMF_NN_UNKNOWN_TARGET naming the known ones. */
export function selectTargets(linears: ReadonlyMap<string, LinearLayer>, targets: Targets): LinearLayer[] {
  const layers = [...linears.values()];
  if (targets === 'all') return layers;
  const wanted = typeof targets === 'string' ? [targets] : targets;
  const matchers = wanted.map((target) => ({ target, matches: matcherOf(target) }));
  for (const { target, matches } of matchers) {
    if (!layers.some(({ path }) => matches(path)))
      throw adapterErrors.unknownTarget({ target, known: layerNames(layers) });
  }
  return layers.filter(({ path }) => matchers.some(({ matches }) => matches(path)));
}

function matcherOf(target: string): (path: string) => boolean {
  const pattern = /^\/(.+)\/([imsu]*)$/.exec(target);
  if (pattern === null) return (path) => path === target || path.endsWith(`.${target}`);
  try {
    const expression = new RegExp(pattern[1]!, pattern[2]);
    return (path) => expression.test(path);
  } catch (error) {
    throw adapterErrors.badPattern({ target, reason: (error as Error).message });
  }
}

/** The distinct last parts of the layers' paths: `q_proj`, `k_proj`, … */
export const layerNames = (layers: readonly LinearLayer[]): string[] => [
  ...new Set(layers.map(({ path }) => path.slice(path.lastIndexOf('.') + 1))),
];
