// SPDX-License-Identifier: Apache-2.0
import type { HostTensor } from '@llmf/core';
import type { Model } from '../contracts/index.js';
import { classifierHead, layerPaths, readHeads } from '../head-files/index.js';
import type { SavedHeads } from '../contracts/head.js';
import { readAdapterFolder, type AdapterFolder, type LayerTensors } from './adapter-folder.js';
import { LoraAdapter, type LayerPair, type LoraFacts } from './lora-adapter.js';
import { loraForm, type LoraConfig } from './lora-form.js';
import { patterned } from './patterned.js';
import { isOwn, readOwn } from './own/read-own.js';
import type { OwnModules } from './own/own-modules.js';
import { isForTrainingOnly, parsePeftHeadKey } from './peft-names.js';
import { checkWhole } from './whole-adapter.js';
import { isOfStackedExperts, stackedExperts } from './stacked-experts.js';

/**
 * The adapter of a PEFT folder, ready to be trained on or to generate with.
 * @param option what the user set to name the folder, for messages
 * @throws LLMF_NN_ADAPTER_FILE, LLMF_NN_ADAPTER_KEY, LLMF_NN_ADAPTER_PICKLED
 */
export async function savedLora(model: Model, folder: string, option: string, dropout = 0): Promise<LoraAdapter> {
  const file = await readAdapterFolder(folder, option, loraForm);
  const isElsewhere = (key: string) =>
    isForTrainingOnly(key) || isOfHead(key) || isOwn(model, key) || isOfStackedExperts(model, key);
  const ofExperts = stackedExperts(model, file, (path) => rankOf(model, file.config, path));
  const pairs = inForwardOrder(model, [...savedPairs(model, file, ['lora_A', 'lora_B'], isElsewhere), ...ofExperts]);
  const own = await savedModules(model, file, dropout);
  const facts = savedFacts(file.config, dropout);
  const whole = ofExperts.length === 0 ? facts : { ...facts, ...patternsOf(model, ofExperts, facts) };
  return new LoraAdapter(model, pairs, whole, await headsOf(model, folder, file), own);
}

/** Of a layer, or of the stacked parameter of experts. */
function rankOf(model: Model, { r, lora_alpha, rank_pattern, alpha_pattern }: LoraConfig, path: string) {
  return {
    rank: patterned(rank_pattern, model, path) ?? r,
    alpha: patterned(alpha_pattern, model, path) ?? lora_alpha,
  };
}

function inForwardOrder({ linears }: Model, pairs: readonly LayerPair[]): LayerPair[] {
  const byLayer = new Map(pairs.map((pair) => [pair.layer.path, pair]));
  return [...linears.keys()].flatMap((path) => byLayer.get(path) ?? []);
}

/** Patterns for the layers of experts in the place of those for their stacked parameters. */
function patternsOf(
  model: Model,
  pairs: readonly LayerPair[],
  { rank, alpha, rankPattern, alphaPattern }: LoraFacts,
): Pick<LoraFacts, 'rankPattern' | 'alphaPattern'> {
  const others = (patterns: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.entries(patterns).filter(([key]) => !/(gate_up|down)_proj/.test(key)));
  const [ranks, alphas] = [others(rankPattern), others(alphaPattern)];
  for (const { layer, rank: own, alpha: ownAlpha } of pairs) {
    const name = `experts\\.\\d+\\.${layer.path.slice(layer.path.lastIndexOf('.') + 1)}`;
    if ((patterned(ranks, model, layer.path) ?? rank) !== own) ranks[name] = own;
    if ((patterned(alphas, model, layer.path) ?? alpha) !== ownAlpha) alphas[name] = ownAlpha;
  }
  return { rankPattern: ranks, alphaPattern: alphas };
}

/** Those of all layers; none where the adapter changes no linear layer. */
export function savedPairs(
  model: Model,
  file: AdapterFolder<LoraConfig>,
  parts: readonly string[],
  isElsewhere: (key: string) => boolean,
): LayerPair[] {
  const hasOthers = Object.keys(file.tensors).some((key) => isOwn(model, key) || isOfStackedExperts(model, key));
  if (hasOthers && Object.keys(file.tensors).every(isElsewhere)) return [];
  const layers = file.byLayer(model, parts, isElsewhere);
  checkWhole(model, file, new Set(layers.map(({ layer }) => layer.path)));
  return layers.map((layer) => savedPair(model, file, layer));
}

/** The modules of its own, with the rank that the config gives to each table. */
export function savedModules(
  model: Model,
  file: AdapterFolder<LoraConfig>,
  dropout: number,
): Promise<OwnModules | null> {
  const scaleOf = (path: string) => {
    const { use_rslora } = file.config;
    const { rank, alpha } = rankOf(model, file.config, path);
    return { rank, scale: alpha / (use_rslora ? Math.sqrt(rank) : rank) };
  };
  return readOwn(model, file, file.config, scaleOf, { dropout });
}

/** A and B of one layer, of the rank that its config gives it. */
export function savedPair(model: Model, file: AdapterFolder<LoraConfig>, of: LayerTensors): LayerPair {
  const { layer } = of;
  const { rank, alpha } = rankOf(model, file.config, layer.path);
  const a = file.part(of, 'lora_A', [rank, layer.inputs]);
  return { layer, rank, alpha, a, b: file.part(of, 'lora_B', [layer.outputs, rank]) };
}

export const savedFacts = (config: LoraConfig, dropout: number): LoraFacts => ({
  rank: config.r,
  alpha: config.lora_alpha,
  rsLora: config.use_rslora,
  rankPattern: config.rank_pattern,
  alphaPattern: config.alpha_pattern,
  dropout,
});

const isOfHead = (key: string): boolean => parsePeftHeadKey(key) !== null;

/** A classifier's head from the adapter's file, or the heads beside it. */
async function headsOf(model: Model, folder: string, file: AdapterFolder<LoraConfig>): Promise<SavedHeads | null> {
  const named: (readonly [string, HostTensor])[] = Object.entries(file.tensors).flatMap(([key, tensor]) => {
    const name = parsePeftHeadKey(key);
    return name === null ? [] : [[name, tensor] as const];
  });
  if (named.length === 0) return await readHeads(folder);
  const ofTokens = file.config['task_type'] === 'TOKEN_CLS';
  const form = classifierHead({ outputs: 1, ofTokens }, model.hiddenSize, model.classifierHead);
  const tensors = Object.fromEntries(named);
  const last = layerPaths(form).at(-1)!;
  const outputs = tensors[`${last}.weight`]?.shape[0] ?? 1;
  const head = { ...form, outputs, ...(`${last}.bias` in tensors && { bias: true }) };
  return { heads: [head], tensors, folder };
}
