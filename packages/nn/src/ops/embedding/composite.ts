// SPDX-License-Identifier: Apache-2.0
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { tf } from '../../tf.js';
import { scatterRows } from './scatter-rows.js';

export interface EmbeddingInputs {
  readonly ids: Tensor1D; // [T] int32
  readonly table: Tensor2D; // [V, C]
}

export const embeddingComposite = ({ ids, table }: EmbeddingInputs): readonly [Tensor2D] => [tf.gather(table, ids)];

export const embeddingGradientComposite = (
  { dy, ids }: { readonly dy: Tensor2D; readonly ids: Tensor1D },
  { vocabulary }: { readonly vocabulary: number },
): readonly [Tensor2D] => [scatterRows(dy, ids, vocabulary)];
