// SPDX-License-Identifier: Apache-2.0
/**
 * LoRA that begins with part of the weight itself: the base keeps what is left, W − s·B₀A₀, and B A begins as B₀A₀:
 * - PiSSA: Meng et al., "PiSSA: principal singular values and singular vectors adaptation", NeurIPS 2024: its first
 *   singular triplets, B₀ = U √(Σ/s), A₀ = √(Σ/s) Vᵀ
 * - OLoRA: Büyükakyüz, "OLoRA: orthonormal low-rank adaptation", 2024: of W = Q R, B₀ = Q, A₀ = R, the first r
 * The base stays as it is here, and s·B₀A₀ is taken from the layer's output. What is written is the plain LoRA of twice
 * the rank that does the same on an unchanged base, as PEFT 0.21 converts them (tuners/lora/model.py,
 * subtract_mutated_init): A = [A; A₀], B = [B, −B₀].
 */
import type { RandomKey } from '@llmf/core';
import {
  inLayers,
  linear,
  LoraAdapter,
  loraOptions,
  selectTargets,
  tf,
  type Adapter,
  type AttachedAdapter,
  type LayerPair,
  type LinearLayer,
  type LowRank,
  type MergedLayer,
  type Tensor,
  type Tensor2D,
  type Variable,
} from '@llmf/nn';
import { z } from 'zod';
import { errors } from './errors.js';
import { orthonormal } from './orthonormal.js';
import { principalTriplets, product } from './principal.js';

const shared = loraOptions.omit({
  path: true,
  rankPattern: true,
  alphaPattern: true,
  modulesToSave: true,
  trainableTokens: true,
});
export const oloraOptions = shared;
export type OloraOptions = z.infer<typeof oloraOptions>;
export const pissaOptions = shared.extend({
  iterations: z
    .int()
    .min(0)
    .default(16)
    .describe('Of the search for the largest singular triplets (LLaMA-Factory’s pissa_iter: 16).'),
});
export type PissaOptions = z.infer<typeof pissaOptions>;

/** A₀ [r, K] and B₀ [N, r], row by row. */
interface Start {
  readonly a: Float32Array;
  readonly b: Float32Array;
}
type Begin<Options> = (layer: LinearLayer, scale: number, options: Options, random: RandomKey) => Promise<Start>;

function residual<Options extends OloraOptions>(
  facts: Pick<Adapter, 'name' | 'description' | 'options'>,
  begin: Begin<Options>,
): Adapter {
  return {
    ...facts,
    trainsBase: () => false,
    async attach(model, given, random) {
      const options = given as Options;
      const { rank, alpha = 2 * rank, rsLora, targets, layers, dropout } = options;
      const scale = alpha / (rsLora ? Math.sqrt(rank) : rank);
      const pairs: LayerPair[] = [];
      for (const layer of inLayers(model, selectTargets(model, targets), layers)) {
        const limit = Math.min(layer.inputs, layer.outputs);
        if (rank > limit) throw errors.rank({ layer: layer.path, rank, limit });
        pairs.push({ layer, rank, alpha, ...(await begin(layer, scale, options, random)) });
      }
      const lora = { rank, alpha, dropout, rsLora, rankPattern: {}, alphaPattern: {} };
      return new ResidualLora(new LoraAdapter(model, pairs, lora), pairs);
    },
  };
}

export const pissa = residual<PissaOptions>(
  {
    name: 'pissa',
    description: 'LoRA that begins with the largest singular values of each weight; written as a plain LoRA',
    options: pissaOptions,
  },
  async ({ weight, path }, scale, { rank, iterations }, random) => {
    const { values, left, right } = await principalTriplets(weight, rank, iterations, random, path);
    const roots = values.map((value) => Math.sqrt(value / scale));
    return { a: rowsOf(right, roots), b: columnsOf(left, roots) };
  },
);

