// SPDX-License-Identifier: Apache-2.0
import type { Assessed } from './assess.js';
import type { Answer } from './answer-writer.js';

/** Largest difference between the log-probs of tokens when they were drawn and as training computes them, in nats. */
export function samplingDifference(
  answers: readonly Pick<Answer, 'logProbs'>[],
  assessed: readonly Assessed[],
): number {
  const differences = answers.map(({ logProbs }, at) =>
    logProbs.reduce((most, each, token) => Math.max(most, Math.abs(each - assessed[at]!.logProbs[token]!)), 0),
  );
  return Math.max(0, ...differences);
}
