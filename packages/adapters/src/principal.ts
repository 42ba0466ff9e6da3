// SPDX-License-Identifier: Apache-2.0
import { normals, type RandomKey } from '@llmf/core';
import { tf, type Tensor2D } from '@llmf/nn';
import { combined, dot, orthonormal, symmetricEigen, type Columns } from './orthonormal.js';

/** W ≈ Σ σ_i u_i v_iᵀ, the largest first. */
export interface Triplets {
  readonly values: number[]; // σ [r]
  readonly left: Float64Array[]; // u_i [N]
  readonly right: Float64Array[]; // v_i [K]
}

/**
 * The first `rank` singular triplets of W [N, K], by subspace iteration from a random start (Halko et al., "Finding
 * structure with randomness", 2011, algorithms 4.4 and 5.1). Products with W are the backend's, the rest is done in
 * double precision. @param iterations each divides the error by (σ_r / σ_l)², l the columns beyond the rank
 */
export async function principalTriplets(
  weight: Tensor2D,
  rank: number,
  iterations: number,
  random: RandomKey,
  site: string,
): Promise<Triplets> {
  const [outputs, inputs] = weight.shape;
  const count = Math.min(rank + Math.max(8, rank), outputs, inputs);
  const start = normals(random, site, inputs * count);
  let left = orthonormal(await product(weight, columnsOf(start, inputs), false));
  for (let i = 0; i < iterations; i++) {
    const right = orthonormal(await product(weight, left, true));
    left = orthonormal(await product(weight, right, false));
  }
  const rows = await product(weight, left, true); // B = Qᵀ W, its rows [K]
  const { values, vectors } = symmetricEigen(rows.map((row) => Float64Array.from(rows, (other) => dot(row, other))));
  const sigmas = values.slice(0, rank).map((value) => Math.sqrt(Math.max(0, value)));
  return {
    values: sigmas,
    left: vectors.slice(0, rank).map((vector) => combined(left, vector)),
    right: vectors.slice(0, rank).map((vector, i) => {
      const scale = sigmas[i] === 0 ? 0 : 1 / sigmas[i]!;
      return combined(rows, vector).map((value) => value * scale);
    }),
  };
}

/** W X, or Wᵀ X, for columns X. */
export async function product(weight: Tensor2D, x: Columns, transposed: boolean): Promise<Float64Array[]> {
  const length = x[0]!.length;
  const values = new Float32Array(x.length * length);
  for (const [i, column] of x.entries()) values.set(column, i * length);
  const result = tf.tidy(() => tf.matMul(tf.tensor2d(values, [x.length, length]), weight, false, !transposed)); // (W X)ᵀ
  const data = (await result.data()) as Float32Array;
  const columns = columnsOf(data, result.shape[1]!);
  result.dispose();
  return columns;
}

/** Vectors of `length` values that lie one after the other. */
const columnsOf = (values: Float32Array, length: number): Float64Array[] =>
  Array.from({ length: values.length / length }, (_, i) =>
    Float64Array.from(values.subarray(i * length, (i + 1) * length)),
  );
