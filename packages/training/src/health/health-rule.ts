// SPDX-License-Identifier: Apache-2.0
/** What a step, or a row of the log, shows of itself. */
export interface ObservedStep {
  /** By the names of metrics.jsonl; a rule whose metric is absent says nothing. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** Looks at the steps so far, the newest last, and says in one line what is wrong and what helps; null: nothing is. */
export interface HealthRule<Step extends ObservedStep = ObservedStep> {
  readonly name: string;
  readonly see: (steps: readonly Step[]) => string | null;
}
