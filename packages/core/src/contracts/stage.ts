// SPDX-License-Identifier: Apache-2.0
import { token, type Named } from './token.js';
import type { Run } from './run.js';

/**
 * One kind of training. `prepare` builds everything the run needs and returns the session whose `step` does one
 * optimizer step's work (which may nest: a rollout, then epochs of minibatches). Between steps the engine decides on
 * logging, evaluation, saving and stopping.
 */
export interface Stage extends Named {
  /** Kind of rows that the data plugin must prepare, in its words. */
  readonly rows: string;
  /** Names that other slots take when the config and the plugins of the command line name none: `{ loss: 'sft' }`. */
  readonly defaults?: Readonly<Record<string, string>>;
  /** Keys of slots that are read on request alone (`Slot.readOnRequest`), and that this stage reads. */
  readonly reads?: readonly string[];
  /** Refuses what can be told from the config alone, before anything is loaded; also asked by `llmf check`. */
  check?(run: Run, options: Record<string, unknown>): void | Promise<void>;
  prepare(run: Run, options: Record<string, unknown>): Promise<StageSession>;
}

export interface StageSession {
  /** Optimizer steps of one pass over the training rows. */
  readonly stepsPerEpoch: number;
  /** Before step 1 of a fresh run: are loss and model wired as declared? @throws when not. */
  verify(): Promise<void>;
  /**
   * Does optimizer step `step` (1-based). Marks an error that comes before anything of the run was changed by
   * `beforeChange`: the steps before it are then saved first.
   */
  step(step: number): Promise<StepResult>;
  /** Metrics over the held-out rows, names without `eval_`; null when there are none. */
  evaluate(): Promise<Record<string, number> | null>;
}

/** What a step gives back without waiting for the device: metrics resolve after the next step is queued. */
export interface StepResult {
  readonly metrics: Promise<Record<string, number>>;
  /** Real tokens, a pair's prompt counted twice. */
  readonly tokens: number;
  /** Tokens that went through the model. */
  readonly computedTokens: number;
}

export const StageToken = token<Stage>('stage');

/**
 * Tells what kind of rows the config's training data holds, in the words of `Stage.rows`, where their columns leave no
 * doubt; null where they do, or cannot be read (which is told when they are). Provided by the plugin that reads rows.
 */
export type TellRowKind = (raw: Readonly<Record<string, unknown>>, folder: string) => Promise<string | null>;
export const RowKindToken = token<TellRowKind>('row-kind');
