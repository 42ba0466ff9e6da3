// SPDX-License-Identifier: Apache-2.0
import { token, type Named } from '@llmf/core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { AttachedHead } from '../heads/head.js';
import type { ActiveAdapter, Model } from './model.js';
import type { Positions } from './segments.js';

/** Names tokens that may not come next, of a prompt and the answer so far. */
export type Ban = (prompt: Int32Array, answer: readonly number[]) => readonly number[];

/** How the next token is chosen. Applied in this order, as Transformers does. */
export interface SamplingOptions {
  /** Tokens that any of these names get no probability. */
  readonly bans?: readonly Ban[];
  /** Divides the logits of tokens that the prompt or the answer holds (multiplies negative ones); 1: none. */
  readonly repetitionPenalty?: number;
  /** Divides the logits; 1 leaves the model's own distribution; 0 takes the likeliest token, of equal ones the first. */
  readonly temperature?: number;
  /** Only from this many likeliest tokens; 0: all. */
  readonly topK?: number;
  /** Only from the likeliest tokens whose probabilities first reach this share together; 1: all. */
  readonly topP?: number;
  /** Only from tokens at least this share as likely as the likeliest; 0: all. */
  readonly minP?: number;
}

export interface GenerationSettings extends SamplingOptions {
  readonly maxNewTokens: number;
  /** Key of all draws: same seed and same request key, same answer, whatever else is in the batch. */
  readonly seed?: number;
  /** Tokens that end an answer; the one that did is its last. */
  readonly eosIds?: readonly number[];
  /** Asked after each token with the answer so far; true ends the answer (a stop string was written). */
  readonly stops?: (ids: readonly number[]) => boolean;
  /** Log-probs of the answers are wanted; they come with the choice of a token. */
  readonly logProbs?: boolean;
  /** Called with each token as soon as it is known. */
  readonly onToken?: (token: { readonly request: number; readonly answer: number; readonly id: number }) => void;
}

/** A prompt and how many answers are wanted to it; their keys and values of the prompt are held once. */
export interface GenerationRequest {
  readonly ids: Int32Array;
  /** 1 when left out. */
  readonly answers?: number;
  /** Names the random stream: answer i draws from `<key>/<i>`; the request's number when left out. */
  readonly key?: string;
  /** Key of the draws of its answers, instead of the settings'. */
  readonly seed?: number;
  /** Positions of the prompt where they are not 0, 1, 2, …; new tokens go on from the largest. */
  readonly positions?: Positions;
  /** The adapter of this prompt and its answers; left out: that of the generator. */
  readonly adapter?: ActiveAdapter | null;
  /** Replaces embeddings of the prompt [T, C], for pictures. */
  readonly embedded?: (embeddings: Tensor2D) => Tensor2D;
}

export interface Completion {
  /** Number of its request, and of the answer among the request's. */
  readonly request: number;
  readonly answer: number;
  /** Tokens of the answer, the end token included. */
  readonly ids: Int32Array;
  /** log π of each token under the model itself (temperature 1, every token allowed), as training computes it; empty unless asked for. */
  readonly logProbs: Float32Array;
  /** `stop`: an end token or `stops`; `length`: maxNewTokens or the model's context was reached. */
  readonly reason: 'stop' | 'length';
}

export interface Generator {
  /**
   * Answers in the order in which they end. Each depends on its own request alone.
   * @throws LLMF_NN_ENCODER, LLMF_NN_EMPTY_PROMPT, LLMF_NN_CONTEXT_FULL, LLMF_NN_SAMPLING, LLMF_NN_LOGITS_NOT_FINITE, LLMF_NN_INDEX
   */
  complete(requests: readonly GenerationRequest[], settings: GenerationSettings): AsyncIterable<Completion>;
}

/** Changes the logits [N, V] of the next tokens by the hidden states [N, C] that they come from. */
export type Steering = (hidden: Tensor2D, logits: Tensor2D) => Tensor2D;

/** Steers generation by heads beside a model, such as Q and V heads. */
export interface Guide extends Named {
  /** @param strength of the steering; 0: none. @returns null where the heads are not those it reads */
  open(heads: ReadonlyMap<string, AttachedHead>, strength: number): Steering | null;
}
/** Provided by plugins; the first that reads the model's heads is taken. */
export const GuideToken = token<Guide>('guide');

export interface GeneratorOptions {
  readonly adapter?: ActiveAdapter | null;
  /** Log-probs of answers are then those of the steered model. */
  readonly steering?: Steering | undefined;
  /** Answers that are written at the same time. */
  readonly maxSequences?: number;
  /** Prompt tokens that go through the model in one pass; a longer prompt goes alone. */
  readonly maxPromptTokens?: number;
}

/** Makes generators; provided by nn, and by plugins that generate elsewhere. */
export const GeneratorToken = token<{ open(model: Model, options?: GeneratorOptions): Generator }>(
  'generator',
  '@llmf/nn',
);
