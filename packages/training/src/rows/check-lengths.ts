// SPDX-License-Identifier: Apache-2.0
import type { RowSet } from '../contracts/data.js';
import { trainingErrors } from '../training-errors.js';

/** No prompt with its longest answer may exceed what the model was made for. @throws LLMF_TRAINING_TOO_LONG. */
export function checkLengths(rows: RowSet, contextLength: number): void {
  let longest = 0;
  for (let index = 0; index < rows.length; index++) longest = Math.max(longest, rows.longestOf(index));
  if (longest > contextLength) throw trainingErrors.tooLong({ length: longest, context: contextLength });
}
