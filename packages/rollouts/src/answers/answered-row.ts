// SPDX-License-Identifier: Apache-2.0
import type { EncodedResponse, EncodedRow } from '@llmf/training';
import type { Answer } from './answer-writer.js';

/** Numbers of each token of an answer, by name: advantages, log-probs when it was drawn. */
export type TokenNumbers = NonNullable<EncodedResponse['tokenExtras']>;

/** A prompt's row with answers to it, every token of them counted. */
export function answeredRow(
  answers: readonly Pick<Answer, 'row' | 'sample'>[],
  numbers?: readonly TokenNumbers[],
): EncodedRow {
  const responses = answers.map(({ sample: { ids } }, at): EncodedResponse => {
    const tokenExtras = numbers?.[at];
    const counted = new Uint8Array(ids.length).fill(1);
    return { ids, counted, role: 'response', ...(tokenExtras === undefined ? {} : { tokenExtras }) };
  });
  return { ...answers[0]!.row, responses };
}
