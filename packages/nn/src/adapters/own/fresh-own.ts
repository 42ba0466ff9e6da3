// SPDX-License-Identifier: Apache-2.0
/** A new adapter's own modules, each as the model has it. */
import { normals, type RandomKey } from '@llmf/core';
import type { Model, ModuleTree, Tokenize } from '../../contracts/model.js';
import { adapterErrors } from '../adapter-errors.js';
import { matcherOf } from '../../weights/path-matcher.js';
import type { Targets } from '../targets.js';
import { isNamed } from './own-keys.js';
import { OwnModules, tokenTable, treeOf, type OwnLowRank, type OwnParts, type OwnWeight } from './own-modules.js';

/** Tokens by id or text: of the tokens' table, or by the name of a module. */
export type TrainableTokens = readonly (number | string)[] | Readonly<Record<string, readonly (number | string)[]>>;

export interface OwnRequest {
  readonly modulesToSave: readonly string[];
  readonly trainableTokens: TrainableTokens;
  /** Tables with a low-rank update, and what it is. */
  readonly tables: readonly string[];
  rankOf(path: string): { readonly rank: number; readonly scale: number };
  readonly areAlone?: boolean;
}

/**
 * null where nothing is asked for.
 * @throws LLMF_NN_UNKNOWN_MODULE, LLMF_NN_TRAINED_TOKEN, LLMF_NN_CHANGED_TWICE, LLMF_NN_NO_MODULES
 */
export async function freshOwn(
  model: Model,
  request: OwnRequest,
  random: RandomKey,
  tokenize?: Tokenize,
): Promise<OwnModules | null> {
  const { modulesToSave: names, trainableTokens, tables, rankOf, areAlone } = request;
  const hasTokens = (Array.isArray(trainableTokens) ? trainableTokens : Object.keys(trainableTokens)).length > 0;
  if (names.length === 0 && !hasTokens && tables.length === 0) return null;
  const tree = treeOf(model);
  const whole = await wholeOf(model, tree, names);
  const tokens = hasTokens ? await tokensOf(model, tree, trainableTokens, tokenize) : [];
  const lowRank = tables.map((path) => lowRankOf(tree, path, rankOf(path), random));
  checkOnce([
    ...whole.map(({ name }) => [name.replace(/\.\w+$/, ''), 'modulesToSave'] as const),
    ...lowRank.map(({ path }) => [path, 'targets'] as const),
    ...tokens.map(({ path }) => [path, 'trainableTokens'] as const),
  ]);
  const parts = { names, whole, kept: [], lowRank, tokens, tiesHead: false, ...(areAlone && { areAlone }) };
  return new OwnModules(model, parts);
}

/** The tables that `targets` name; what else they name is no table's. */
export function targetTables({ tree, moduleNames }: Model, targets: Targets): { tables: string[]; others: Targets } {
  if (targets === 'all' || tree === undefined) return { tables: [], others: targets };
  const paths = [...tree.embeddings.keys()];
  const wanted = typeof targets === 'string' ? [targets] : targets;
  const meant = (target: string) =>
    paths.filter((path) => matcherOf(target)(moduleNames?.toTransformers(path) ?? path));
  const others = wanted.filter((target) => target.startsWith('/') || meant(target).length === 0);
  return { tables: [...new Set(wanted.flatMap(meant))], others };
}

async function wholeOf(model: Model, tree: ModuleTree, names: readonly string[]): Promise<OwnWeight[]> {
  const weights = [...tree.weights.keys()].filter((name) => model.parameters.has(name));
  for (const name of names) {
    if (weights.some((weight) => isNamed(model, weight, [name]))) continue;
    const known = [...new Set(weights.map((weight) => weight.split('.').at(-2)!))];
    throw adapterErrors.unknownModule({ option: 'modulesToSave', module: name, known });
  }
  const own: OwnWeight[] = [];
  for (const name of weights.filter((weight) => isNamed(model, weight, names))) {
    own.push({ name, shape: model.parameters.get(name)!.shape, values: await copyOf(model, name) });
  }
  return own;
}

async function tokensOf(
  model: Model,
  tree: ModuleTree,
  given: TrainableTokens,
  tokenize: Tokenize | undefined,
): Promise<OwnParts['tokens']> {
  const table = tokenTable(tree);
  const named = isList(given) ? [[table.path, given] as const] : Object.entries(given);
  const tokens: OwnParts['tokens'][number][] = [];
  for (const [name, wanted] of named) {
    const path = isList(given) ? name : pathNamed(model, tree, name);
    const limit = model.parameters.get(`${path}.weight`)!.shape[0]!;
    const ids: number[] = [];
    for (const token of wanted) ids.push(await idOf(token, limit, ids, tokenize));
    const all = await copyOf(model, `${path}.weight`);
    const { size } = table;
    const rows = Float32Array.from(ids.flatMap((id) => [...all.subarray(id * size, (id + 1) * size)]));
    tokens.push({ path, ids, rows });
  }
  return tokens;
}

/** A table, or a head that is a weight of its own. @throws LLMF_NN_UNKNOWN_MODULE */
function pathNamed({ moduleNames, parameters }: Model, tree: ModuleTree, name: string): string {
  const known = [...tree.embeddings.keys(), tree.headPath].filter((path) => parameters.has(`${path}.weight`));
  const found = known.find((path) => matcherOf(name)(moduleNames?.toTransformers(path) ?? path));
  if (found !== undefined) return found;
  throw adapterErrors.unknownModule({ option: 'trainableTokens', module: name, known });
}

async function idOf(
  token: number | string,
  limit: number,
  before: readonly number[],
  tokenize: Tokenize | undefined,
): Promise<number> {
  const found = typeof token === 'number' ? [token] : [...((await tokenize?.(token)) ?? [])];
  const [id = -1] = found;
  if (found.length === 1 && id >= 0 && id < limit && !before.includes(id)) return id;
  throw adapterErrors.trainedToken({ got: JSON.stringify(token), limit });
}

/** As in PEFT (LoraLayer.reset_lora_parameters): A zero, B standard normal. */
function lowRankOf(
  tree: ModuleTree,
  path: string,
  { rank, scale }: ReturnType<OwnRequest['rankOf']>,
  random: RandomKey,
): OwnLowRank {
  const { count, size } = tree.embeddings.get(path)!;
  return { path, rank, scale, a: new Float32Array(rank * count), b: normals(random, path, size * rank) };
}

/** @throws LLMF_NN_CHANGED_TWICE */
function checkOnce(changes: readonly (readonly [module: string, option: string])[]): void {
  const seen = new Map<string, string>();
  for (const [module, option] of changes) {
    const before = seen.get(module) ?? option;
    if (before !== option) throw adapterErrors.changedTwice({ module, ways: `${before} and ${option}` });
    seen.set(module, option);
  }
}

const copyOf = async ({ parameters }: Model, name: string): Promise<Float32Array> =>
  ((await parameters.get(name)!.value.data()) as Float32Array).slice();

const isList = (given: TrainableTokens): given is readonly (number | string)[] => Array.isArray(given);
