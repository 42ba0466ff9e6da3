// SPDX-License-Identifier: Apache-2.0
import { token, type Named, type Run } from '@llmf/core';
import type { Batch, RowSet } from './data.js';
import type { Tensor1D } from '@llmf/nn';
import type { AttachedAdapter, Model } from '@llmf/nn';

/** Log-probs under the reference for one batch, [S] (and [P] for prompt targets); the caller disposes them. */
export interface ReferenceLogProbs {
  readonly logProb: Tensor1D;
  readonly promptLogProb?: Tensor1D;
}

/** A frozen policy to compare with. */
export interface Reference {
  /** One line: what it is and what it costs. */
  readonly description: string;
  /** The reference gives the untrained policy's log-probs, so that the step-0 value is known. */
  readonly equalsPolicyAtStart: boolean;
  /** `rows` is the split the batch was collated from. */
  logProbs(batch: Batch, rows: RowSet): Promise<ReferenceLogProbs>;
  dispose(): void;
}

export interface ReferenceContext {
  readonly run: Run;
  readonly model: Model;
  readonly modelFolder: string;
  readonly adapter: AttachedAdapter | null;
  /** The splits whose rows will be asked for; none where a stage writes its rows itself. */
  readonly rowSets: readonly RowSet[];
  /** Prompt tokens are scored too. */
  readonly wantsPrompt: boolean;
  /** What the logits are divided by, as those of the policy are; left out: 1. */
  readonly temperature?: number;
}

/** A choice of `reference:`. */
export interface ReferenceStrategy extends Named {
  /** Refuses, before any row is read, what can be told without rows and without reading weights. */
  check?(context: Omit<ReferenceContext, 'rowSets'>, options: Record<string, unknown>): Promise<void>;
  prepare(context: ReferenceContext, options: Record<string, unknown>): Promise<Reference>;
}
export const ReferenceToken = token<ReferenceStrategy>('reference');
