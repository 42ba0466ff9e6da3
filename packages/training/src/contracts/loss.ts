// SPDX-License-Identifier: Apache-2.0
import type { Head, Scalar, Tensor1D, Tensor2D } from '@llmf/nn';
import { token, type Named } from '@llmf/core';
import type { ResponseRole, RowKind } from './data.js';

/** How the hidden states of an answer become one vector. */
export type Pooling = 'mean' | 'first' | 'last';

export type LogProbStat = 'logProb' | 'entropy' | 'logSumSquaredProbabilities';

/** What a loss needs, as facts; the engine provides it. The needs of weighted terms are united. */
export interface LossNeeds {
  readonly rows: RowKind;
  readonly reference: 'none' | 'required';
  /** Per-token statistics besides `logProb`, which is always there. */
  readonly stats: readonly LogProbStat[];
  /** `all`: prompt tokens are scored too and arrive in `prompt`. */
  readonly span: 'response' | 'all';
  /** Answers whose tokens are this loss's `token` units (with the prompt's where the span is `all`); all when left out. */
  readonly roles?: readonly ResponseRole[];
  /** `batch`: the value of one item depends on the others, so accumulation differs from one large batch. */
  readonly coupling: 'item' | 'batch';
  /** `media`: per row one response of role `contrast`, the chosen answer behind other media; a modality adds it. */
  readonly contrast?: 'media';
  /** Per row one more response of role `mismatched`: the answer of another row behind this row's prompt; training adds it. */
  readonly mismatched?: true;
  /** Numeric columns of the data set, arriving in `extras`. */
  readonly columns?: readonly string[];
  /** Numbers that the loss reads from hidden states; created, trained and saved with the policy. */
  readonly heads?: readonly Head[];
  /** Hidden states of each answer as one vector, arriving in `pooled`: of its first or last token, or the mean of its own. */
  readonly pooling?: Pooling;
}

/** Log-probabilities of responses under one model, in nats, each computed when it is first asked for. */
export interface ResponseLogProbs {
  readonly logProb: Tensor1D; // [S] per counted token
  readonly sum: Tensor1D; // [R]
  readonly mean: Tensor1D; // [R] sum / tokens
  readonly entropy?: Tensor1D; // [S]
  readonly logSumSquaredProbabilities?: Tensor1D; // [S] log Σ_v p_v²
  /** Scored prompt tokens, one copy per group, when the span is `all`. */
  readonly prompt?: { readonly logProb: Tensor1D; /* [P] */ readonly group: Int32Array /* [P] */ };
  /** Outputs of the policy's heads by name: [S, outputs] at tokens, [S, 2] at actions, [R, outputs] at answers. */
  readonly heads?: Readonly<Record<string, Tensor2D>>;
  /** One vector an answer, [R, C], where a loss asked for pooling. */
  readonly pooled?: Tensor2D;
}

/** Ragged responses of one microbatch: S counted tokens, R responses, G groups. */
export interface LossInputs {
  readonly policy: ResponseLogProbs;
  /** Same layout, no gradient; present when the loss (or another term) requires it. */
  readonly reference?: ResponseLogProbs;
  readonly response: Int32Array; // [S] response of each token, ascending
  readonly tokens: Int32Array; // [R]
  readonly group: Int32Array; // [R]
  readonly role: readonly ResponseRole[]; // [R]
  readonly weight: Float32Array; // [R] weights of the rows; the engine applies them to `items`
  readonly groups: number;
  readonly extras: Readonly<Record<string, Float32Array>>; // each [G]
  readonly responseExtras?: Readonly<Record<string, Float32Array>>; // each [R]
  /** What the rows are labelled with, one after the other, in the form that the stage asked for. */
  readonly labels?: Float32Array;
  readonly tokenExtras?: Readonly<Record<string, Float32Array>>; // each [S]
}

/** A metric as a sum and a count, so that it adds up over microbatches and ranks. */
export interface MetricSum {
  readonly sum: Scalar;
  readonly count: number;
}
/** A metric of several quotients (F1 by class), [n] each: the mean of those whose count is not 0 over all microbatches. */
export interface MetricRatios {
  readonly sums: Tensor1D;
  readonly counts: Tensor1D;
}

export interface LossResult {
  /**
   * One value per unit, in order, never reduced: [G] for `group`; for `token` one per counted token of the loss's
   * `roles`, followed by the prompt tokens where its span is `all`.
   */
  readonly items: Tensor1D;
  readonly unit: 'group' | 'token';
  readonly metrics: Readonly<Record<string, MetricSum>>;
  readonly ratios?: Readonly<Record<string, MetricRatios>>;
}

/** A loss: facts and pure maths. `options` has been parsed by its schema. */
export interface Loss<Options = never> extends Named {
  needs(options: Options): LossNeeds;
  /** Several results where parts of the loss are averaged over different units (ORPO's likelihood over tokens). */
  compute(inputs: LossInputs, options: Options): LossResult | readonly LossResult[];
  /**
   * Value per item when policy and reference give equal log-probs, checked before step 1;
   * null when it is not a constant.
   */
  atReference(options: Options): number | null;
}

/** A loss chosen by the config, with parsed options and its weight in the sum. */
export interface LossTerm {
  readonly loss: Loss;
  readonly options: never;
  readonly weight: number;
}

export const LossToken = token<Loss>('loss');
