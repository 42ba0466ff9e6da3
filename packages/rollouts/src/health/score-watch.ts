// SPDX-License-Identifier: Apache-2.0
import type { Run } from '@llmf/core';
import { rolloutsErrors } from '../rollouts-errors.js';

/** Rewards that score few answers may score none of several small steps. */
const watchedSteps = 10;

/** Something is learned only from answers that a reward scores: a run in which none scores any changes nothing. */
export class ScoreWatch {
  private silentSteps = 0;
  private isOver = false;

  constructor(private readonly run: Pick<Run, 'logger' | 'totalSteps'>) {}

  /**
   * Warns of the first step without a score.
   * @throws LLMF_ROLLOUTS_NOTHING_SCORED where no step since the start had one, after ten or at the last
   */
  see(step: number, scores: readonly (number | null)[]): void {
    this.isOver ||= scores.some((score) => score !== null);
    if (this.isOver) return;
    if (++this.silentSteps === 1) {
      this.run.logger.warn(
        `step ${step}: no reward scored any of ${scores.length} answers; nothing is learned from them`,
      );
    }
    if (this.silentSteps < watchedSteps && step !== this.run.totalSteps) return;
    throw rolloutsErrors.nothingScored({ steps: this.silentSteps });
  }
}
