// SPDX-License-Identifier: Apache-2.0
import { openai, sharegpt } from './conversation.js';
import type { DataFormat } from './data-format.js';
import { alpaca, medicalgpt, promptCompletion, prompts, ranked } from './instruction.js';
import { preference } from './preference.js';
import { labelledText, similarTexts, taggedWords } from './sequences.js';
import { text } from './text.js';
import { tokens } from './tokens.js';

/** The formats that come with this package, in the order in which they are tried on a file. */
export const builtInFormats: readonly DataFormat[] = [
  tokens,
  sharegpt,
  openai,
  alpaca,
  medicalgpt,
  ranked,
  preference,
  promptCompletion,
  text,
  similarTexts,
  taggedWords,
  labelledText,
  prompts,
];
