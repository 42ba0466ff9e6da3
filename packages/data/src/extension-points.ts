// SPDX-License-Identifier: Apache-2.0
import { token } from '@llmf/core';
import type { Example } from './formats/example.js';

/**
 * A change to every example before it is tokenized, e.g. a modality that writes its placeholder tokens where the text
 * says `<image>`. Provided under `ExampleTransformToken`; applied in order of registration.
 */
export interface ExampleTransform {
  readonly name: string;
  /** Changes whenever the same example would come out otherwise; part of the cache key. */
  readonly version: string;
  apply(example: Example): Example;
  /** Rows with media leave this package uncut: the modality knows how long they are, and limits them itself. */
  readonly fitsMedia?: boolean;
}
export const ExampleTransformToken = token<ExampleTransform>('example-transform');
