// SPDX-License-Identifier: Apache-2.0
export interface TrainingOutcome {
  readonly output: string;
  readonly step: number;
  readonly reason: 'finished' | 'interrupted';
  /** Why it ended before its last step, where it was stopped by a rule. */
  readonly stoppedBy?: string;
  /** Step of the weights that were written, where the best were kept. */
  readonly bestStep?: number;
  /** The last metrics row and the last evaluation row, when there were any. */
  readonly metrics: Readonly<Record<string, unknown>>;
}
