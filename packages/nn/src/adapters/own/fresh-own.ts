// SPDX-License-Identifier: Apache-2.0
/** A new adapter's own modules, each as the model has it. */
import { normals, uniforms, type RandomKey } from '@llmf/core';
import type { Model, ModuleTree, Tokenize } from '../../contracts/model.js';
import { adapterErrors } from '../adapter-errors.js';
import { matcherOf } from '../../weights/path-matcher.js';
import type { Targets } from '../targets.js';
import { isNamed } from './own-keys.js';
import {
  OwnModules,
  tokenTable,
  treeOf,
  type OwnHeadUpdate,
  type OwnLowRank,
  type OwnParts,
  type OwnWeight,
} from './own-modules.js';
import { tf } from '../../tf.js';

/** Tokens by id or text: of the tokens' table, or by the name of a module. */
export type TrainableTokens = readonly (number | string)[] | Readonly<Record<string, readonly (number | string)[]>>;

export interface OwnRequest {
  readonly modulesToSave: readonly string[];
  readonly trainableTokens: TrainableTokens;
  /** Tables with a low-rank update, and what it is. */
  readonly tables: readonly string[];
  /** Does the language-model head have one too? */
  readonly head?: boolean;
  /** Of the input of the head's. */
  readonly dropout?: number;
  /** A tied head follows what the adapter makes of the tokens' table; naming the one names the other. */
  readonly tiesHead?: boolean;
  rankOf(path: string): { readonly rank: number; readonly scale: number };
  readonly areAlone?: boolean;
}

/**
 * null where nothing is asked for.
 * @throws LLMF_NN_UNKNOWN_MODULE, LLMF_NN_TRAINED_TOKEN, LLMF_NN_CHANGED_TWICE, LLMF_NN_NO_MODULES, LLMF_NN_NOTHING_TIED
 */
export async function freshOwn(
  model: Model,
  request: OwnRequest,
  random: RandomKey,
  tokenize?: Tokenize,
): Promise<OwnModules | null> {
  const { trainableTokens, rankOf, areAlone, dropout = 0, tiesHead = false } = request;
  const { modulesToSave: names, tables, head = false } = tiesHead ? tied(model, request) : request;
  const hasTokens = (Array.isArray(trainableTokens) ? trainableTokens : Object.keys(trainableTokens)).length > 0;
  if (names.length === 0 && !hasTokens && tables.length === 0 && !head) return null;
  const tree = treeOf(model);
  const whole = await wholeOf(model, tree, names);
  const tokens = hasTokens ? await tokensOf(model, tree, trainableTokens, tokenize) : [];
  const lowRank = tables.map((path) => lowRankOf(tree, path, rankOf(path), random));
  checkOnce([
    ...whole.map(({ name }) => [name.replace(/\.\w+$/, ''), 'modulesToSave'] as const),
    ...lowRank.map(({ path }) => [path, 'targets'] as const),
    ...(head ? [[tree.headPath, 'targets'] as const] : []),
    ...tokens.map(({ path }) => [path, 'trainableTokens'] as const),
  ]);
  const ofHead = head ? headUpdateOf(model, rankOf(tree.headPath), random, tree.headPath) : null;
  const parts = { names, whole, kept: [], lowRank, tokens, head: ofHead, dropout, tiesHead };
  return new OwnModules(model, { ...parts, isNew: true, ...(areAlone && { areAlone }) });
}

/**
 * With the tokens' table in the place of the head that is tied to it, as PEFT takes them (tuners/lora/model.py,
 * _add_targets_to_tie and _add_modules_to_save_to_tie).
 * @throws LLMF_NN_NOTHING_TIED
 */
function tied(
  model: Model,
  { modulesToSave, tables, head = false }: OwnRequest,
): Pick<OwnRequest, 'modulesToSave' | 'tables' | 'head'> {
  const { headPath, weights, embeddings } = treeOf(model);
  const theirs = (path: string) => model.moduleNames?.toTransformers(path) ?? path;
  const table = [...embeddings.keys()][0]!;
  const isHead = (name: string) => matcherOf(name)(theirs(headPath));
  const names = modulesToSave.map((name) => (isHead(name) ? theirs(table) : name));
  const isWhole = isNamed(model, `${table}.weight`, names);
  if (weights.has(`${headPath}.weight`)) throw adapterErrors.nothingTied({ got: `${headPath} is a weight of its own` });
  if (!isWhole && !head && !tables.includes(table))
    throw adapterErrors.nothingTied({ got: `neither ${table} nor ${headPath} is changed` });
  return {
    modulesToSave: [...new Set(names)],
    tables: [...new Set([...tables, ...(head ? [table] : [])])],
    head: false,
  };
}

/** The tables that `targets` name, and whether they name the head; what else they name is a linear layer's. */
export function targetTables(
  { tree, moduleNames }: Model,
  targets: Targets,
): { tables: string[]; head: boolean; others: Targets } {
  if (targets === 'all' || tree === undefined) return { tables: [], head: false, others: targets };
  const wanted = typeof targets === 'string' ? [targets] : targets;
  const meant = (target: string, paths: Iterable<string>) =>
    [...paths].filter((path) => matcherOf(target)(moduleNames?.toTransformers(path) ?? path));
  const tables = (target: string) => meant(target, tree.embeddings.keys());
  const isHead = (target: string) => !target.startsWith('/') && meant(target, [tree.headPath]).length > 0;
  const others = wanted.filter((target) => target.startsWith('/') || (tables(target).length === 0 && !isHead(target)));
  return { tables: [...new Set(wanted.flatMap(tables))], head: wanted.some(isHead), others };
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

/** As of any linear layer: A uniform in ±1/√C, B zero. Reading the head refuses a model that has none. */
function headUpdateOf(
  { head }: Model,
  { rank, scale }: ReturnType<OwnRequest['rankOf']>,
  random: RandomKey,
  path: string,
): OwnHeadUpdate {
  const [vocabulary, size] = tf.tidy(() => head.weight.shape);
  const bound = 1 / Math.sqrt(size);
  const a = uniforms(random, path, rank * size).map((u) => (2 * u - 1) * bound);
  return { rank, scale, a, b: new Float32Array(vocabulary * rank) };
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
