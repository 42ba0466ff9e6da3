// SPDX-License-Identifier: Apache-2.0
import type { RowSet } from '@llmf/training';
import type { RewardScale } from './ilql-loss.js';

const atOnce = 256;

/** Mean and standard deviation of a column over all rows; of equal rewards the deviation counts as 1. */
export async function rewardScale(rows: RowSet, column: string): Promise<RewardScale> {
  const rewards: number[] = [];
  for (let start = 0; start < rows.length; start += atOnce) {
    const indices = Array.from({ length: Math.min(atOnce, rows.length - start) }, (_, at) => start + at);
    for (const { extras } of await rows.rows(indices)) rewards.push(extras[column]!);
  }
  const mean = rewards.reduce((total, reward) => total + reward, 0) / rewards.length;
  const squares = rewards.reduce((total, reward) => total + (reward - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / Math.max(1, rewards.length - 1)); // as torch's std
  return { mean, deviation: deviation === 0 ? 1 : deviation };
}
