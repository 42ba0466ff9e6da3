// SPDX-License-Identifier: Apache-2.0
import { namedAsTransformers, type MetricsRow } from '@llmf/core';
import { stepMetric, type HistoryLine } from './records.js';

/** Rows of metrics.jsonl as lines of the history: `_step` counts lines, `train/global_step` optimizer updates. */
export class HistoryLines {
  constructor(
    private readonly startTime: number,
    private count: number,
  ) {}

  /** Hands a row's line on; it has its place once `keep` took it, so a row that failed comes again with the same. */
  async keep({ step, ...metrics }: MetricsRow, keep: (line: HistoryLine) => Promise<void>): Promise<void> {
    const numbers = namedAsTransformers(metrics);
    if (Object.keys(numbers).length === 0) return;
    const now = Date.now() / 1000;
    const place = { _step: this.count, _timestamp: now, _runtime: now - this.startTime };
    await keep({ ...numbers, [stepMetric]: Number(step), ...place });
    this.count++;
  }
}
