// SPDX-License-Identifier: Apache-2.0
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic, type Run, readIfThere } from '@llmf/core';
import type { ScoredAnswer } from './scored-answer.js';

/** `completions.jsonl`: one JSON object per answer, appended as it is scored; cut where a run is resumed. */
export class CompletionsLog {
  private readonly path: string;

  constructor(run: Run) {
    this.path = join(run.output, 'completions.jsonl');
    run.hooks.started.tapPromise('completions', ({ step }) => this.cutAfter(step));
  }

  async append(step: number, split: 'train' | 'eval', answers: readonly ScoredAnswer[]): Promise<void> {
    const lines = answers.map(({ sample, reward }) => {
      const { prompt, answer, reason, ids, row, number } = sample;
      return JSON.stringify({
        step,
        split,
        row,
        number,
        prompt,
        answer,
        reason,
        tokens: ids.length,
        score: total(reward),
        rewards: reward.parts,
      });
    });
    await appendFile(this.path, lines.map((line) => `${line}\n`).join(''));
  }

  /** Drops what a resumed run is about to do again, and a line that a kill cut off. */
  private async cutAfter(step: number): Promise<void> {
    const text = (await readIfThere(this.path)) ?? '';
    const kept = text.split('\n').filter((line) => line !== '' && stepOf(line) <= step);
    await writeFileAtomic(this.path, kept.map((line) => `${line}\n`).join(''));
  }
}

function stepOf(line: string): number {
  try {
    return (JSON.parse(line) as { step: number }).step;
  } catch {
    return Infinity;
  }
}

/** All that a sample got, tokens summed; null where no reward said anything. */
export const total = ({ score, tokens }: ScoredAnswer['reward']): number | null =>
  score === null ? null : score + (tokens?.reduce((sum, each) => sum + each, 0) ?? 0);
