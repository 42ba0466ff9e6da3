// SPDX-License-Identifier: Apache-2.0
import { klOfTokens, type Assessed, type ScoredAnswer } from '@llmf/rollouts';
import type { GrpoOptions } from './options.js';

type Scoring = Pick<GrpoOptions, 'missingEosPenalty' | 'softLength' | 'maxNewTokens' | 'klCoefficient' | 'klPlace'>;

/** What an answer is compared by with the others of its group: its score, less what is taken off for length and KL. */
export function groupScore(
  { reward, sample }: Pick<ScoredAnswer, 'reward' | 'sample'>,
  { logProbs, reference }: Pick<Assessed, 'logProbs' | 'reference'>,
  { missingEosPenalty, softLength, maxNewTokens, klCoefficient, klPlace }: Scoring,
): number {
  const { score, tokens } = reward;
  const plain = score! + (tokens?.reduce((sum, each) => sum + each, 0) ?? 0);
  const cutOff = sample.reason === 'length' ? (missingEosPenalty ?? 0) : 0;
  const kl =
    klPlace === 'loss' || reference === null
      ? 0
      : klOfTokens(logProbs, reference, 'k1').reduce((sum, each) => sum + each, 0);
  return plain - cutOff - lengthPenalty(sample.ids.length, maxNewTokens, softLength) - klCoefficient * kl;
}

/** DAPO, equation 13: from 0 at `limit − soft` tokens to 1 at `limit`. */
export const lengthPenalty = (tokens: number, limit: number, soft: number | null): number =>
  soft === null ? 0 : Math.min(1, Math.max(0, (tokens - (limit - soft)) / soft));
