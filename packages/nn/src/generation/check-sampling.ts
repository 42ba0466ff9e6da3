// SPDX-License-Identifier: Apache-2.0
import type { SamplingOptions } from '../contracts/generation.js';
import { generationErrors } from './generation-errors.js';

/** @throws LLMF_NN_SAMPLING */
export function checkSampling(options: SamplingOptions & { readonly maxNewTokens?: number }): void {
  const { temperature = 1, topP = 1, topK = 0, minP = 0, repetitionPenalty = 1, maxNewTokens = 1 } = options;
  const check = (option: string, got: number, isRight: boolean, expected: string) => {
    if (!isRight) throw generationErrors.sampling({ option, got: String(got), expected });
  };
  check(
    'temperature',
    temperature,
    temperature >= 0 && temperature < Infinity,
    'a number from 0 (the likeliest token) on',
  );
  check('topP', topP, topP > 0 && topP <= 1, 'a number above 0, at most 1');
  check('topK', topK, Number.isInteger(topK) && topK >= 0, 'a whole number, 0 for all');
  check('minP', minP, minP >= 0 && minP <= 1, 'a number from 0 to 1');
  check(
    'repetitionPenalty',
    repetitionPenalty,
    repetitionPenalty > 0 && repetitionPenalty < Infinity,
    'a number above 0',
  );
  check('maxNewTokens', maxNewTokens, Number.isInteger(maxNewTokens) && maxNewTokens >= 1, 'a whole number from 1 on');
}
