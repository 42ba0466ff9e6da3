// SPDX-License-Identifier: Apache-2.0
import { token, type HostTensor, type MapFile, type Named, type SafetensorsDtype, type TensorStore } from '@llmf/core';
import type { PackedWeight, WeightFormat, WeightParts } from './weight-format.js';

/** A weight in fewer bits, as its files keep it. */
export interface StoredPacked {
  readonly shape: readonly number[];
  readonly format: WeightFormat;
  /** In the files. */
  readonly bytes: number;
  /** Where the backend maps files, views into them. */
  read(mapFile?: MapFile): Promise<WeightParts>;
}

/** One that a layout found, with the tensors it consists of. */
export interface LaidOutWeight extends StoredPacked {
  readonly tensors: readonly string[];
}

/** A model folder as a layout sees it. */
export interface QuantizedFolder {
  /** For messages. */
  readonly folder: string;
  /** `quantization_config` of its config.json. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly store: TensorStore;
}

/**
 * How the folders of some tool keep weights in fewer bits; its name is the `quant_method` of config.json's
 * quantization_config.
 */
export interface WeightLayout extends Named {
  /** The weights in fewer bits by their keys, `…q_proj.weight`; each checked against shapes and settings before it is read. */
  open(folder: QuantizedFolder): Promise<ReadonlyMap<string, LaidOutWeight>>;
  /** Left out: it is only read. */
  readonly writes?: LayoutWriter;
}

/** Writes folders of a layout. */
export interface LayoutWriter {
  /** Names of the formats it has a place for. */
  readonly formats: readonly string[];
  /** A weight as the folder holds it. @param dtype of the weight before it was quantized */
  tensors(key: string, weight: PackedWeight, dtype: SafetensorsDtype): Readonly<Record<string, HostTensor>>;
  /** `quantization_config`. @param plain paths of linear layers that are not quantized */
  settings(format: WeightFormat, options: Record<string, unknown>, plain: readonly string[]): Record<string, unknown>;
}

export const WeightLayoutToken = token<WeightLayout>('weight-layout');
