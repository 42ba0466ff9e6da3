// SPDX-License-Identifier: Apache-2.0
import type { LinearLayer, Model } from '../contracts/index.js';
import { matcherOf } from '../weights/path-matcher.js';
import { adapterErrors } from './adapter-errors.js';

/**
 * `all`, layer names (ends of the path, or the whole path), or a `/regular expression/` over whole paths. Paths are those
 * of the modules in Transformers, so that a target means the same layers in PEFT.
 */
export type Targets = string | readonly string[];

type Adapted = Pick<Model, 'linears' | 'targets' | 'moduleNames'>;

/** The layers that `targets` means, in forward order. @throws LLMF_NN_UNKNOWN_TARGET naming the known ones. */
export function selectTargets(model: Adapted, targets: Targets): LinearLayer[] {
  const layers = [...(model.targets ?? model.linears).values()];
  if (targets === 'all') return layers;
  const today = ({ path }: LinearLayer) => model.moduleNames?.toTransformers(path) ?? path;
  const wanted = typeof targets === 'string' ? [targets] : targets;
  const matchers = wanted.map((target) => ({ target, matches: matcherOf(target) }));
  for (const { target, matches } of matchers) {
    if (!layers.some((layer) => matches(today(layer))))
      throw adapterErrors.unknownTarget({ option: 'adapter.targets', target, known: layerNames(layers) });
  }
  return layers.filter((layer) => matchers.some(({ matches }) => matches(today(layer))));
}

/**
 * Those of some blocks, by number; all where none are named.
 * @throws LLMF_NN_UNKNOWN_BLOCK for a number that the model has not
 */
export function inLayers(
  { blocks }: Pick<Model, 'blocks'>,
  layers: readonly LinearLayer[],
  numbers: readonly number[] | undefined,
): LinearLayer[] {
  if (numbers === undefined) return [...layers];
  const unknown = numbers.find((number) => number >= blocks.length);
  if (unknown !== undefined) throw adapterErrors.unknownBlock({ block: unknown, blocks: blocks.length });
  return layers.filter(({ path }) => numbers.some((number) => path.startsWith(`${blocks[number]!}.`)));
}

/** The distinct last parts of the layers' paths: `q_proj`, `k_proj`, … */
const layerNames = (layers: readonly LinearLayer[]): string[] => [
  ...new Set(layers.map(({ path }) => path.slice(path.lastIndexOf('.') + 1))),
];