export const olora = residual<OloraOptions>(
  {
    name: 'olora',
    description: 'LoRA that begins with an orthonormal part of each weight; written as a plain LoRA',
    options: oloraOptions,
  },
  async ({ weight, inputs }, _scale, { rank }) => {
    const units = Array.from({ length: rank }, (_, i) =>
      Float64Array.from({ length: inputs }, (_one, j) => +(i === j)),
    );
    const basis = orthonormal(await product(weight, units, false)); // of the first r columns
    const ones = basis.map(() => 1);
    return { a: rowsOf(await product(weight, basis, true), ones), b: columnsOf(basis, ones) };
  },
);

/** Vectors times factors as the rows of a matrix. */
const rowsOf = (vectors: readonly Float64Array[], factors: readonly number[]): Float32Array =>
  Float32Array.from(vectors.flatMap((vector, i) => Array.from(vector, (value) => value * factors[i]!)));

/** And as its columns. */
const columnsOf = (vectors: readonly Float64Array[], factors: readonly number[]): Float32Array =>
  Float32Array.from({ length: vectors.length * vectors[0]!.length }, (_, at) => {
    const column = at % vectors.length;
    return vectors[column]![Math.floor(at / vectors.length)]! * factors[column]!;
  });

class ResidualLora implements AttachedAdapter {
  readonly variables: ReadonlyMap<string, Variable>;
  readonly peftConfig: Readonly<Record<string, unknown>>;
  /** What it adds and what it takes cancel up to rounding. */
  readonly isIdentity = false;
  private readonly starts: ReadonlyMap<string, { readonly a: Tensor2D; readonly b: Tensor2D }>;

  constructor(
    private readonly lora: LoraAdapter,
    pairs: readonly LayerPair[],
  ) {
    this.variables = lora.variables;
    const { r, lora_alpha: alpha, use_rslora: rsLora } = lora.peftConfig as Record<string, number | boolean>;
    const factor = rsLora === true ? Math.SQRT2 : 2; // s stays what it is
    this.peftConfig = { ...lora.peftConfig, r: 2 * (r as number), lora_alpha: factor * (alpha as number) };
    this.starts = new Map(
      pairs.map(({ layer, rank, a, b }) => [
        layer.path,
        {
          a: tf.tensor2d(a, [rank, layer.inputs], 'float32'),
          b: tf.tensor2d(b, [layer.outputs, rank], 'float32'),
        },
      ]),
    );
  }

  lowRank(path: string): LowRank | null {
    return this.lora.lowRank(path);
  }

  changes(path: string): boolean {
    return this.starts.has(path);
  }

  /** y − s·(x A₀ᵀ) B₀ᵀ */
  transform({ path }: LinearLayer, x: Tensor2D, y: Tensor2D): Tensor2D {
    const start = this.starts.get(path);
    if (start === undefined) return y;
    return tf.sub(y, tf.mul(linear(linear(x, start.a), start.b), this.lora.lowRank(path)!.scale));
  }

  saved(): ReadonlyMap<string, Tensor> {
    const paths = [...this.starts.keys()];
    const halves = [...this.variables].map(([key, variable], at): [string, Tensor] => {
      const { a, b } = this.starts.get(paths[Math.floor(at / 2)]!)!; // A, B, A, B, …
      const isA = at % 2 === 0;
      return [key, tf.tidy(() => (isA ? tf.concat([variable, a], 0) : tf.concat([variable, tf.neg(b)], 1)))];
    });
    return new Map(halves);
  }

  /** W + s·(B A − B₀ A₀) */
  merged(layer: LinearLayer): MergedLayer | null {
    const start = this.starts.get(layer.path);
    const added = this.lora.merged(layer);
    if (start === undefined || added === null) return null;
    const { scale } = this.lora.lowRank(layer.path)!;
    const weight = tf.tidy(() => tf.sub(added.weight, tf.mul(tf.matMul(start.b, start.a), scale)) as Tensor2D);
    added.weight.dispose();
    return { weight };
  }

  dispose(): void {
    this.lora.dispose();
    for (const { a, b } of this.starts.values()) tf.dispose([a, b]);
  }
}
