// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readSafetensors, toFloat32 } from '@llmf/core';
import { qwen2, qwen3 } from '@llmf/models';
import { tf, type Architecture, type Parameter, type WeightSource } from '@llmf/nn';
import { qwen25Vl, qwen2Vl } from '../src/models/qwen2-vl.js';
import { qwen3Vl } from '../src/models/qwen3-vl.js';
import type { Grid } from '../src/processor/patches.js';
import type { MediaGrid } from '../src/tokens/mrope-positions.js';

/** Written by oracles/vision/tiny_models.py from Transformers 5.18. */
export interface TinyRow {
  readonly ids: readonly number[];
  readonly images: readonly (readonly [number, number, number])[];
  readonly videos: readonly (readonly [number, number, number])[];
  readonly positions: readonly (readonly number[])[];
  readonly loss: number;
  readonly logits: Readonly<Record<string, readonly number[]>>;
  readonly embeddings: Readonly<Record<string, readonly number[]>>;
}
export interface TinyOracle {
  readonly secondsPerPatch: number;
  readonly rows: readonly TinyRow[];
  readonly loss: number;
  readonly gradients: Readonly<
    Record<string, { readonly norm: number; readonly picks: readonly (readonly [number, number])[] }>
  >;
  readonly greedy: readonly number[];
  readonly windows: { readonly order: readonly number[] | null; readonly lengths: readonly number[] | null };
}
export type TinyName = 'qwen2_vl' | 'qwen2_5_vl' | 'qwen3_vl';
export const tinyNames: readonly TinyName[] = ['qwen2_vl', 'qwen2_5_vl', 'qwen3_vl'];
export const tinyArchitectures: Readonly<Record<TinyName, Architecture>> = {
  qwen2_vl: qwen2Vl(() => qwen2),
  qwen2_5_vl: qwen25Vl(() => qwen2),
  qwen3_vl: qwen3Vl(() => qwen3),
};

const place = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
/** Gradients under the names here. */
export function tinyOracle(name: TinyName): TinyOracle {
  const oracle = JSON.parse(readFileSync(place(`${name}/oracle.json`), 'utf8')) as TinyOracle;
  const { renameWeight } = tinyArchitectures[name];
  const gradients = Object.entries(oracle.gradients).map(([key, gradient]) => [renameWeight!(key)!, gradient] as const);
  return { ...oracle, gradients: Object.fromEntries(gradients) };
}
export const tinyConfig = (name: TinyName) =>
  JSON.parse(readFileSync(place(`${name}/config.json`), 'utf8')) as Record<string, unknown>;

/** Every weight of the fixture as a variable. */
export async function tinyWeights(name: TinyName): Promise<WeightSource & { readonly names: readonly string[] }> {
  const read = await readSafetensors(place(`${name}/model.safetensors`));
  const { renameWeight } = tinyArchitectures[name];
  const tensors = Object.fromEntries(Object.entries(read).map(([key, host]) => [renameWeight!(key)!, host]));
  const take = (key: string): Parameter => {
    const host = tensors[key];
    if (host === undefined) throw new Error(`the fixture has no ${key}`);
    const shape = [...host.shape];
    const value = tf.variable(tf.tensor(toFloat32(host), shape), true);
    return { name: key, shape, trainable: true, value };
  };
  return { take, names: Object.keys(tensors) };
}

/** The script's pixels: a sine of the index. */
export function tinyPixels(count: number, salt: number): tf.Tensor2D {
  const values = Float32Array.from({ length: count * 96 }, (_, index) => Math.sin(index * 0.37 + salt));
  return tf.tensor2d(values, [count, 96]);
}

export const gridOfTuple = ([t, h, w]: readonly [number, number, number]): Grid => ({ t, h, w });
export const patchesOf = (grids: readonly (readonly [number, number, number])[]) =>
  grids.reduce((sum, [t, h, w]) => sum + t * h * w, 0);

/** Media of a row in the order of their tokens: its pictures, then its videos. */
export const mediaOfRow = ({ images, videos }: TinyRow, secondsPerPatch: number): MediaGrid[] => [
  ...images.map((grid): MediaGrid => ({ kind: 'image', grid: gridOfTuple(grid) })),
  ...videos.map((grid): MediaGrid => ({ kind: 'video', grid: gridOfTuple(grid), secondsPerPatch })),
];

export const evaluation = {
  adapter: null,
  training: false,
  randomKey: { seed: 0, stream: 'test', step: 0, microbatch: 0 },
  gradientCheckpointing: false,
} as const;
