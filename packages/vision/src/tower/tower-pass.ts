// SPDX-License-Identifier: Apache-2.0
import { tf, type AttentionSpan, type ForwardContext } from '@llmf/nn';
import { patchRope } from './patch-rope.js';

/** What all blocks of one pass through a tower share. */
export interface TowerPass {
  readonly context: ForwardContext;
  readonly angles: Angles;
  /** What the patches of a layer see. */
  readonly spansOf: (layer: number) => readonly AttentionSpan[];
}

/** cos and sin of every patch's angles, each [P, headSize / 2]; a function, since a recomputed block makes its own. */
export type Angles = () => { readonly cos: tf.Tensor2D; readonly sin: tf.Tensor2D };

/** @param places [P, 2] row and column of each patch */
export function anglesOf(places: Int32Array, headSize: number, isRecomputed: boolean): Angles {
  const tables = patchRope(places, headSize);
  const shape: [number, number] = [places.length / 2, headSize / 2];
  const make = () => ({ cos: tf.tensor2d(tables.cos, shape), sin: tf.tensor2d(tables.sin, shape) });
  if (isRecomputed) return make;
  const once = make();
  return () => once;
}
