// SPDX-License-Identifier: Apache-2.0
import { uniforms } from '@llmf/core';
import type { Positions } from '../contracts/segments.js';
import { linear } from '../ops/linear/linear.js';
import { tf } from '../tf.js';
import type { ActiveAdapter, Model } from '../contracts/model.js';
import { nonFiniteWeight } from '../weights/non-finite-weight.js';
import { generationErrors } from './generation-errors.js';
import { TensorCache } from './key-value-cache.js';
import { checkSampling, likeliest, sample, type SamplingOptions } from './sample.js';

export interface GenerateOptions extends SamplingOptions {
  readonly maxNewTokens: number;
  /** Take the likeliest token each time instead of sampling. */
  readonly greedy?: boolean;
  /** Key of the sampling draws: same seed, same text. */
  readonly seed?: number;
  /** Tokens that end the answer; the one that did is its last. */
  readonly eosIds?: readonly number[];
  readonly adapter?: ActiveAdapter | null;
  /** Called with each new token as soon as it is known. */
  readonly onToken?: (id: number) => void;
  /** Positions of the prompt where they are not 0, 1, 2, …; new tokens go on from the largest. */
  readonly positions?: Positions;
  /** Replaces embeddings of the prompt [T, C], for pictures. */
  readonly embedded?: (embeddings: tf.Tensor2D) => tf.Tensor2D;
}

export interface Generated {
  readonly ids: readonly number[];
  /** `stop`: an end token came; `length`: maxNewTokens or the model's context was reached. */
  readonly reason: 'stop' | 'length';
}

/**
 * Continues a prompt token by token, with a key-value cache.
 * @throws LLMF_NN_EMPTY_PROMPT, LLMF_NN_CONTEXT_FULL, LLMF_NN_LOGITS_NOT_FINITE, LLMF_NN_SAMPLING, LLMF_NN_INDEX
 */
export async function generate(
  model: Model,
  promptIds: ArrayLike<number>,
  options: GenerateOptions,
): Promise<Generated> {
  checkRequest(model, promptIds, options);
  const { greedy = false, seed = 0, eosIds = [], maxNewTokens } = options;
  const limit = Math.min(maxNewTokens, model.contextLength - promptIds.length);
  const prompt = options.positions ?? Int32Array.from(promptIds, (_, index) => index);
  const next = largest(prompt) + 1;
  const cache = new TensorCache();
  const ids: number[] = [];
  try {
    let logits = await lastLogits(model, Int32Array.from(promptIds), prompt, cache, options, options.embedded);
    while (ids.length < limit) {
      if (logits.some(Number.isNaN)) {
        const weight = await nonFiniteWeight(model, options.adapter);
        throw generationErrors.logitsNotFinite({ tokens: promptIds.length + ids.length, weight });
      }
      const key = { seed, stream: 'sample', step: ids.length, microbatch: 0 };
      const id = greedy ? likeliest(logits) : sample(logits, uniforms(key, 'token', 1)[0]!, options);
      ids.push(id);
      options.onToken?.(id);
      if (eosIds.includes(id)) return { ids, reason: 'stop' };
      if (ids.length === limit) break;
      const position = Int32Array.of(next + ids.length - 1);
      const positions: Positions = prompt instanceof Int32Array ? position : [position, position, position];
      logits = await lastLogits(model, Int32Array.of(id), positions, cache, options);
    }
    return { ids, reason: 'length' };
  } finally {
    cache.dispose();
  }
}

/** The language-model head on some rows of the hidden states [T, C]: [rows, V]. */
export function logitsOf(model: Model, hidden: tf.Tensor2D, rows: readonly number[] | Int32Array): tf.Tensor2D {
  return tf.tidy(() => {
    const chosen = tf.gather(hidden, tf.tensor1d(Int32Array.from(rows), 'int32')); // [rows, C]
    return linear(chosen, model.head.weight, { bias: model.head.bias });
  });
}

/** Runs some more tokens through the model; the logits after the last one, [V] on the host. */
async function lastLogits(
  model: Model,
  ids: Int32Array,
  positions: Positions,
  cache: TensorCache,
  { adapter = null }: Pick<GenerateOptions, 'adapter'>,
  embedded?: GenerateOptions['embedded'],
): Promise<Float32Array> {
  const logits = tf.tidy(() => {
    const embeddings = model.embed(ids); // [T, C]
    const hidden = model.forward(embedded === undefined ? embeddings : embedded(embeddings), {
      segments: [{ start: 0, length: ids.length }],
      positions,
      adapter,
      training: false,
      randomKey: { seed: 0, stream: 'evaluation', step: 0, microbatch: 0 },
      cache,
      gradientCheckpointing: false,
    });
    return logitsOf(model, hidden, [ids.length - 1]);
  });
  const values = (await logits.data()) as Float32Array;
  logits.dispose();
  return values;
}

function checkRequest(model: Model, promptIds: ArrayLike<number>, options: GenerateOptions): void {
  if (promptIds.length === 0) throw generationErrors.emptyPrompt({ tokens: promptIds.length });
  if (promptIds.length >= model.contextLength) {
    throw generationErrors.contextFull({ prompt: promptIds.length, context: model.contextLength });
  }
  if (options.greedy !== true) checkSampling(options);
}

function largest(positions: Positions): number {
  const lists: readonly Int32Array[] = positions instanceof Int32Array ? [positions] : positions;
  return lists.reduce((most, list) => list.reduce((a, b) => Math.max(a, b), most), -1);
}
