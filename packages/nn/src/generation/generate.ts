// SPDX-License-Identifier: Apache-2.0
import type { GenerationRequest, GenerationSettings, GeneratorOptions } from '../contracts/generation.js';
import type { ActiveAdapter, Model } from '../contracts/model.js';
import { BatchedGenerator } from './batched-generator.js';

export interface GenerateOptions
  extends Omit<GenerationSettings, 'onToken' | 'logProbs'>, Pick<GenerationRequest, 'positions' | 'embedded'> {
  readonly adapter?: ActiveAdapter | null;
  readonly steering?: GeneratorOptions['steering'];
  /** Called with each new token as soon as it is known. */
  readonly onToken?: (id: number) => void;
}

export interface Generated {
  readonly ids: readonly number[];
  /** `stop`: an end token came; `length`: maxNewTokens or the model's context was reached. */
  readonly reason: 'stop' | 'length';
}

/**
 * One answer to one prompt.
 * @throws LLMF_NN_EMPTY_PROMPT, LLMF_NN_CONTEXT_FULL, LLMF_NN_SAMPLING, LLMF_NN_LOGITS_NOT_FINITE, LLMF_NN_INDEX
 */
export async function generate(
  model: Model,
  promptIds: ArrayLike<number>,
  options: GenerateOptions,
): Promise<Generated> {
  const { adapter = null, steering, positions, embedded, onToken, ...settings } = options;
  const request: GenerationRequest = {
    ids: Int32Array.from(promptIds),
    ...(positions === undefined ? {} : { positions }),
    ...(embedded === undefined ? {} : { embedded }),
  };
  const watch = onToken === undefined ? {} : { onToken: ({ id }: { id: number }) => onToken(id) };
  let answer: Generated = { ids: [], reason: 'length' };
  for await (const { ids, reason } of new BatchedGenerator(model, { adapter, steering }).complete([request], {
    ...settings,
    ...watch,
  })) {
    answer = { ids: [...ids], reason };
  }
  return answer;
}
