// SPDX-License-Identifier: Apache-2.0
/**
 * Several LoRAs as one, each with a weight w, as PEFT 0.21 adds them (tuners/lora/model.py, add_weighted_adapter), s their
 * scales; the new one has scale 1:
 * - cat: A = [w₁s₁A₁; w₂s₂A₂; …], B = [B₁, B₂, …]: exactly Σ w s B A, of the sum of their ranks
 * - linear: A = Σ ±√|ws| A, B = Σ √|ws| B, of their common rank: near to the sum where they are alike
 * - svd: the first singular triplets of Σ w s B A, of the largest rank, or the one that is asked for
 */
import { LoraAdapter, type LayerPair, type LinearLayer, type LowRank, type Model } from '@llmf/nn';
import { errors } from './errors.js';
import { combined, dot, orthonormal, symmetricEigen } from './orthonormal.js';

export const combinations = ['cat', 'linear', 'svd'] as const;
export type Combination = (typeof combinations)[number];

export interface WeightedLora {
  /** For messages. */
  readonly name: string;
  readonly adapter: LoraAdapter;
  readonly weight: number;
}

interface Part {
  readonly weight: number;
  readonly rank: number;
  readonly scale: number;
  /** Rows of A, [rank] of [inputs]. */
  readonly a: readonly Float64Array[];
  /** Columns of B, [rank] of [outputs]. */
  readonly b: readonly Float64Array[];
}

/**
 * @param rank of svd; left out: the largest of theirs
 * @throws LLMF_ADAPTERS_COMBINED_RANKS for linear ones of several ranks
 */
export async function combineLora(
  model: Model,
  adapters: readonly WeightedLora[],
  combination: Combination,
  rank?: number,
): Promise<LoraAdapter> {
  const pairs: LayerPair[] = [];
  for (const layer of model.linears.values()) {
    const parts: Part[] = [];
    for (const { adapter, weight } of adapters) {
      const lowRank = adapter.lowRank(layer.path);
      if (lowRank !== null) parts.push(await partOf(lowRank, weight));
    }
    if (parts.length > 0) pairs.push(joined(layer, parts, combination, rank, adapters));
  }
  const most = Math.max(...pairs.map((pair) => pair.rank));
  const others = pairs.filter((pair) => pair.rank !== most);
  const pattern = Object.fromEntries(others.map(({ layer, rank: own }) => [escaped(layer.path), own]));
  const facts = { rank: most, alpha: most, dropout: 0, rsLora: false, rankPattern: pattern, alphaPattern: pattern };
  return new LoraAdapter(model, pairs, facts);
}

function joined(
  layer: LinearLayer,
  parts: readonly Part[],
  combination: Combination,
  rank: number | undefined,
  adapters: readonly WeightedLora[],
): LayerPair {
  if (combination === 'cat') return pairOf(layer, concatenated(parts));
  if (combination === 'svd')
    return pairOf(layer, principal(parts, rank ?? Math.max(...parts.map((part) => part.rank))));
  const ranks = [...new Set(parts.map((part) => part.rank))];
  if (ranks.length > 1)
    throw errors.combinedRanks({ names: adapters.map(({ name }) => name), layer: layer.path, ranks });
  return pairOf(layer, summed(parts));
}

interface Factors {
  readonly a: readonly Float64Array[];
  readonly b: readonly Float64Array[];
}

const concatenated = (parts: readonly Part[]): Factors => ({
  a: parts.flatMap(({ a, weight, scale }) => a.map((row) => row.map((value) => weight * scale * value))),
  b: parts.flatMap(({ b }) => b),
});

function summed(parts: readonly Part[]): Factors {
  const roots = parts.map(({ weight, scale }) => Math.sqrt(Math.abs(weight * scale)));
  const signed = parts.map(({ weight, scale }, at) => (weight * scale >= 0 ? roots[at]! : -roots[at]!));
  const ranks = [...parts[0]!.a.keys()];
  return {
    a: ranks.map((row) =>
      combined(
        parts.map(({ a }) => a[row]!),
        signed,
      ),
    ),
    b: ranks.map((column) =>
      combined(
        parts.map(({ b }) => b[column]!),
        roots,
      ),
    ),
  };
}

/** Σ w s B A lies in what the columns of B and the rows of A span: the triplets of a matrix of the sum of ranks. */
function principal(parts: readonly Part[], rank: number): Factors {
  const { a, b } = concatenated(parts);
  const left = orthonormal(b);
  const right = orthonormal(a);
  const core = right.map((v) =>
    combined(
      b.map((column) => Float64Array.from(left, (u) => dot(u, column))),
      a.map((row) => dot(row, v)),
    ),
  ); // columns of Uᵀ M V
  const { values, vectors } = symmetricEigen(
    core.map((column) => Float64Array.from(core, (other) => dot(column, other))),
  );
  const kept = [...values.keys()].slice(0, Math.min(rank, values.length));
  return {
    a: kept.map((at) => combined(right, vectors[at]!)),
    b: kept.map((at) => combined(left, combined(core, vectors[at]!))), // σ u
  };
}

async function partOf({ a, b, scale }: LowRank, weight: number): Promise<Part> {
  const [rank, inputs] = a.shape as [number, number];
  const [rows, columns] = [await a.data(), await b.data()];
  return {
    weight,
    rank,
    scale,
    a: Array.from({ length: rank }, (_, row) => Float64Array.from(rows.slice(row * inputs, (row + 1) * inputs))),
    b: Array.from({ length: rank }, (_, at) =>
      Float64Array.from({ length: b.shape[0]! }, (_one, row) => columns[row * rank + at]!),
    ),
  };
}

function pairOf(layer: LinearLayer, { a, b }: Factors): LayerPair {
  const rank = a.length;
  const values = new Float32Array(layer.outputs * rank);
  for (const [at, column] of b.entries()) for (const [row, value] of column.entries()) values[row * rank + at] = value;
  return { layer, rank, alpha: rank, a: Float32Array.from(a.flatMap((row) => [...row])), b: values };
}

/** A module's path as an expression of PEFT's patterns. */
const escaped = (path: string): string => path.replaceAll('.', String.raw`\.`);
