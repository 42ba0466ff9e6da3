// SPDX-License-Identifier: Apache-2.0
import { floats, integers, output, outputIntegers, scalar, size } from '../signature.js';

export const sampleTokensSignatures = {
  /** Tokens that a row has seen, or may not take, are those from `…Starts[row]` to `…Starts[row + 1]`. An id of −1: no numbers. */
  sampleTokens: {
    rows: size,
    vocabulary: size,
    temperature: scalar,
    topK: size,
    topP: scalar,
    minP: scalar,
    repetitionPenalty: scalar,
    seenCount: size,
    bannedCount: size,
    logits: floats('rows * vocabulary'),
    draws: floats('rows'),
    seenStarts: integers('rows + 1'),
    seen: integers('seen_count'),
    bannedStarts: integers('rows + 1'),
    banned: integers('banned_count'),
    ids: outputIntegers('rows'),
    logProb: output('rows'),
  },
};
