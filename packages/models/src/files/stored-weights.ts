// SPDX-License-Identifier: Apache-2.0
import type { TensorStore } from '@llmf/core';
import type { StoredPacked, WeightFormat, WeightLayout } from '@llmf/nn';

/** The weights of a model: plain elements as `tensors`, and those that its files keep in a format of fewer bits. */
export interface WeightStore extends TensorStore {
  readonly packed: ReadonlyMap<string, StoredPacked>;
}

/** What reads weights in fewer bits, as plugins bring it. */
export interface PackedForms {
  formats(): readonly WeightFormat[];
  layouts(): readonly WeightLayout[];
}
