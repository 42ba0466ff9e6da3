// SPDX-License-Identifier: Apache-2.0
import type { EncodingOptions } from '../encode/encoding.js';
import type { ExampleTransform } from '../extension-points.js';
import type { DataFormat, WantedRows } from '../formats/data-format.js';
import type { ChosenTemplate } from '../templates/choose.js';
import type { Tokenizer } from '../tokenizer.js';

export interface BuildSettings {
  readonly folder: string;
  readonly wanted: WantedRows;
  /** Numeric columns wanted beside the text. */
  readonly extras: readonly string[];
  readonly formats: readonly DataFormat[];
  readonly transforms: readonly ExampleTransform[];
  readonly tokenizer: Tokenizer | null;
  readonly tokenizerFolder: string;
  readonly template: ChosenTemplate | null;
  readonly templateName: string;
  readonly encoding: EncodingOptions;
  /** Ids at or above this do not exist in the model; null: not known. */
  readonly vocabulary: number | null;
  readonly cacheFolder: string;
  readonly workers: number | 'auto';
  readonly notice: (line: string) => void;
  /** Aborted when the run shall end. */
  readonly stop?: AbortSignal | undefined;
}
