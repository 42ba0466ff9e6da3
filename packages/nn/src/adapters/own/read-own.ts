// SPDX-License-Identifier: Apache-2.0
/** What a PEFT folder holds in the place of modules of the model. */
import type { HostTensor } from '@llmf/core';
import type { EmbeddingLayer, Model, ModuleTree } from '../../contracts/model.js';
import { transposed } from '../../weights/transposed.js';
import type { AdapterFolder } from '../adapter-folder.js';
import { parsePeftHeadKey } from '../peft-names.js';
import { isNamed, parseOwnKey, type OwnKey } from './own-keys.js';
import { OwnModules, tokenTable, treeOf, type OwnHeadUpdate, type OwnParts, type OwnWeight } from './own-modules.js';

/** What adapter_config.json says of such modules. */
export interface OwnConfig {
  readonly modules_to_save?: readonly string[] | null | undefined;
  readonly trainable_token_indices?: readonly number[] | Readonly<Record<string, readonly number[]>> | null | undefined;
  readonly ensure_weight_tying?: boolean | null | undefined;
}

/** Rank and scale of the update of a table. */
type RankOf = (path: string) => { readonly rank: number; readonly scale: number };

type File = Pick<AdapterFolder<unknown>, 'tensors' | 'tensor' | 'misfit'>;
type Found = readonly [key: string, of: OwnKey];

/** Does a tensor of the file belong to a module of the adapter's own? Those of a classifier's head do not. */
export function isOwn(model: Model, key: string): boolean {
  const of = model.tree === undefined ? null : parseOwnKey(model, key);
  if (of === null) return false;
  const { headPath } = model.tree!;
  if (of.kind === 'update') return of.path === headPath;
  const isOfModel = of.kind === 'weight' ? isWeight(model.tree!, of.name) : true;
  return isOfModel && (of.kind !== 'weight' || parsePeftHeadKey(key) === null);
}

/**
 * The modules of an adapter's own; null where it has none.
 * @param options `areAlone`: trained tokens are all there is; `dropout`: of the input of the head's update
 * @throws LLMF_NN_ADAPTER_FILE
 */
export async function readOwn(
  model: Model,
  file: File,
  config: OwnConfig,
  rankOf: RankOf,
  { areAlone = false, dropout = 0 } = {},
): Promise<OwnModules | null> {
  const found = Object.keys(file.tensors)
    .filter((key) => isOwn(model, key))
    .map((key): Found => [key, parseOwnKey(model, key)!]);
  if (found.length === 0) return null;
  const tree = treeOf(model);
  const names = config.modules_to_save ?? [];
  const weights = weightsOf(tree, file, found);
  const isTrained = ({ name }: OwnWeight) => isNamed(model, name, names);
  const kept: OwnWeight[] = [];
  for (const weight of weights.filter((each) => !isTrained(each))) {
    if (!(await isTheModels(model, weight))) kept.push(weight);
  }
  const own = {
    names: names.filter((name) => weights.some((weight) => isNamed(model, weight.name, [name]))),
    whole: weights.filter(isTrained),
    kept,
    tiesHead: config.ensure_weight_tying === true,
  };
  const parts = untied(tree, { ...own, lowRank: [], tokens: [], head: null, dropout });
  const rows = (path: string) => rowsOf(tree, parts, path);
  const lowRank = lowRankOf(tree, file, found, rankOf, rows);
  return new OwnModules(model, {
    ...parts,
    lowRank,
    head: headUpdateOf(tree, file, found, rankOf, { ...parts, lowRank }),
    tokens: tokensOf(model, file, config, found),
    ...(areAlone && { areAlone }),
  });
}

const isWeight = (tree: ModuleTree, name: string): boolean =>
  tree.weights.has(name) || name === `${tree.headPath}.weight`;

/** Of a name that the file has twice, the one that is trained. */
function weightsOf(tree: ModuleTree, file: File, found: readonly Found[]): OwnWeight[] {
  const keys = new Map<string, string>();
  for (const [key, of] of found) {
    if (of.kind !== 'weight' || (keys.has(of.name) && key.includes('.modules_to_save.'))) continue;
    keys.set(of.name, key);
  }
  return [...keys].map(([name, key]) => {
    const tensor = file.tensors[key]!;
    const info = tree.weights.get(name) ?? tree.weights.get(`${tokenTable(tree).path}.weight`)!;
    const isTurned = info.transposedOnDisk === true;
    const stored = isTurned ? info.shape.toReversed() : shapeLike(tree, name, info.shape, tensor);
    const values = file.tensor(key, stored);
    const [rows, columns] = stored as [number, number];
    return isTurned
      ? { name, shape: info.shape, values: transposed(values, rows, columns) }
      : { name, shape: stored, values };
  });
}

/** The table of the tokens and the head may have another number of rows. */
function shapeLike(
  tree: ModuleTree,
  name: string,
  shape: readonly number[],
  { shape: given }: HostTensor,
): readonly number[] {
  const isOfTokens = [tokenTable(tree).path, tree.headPath].some((path) => name.startsWith(`${path}.`));
  return isOfTokens && given.length === shape.length ? [given[0]!, ...shape.slice(1)] : shape;
}

/** Is it carried along without being other than the model's? */
async function isTheModels({ parameters }: Model, { name, shape, values }: OwnWeight): Promise<boolean> {
  const parameter = parameters.get(name);
  if (parameter?.shape.join() !== shape.join()) return false;
  const own = (await parameter.value.data()) as Float32Array;
  return values.every((value, at) => value === own[at]);
}

