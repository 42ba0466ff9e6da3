// SPDX-License-Identifier: Apache-2.0
import type { HostTensor } from '@llmf/core';

export interface Head {
  /** Its weights are `<name>.weight` and `<name>.bias`; with hidden layers `<name>.0.weight`, `<name>.2.weight`, … */
  readonly name: string;
  /** Where a family's classifiers have its layers, each `<path>.weight` and `<path>.bias`, instead of under its name. */
  readonly paths?: readonly string[];
  readonly outputs: number;
  /**
   * `token`: where each counted token is predicted; `first`: an answer's first token (an encoder's `[CLS]`); `last`: its
   * last one that is no padding token, where Transformers' sequence classifiers read; `mean`: over an answer's tokens. `action`: where each counted token is
   * predicted, and of that token alone: a head with an output for every token of the vocabulary gives two numbers, its
   * output for the token that comes and that output's log-softmax; all its outputs are never stored.
   */
  readonly at: 'token' | 'first' | 'last' | 'mean' | 'action';
  /** `last` is the last token whichever it is, as a value head of TRL reads; a run that trains on reads as classifiers do. */
  readonly readsPadding?: true;
  /**
   * The model is read by this head alone and needs no language-model head: a classifier or reward model, saved as
   * Transformers' …ForSequenceClassification, at tokens as …ForTokenClassification. Left out: the head stands beside and
   * is saved in a file of its own.
   */
  readonly replacesLanguageModel?: true;
  /** Names of the outputs of a classifier, for its config; left out: LABEL_0, LABEL_1, … */
  readonly labels?: readonly string[];
  /** What its outputs are trained for: `problem_type` of a classifier's config. */
  readonly problem?: 'regression' | 'single_label_classification' | 'multi_label_classification';
  /** Left out: none, as Transformers' `score`. */
  readonly bias?: boolean;
  /** Widths of layers before the last one, as torch's Sequential(Linear, ReLU, Linear); left out: none. */
  readonly hidden?: readonly number[];
  /** What stands between layers; ReLU when left out. */
  readonly activation?: 'relu' | 'tanh';
  /** Standard deviation of fresh weights; 0.02 as Transformers' initializer_range. Biases start at 0. */
  readonly deviation?: number;
}

/** Heads as a folder holds them. */
export interface SavedHeads {
  readonly heads: readonly Head[];
  /** By name, as `AttachedHead.variables`. */
  readonly tensors: Readonly<Record<string, HostTensor>>;
  /** The folder, for messages. */
  readonly folder: string;
}
