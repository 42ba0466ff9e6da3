// SPDX-License-Identifier: Apache-2.0
import type { LabelRequest } from '@llmf/training';
import type { EncodedParts } from './encoded-parts.js';
import type { Truncation } from './truncate.js';

/** Everything that decides which tokens a row becomes; part of the cache key. */
export interface EncodingOptions {
  readonly systemPrompt: string | null;
  /** null: rows are never cut (scoring). */
  readonly maxLength: number | null;
  readonly truncation: Truncation;
  readonly trainOnPrompt: boolean;
  readonly maskHistory: boolean;
  /** Rows with media are not cut here: a modality does it, which knows their length. */
  readonly leavesMedia: boolean;
  /** The stage learns running text: chats are written out and learned whole. */
  readonly asText: boolean;
  /** How labels become numbers; left out: they are not wanted. */
  readonly labels?: LabelRequest;
  /** An encoder reads prompts: each row has one, which ends as the tokenizer ends a text. */
  readonly wholePrompts?: true;
}

export interface Encoded {
  readonly rows: readonly EncodedParts[];
  /** Why tokens were cut off, for the report; null: none were. */
  readonly truncated: string | null;
}
