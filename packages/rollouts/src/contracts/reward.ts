// SPDX-License-Identifier: Apache-2.0
import { token, type Named, type Run } from '@llmf/core';
import type { Policy, RowChat, RowText } from '@llmf/training';

/** One answer to one prompt, as a reward sees it. */
export interface Sample {
  /** The prompt as the model saw it, template and all; without a tokenizer its ids. */
  readonly prompt: string;
  /** The answer without special tokens. */
  readonly answer: string;
  readonly promptIds: Int32Array;
  /** Tokens of the answer, that which ended it included: what a reward per token counts. */
  readonly ids: Int32Array;
  /** `stop`: it ended by itself; `length`: it was cut off at its limit. */
  readonly reason: 'stop' | 'length';
  /** The row's own columns. */
  readonly source: Readonly<Record<string, unknown>>;
  /** The prompt as turns, for a model that writes them in a template of its own; null for rows of token ids. */
  readonly chat: RowChat | null;
  /** Row of its split, from 0. */
  readonly row: number;
  /** Number of the answer among those to its prompt, from 0. */
  readonly number: number;
}

/**
 * One entry a sample: a number; or a list with one number for each of its tokens; or null where the reward has nothing to
 * say of it. A sample of which no reward says anything is left out of training.
 */
export type Scores = readonly (number | null | readonly number[])[];

export interface RewardContext {
  readonly run: Run;
  /** The policy that is being trained, whose base other adapters may stand on; null outside of training. */
  readonly policy: Policy | null;
  /** How the run's tokens read; null without a tokenizer. */
  readonly text: RowText | null;
}

/** A reward that is ready for a run. */
export interface OpenedReward {
  /** One line: what it is, and what it costs. */
  readonly description: string;
  /** @throws whatever goes wrong: the run ends and can be resumed */
  score(samples: readonly Sample[]): Scores | Promise<Scores>;
  dispose?(): void | Promise<void>;
}

/** A choice of `rewards:`. */
export interface Reward extends Named {
  /** Refuses what can be told before anything is loaded. */
  check?(run: Run, options: Record<string, unknown>): void | Promise<void>;
  open(context: RewardContext, options: Record<string, unknown>): OpenedReward | Promise<OpenedReward>;
}
export const RewardToken = token<Reward>('reward');