/** A head that is tied in the model and saved beside an equal table is tied still. */
function untied(tree: ModuleTree, parts: OwnParts): OwnParts {
  const [head, table] = [`${tree.headPath}.weight`, `${tokenTable(tree).path}.weight`];
  if (tree.weights.has(head)) return parts;
  const all = [...parts.whole, ...parts.kept];
  const [ofHead, ofTable] = [head, table].map((name) => all.find((weight) => weight.name === name));
  if (ofHead === undefined || ofTable === undefined || parts.whole.includes(ofHead)) return parts;
  if (!ofHead.values.every((value, at) => value === ofTable.values[at])) return parts;
  return { ...parts, kept: parts.kept.filter((weight) => weight !== ofHead), tiesHead: true };
}

/** Rows of a table, as the adapter has it. */
function rowsOf(tree: ModuleTree, parts: OwnParts, path: string): number {
  const own = [...parts.whole, ...parts.kept].find(({ name }) => name === `${path}.weight`);
  return own?.shape[0] ?? tree.embeddings.get(path)?.count ?? tree.weights.get(`${path}.weight`)!.shape[0]!;
}

function lowRankOf(
  tree: ModuleTree,
  file: File,
  found: readonly Found[],
  rankOf: RankOf,
  rows: (path: string) => number,
): OwnParts['lowRank'] {
  const paths = new Set(found.flatMap(([, of]) => (of.kind === 'lowRank' ? [of.path] : [])));
  return [...paths].map((path) => {
    const { size } = tableAt(tree, file, path);
    const { rank, scale } = rankOf(path);
    const keyOf = (half: 'A' | 'B') =>
      found.find(([, of]) => of.kind === 'lowRank' && of.path === path && of.half === half)?.[0] ??
      `${path}.lora_embedding_${half}`;
    const a = file.tensor(keyOf('A'), [rank, rows(path)]);
    return { path, rank, scale, a, b: file.tensor(keyOf('B'), [size, rank]) };
  });
}

/**
 * That of the head; null where it has none, or follows the table's, which PEFT writes under the head's keys as well.
 * @throws LLMF_NN_ADAPTER_FILE
 */
function headUpdateOf(
  tree: ModuleTree,
  file: File,
  found: readonly Found[],
  rankOf: RankOf,
  parts: OwnParts,
): OwnHeadUpdate | null {
  const keyOf = (half: 'A' | 'B') => found.find(([, of]) => of.kind === 'update' && of.half === half)?.[0];
  const [keyA, keyB] = [keyOf('A'), keyOf('B')];
  if (keyA === undefined && keyB === undefined) return null;
  const { headPath } = tree;
  const { rank, scale } = rankOf(headPath);
  const { path, size } = tokenTable(tree);
  const isTied = !tree.weights.has(`${headPath}.weight`);
  const vocabulary = rowsOf(tree, parts, isTied ? path : headPath);
  const width = isTied ? size : tree.weights.get(`${headPath}.weight`)!.shape[1]!;
  const a = file.tensor(keyA ?? `${headPath}.lora_A.weight`, [rank, width]);
  const b = file.tensor(keyB ?? `${headPath}.lora_B.weight`, [vocabulary, rank]);
  const ofTable = isTied && parts.tiesHead ? parts.lowRank.find((each) => each.path === path) : undefined;
  if (ofTable === undefined) return { rank, scale, a, b };
  const isSame = (values: Float32Array, turned: Float32Array) => values.every((value, at) => value === turned[at]);
  if (isSame(a, transposed(ofTable.b, size, rank)) && isSame(b, transposed(ofTable.a, rank, vocabulary))) return null;
  throw file.misfit(keyA!, `the update of ${path}, which ensure_weight_tying gives the head too`);
}

/** @throws LLMF_NN_ADAPTER_FILE for a module that is no table of embeddings */
function tableAt(tree: ModuleTree, file: File, path: string): EmbeddingLayer {
  const table = tree.embeddings.get(path);
  if (table !== undefined) return table;
  throw file.misfit(path, `a table of embeddings of the model, such as ${tokenTable(tree).path}`);
}

function tokensOf(
  model: Model,
  file: File,
  { trainable_token_indices: indices }: OwnConfig,
  found: readonly Found[],
): OwnParts['tokens'] {
  const tree = treeOf(model);
  const { path: table, size } = tokenTable(tree);
  const all = found.flatMap(([key, of]) => (of.kind === 'tokens' ? [[key, of.path] as const] : []));
  const isTied = !tree.weights.has(`${tree.headPath}.weight`);
  const own = all.filter(([, path]) => !(isTied && path === tree.headPath && all.some(([, other]) => other === table)));
  return own.map(([key, path]) => {
    const ids = idsOf(model, indices, path);
    if (ids === null) throw file.misfit(key, 'its module among those of trainable_token_indices');
    const limit = file.tensors[key]!.shape[0]!;
    if (ids.length !== limit) throw file.misfit(key, `a row for each of ${ids.length} tokens`);
    if (path !== tree.headPath) tableAt(tree, file, path);
    return { path, ids, rows: file.tensor(key, [ids.length, size]) };
  });
}

/** Ids of a module: of the tokens' table where they are a list. */
function idsOf(
  { moduleNames }: Model,
  indices: OwnConfig['trainable_token_indices'],
  path: string,
): readonly number[] | null {
  if (indices === null || indices === undefined) return null;
  if (isList(indices)) return indices;
  const theirs = moduleNames?.toTransformers(path) ?? path;
  return Object.entries(indices).find(([name]) => theirs.endsWith(name))?.[1] ?? null;
}

const isList = (indices: NonNullable<OwnConfig['trainable_token_indices']>): indices is readonly number[] =>
  Array.isArray(indices);
