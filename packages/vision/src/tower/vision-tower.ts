// SPDX-License-Identifier: Apache-2.0
import type { tf, ForwardContext } from '@llmf/nn';
import type { Grid } from '../processor/patches.js';

/** What a tower depends on besides patches and weights; as the language model's, without tokens. */
export type TowerContext = Omit<ForwardContext, 'segments' | 'positions' | 'cache'>;

/** Turns patches into embeddings of the language model. */
export interface VisionTower {
  /** Values of a patch: channels × temporal patch × patch × patch. */
  readonly patchValues: number;
  /** Patches per side that become one token. */
  readonly mergeSize: number;
  /** How many features of a token are added behind the first blocks of the language model; left out: none. */
  readonly addedBlocks?: number;
  /**
   * patches [P, patchValues] of all grids, one after the other → [P / mergeSize², C], and with `addedBlocks` n
   * [P / mergeSize², C · (1 + n)]: beside each embedding what is added behind the first n blocks, in order.
   */
  forward(patches: tf.Tensor2D, grids: readonly Grid[], context: TowerContext): tf.Tensor2D;
}

/** The context a layer expects; a tower has no packed tokens. */
export const layerContext = (context: TowerContext): ForwardContext => ({
  ...context,
  segments: [],
  positions: new Int32Array(0),
});
