// SPDX-License-Identifier: Apache-2.0
import type { StepResult } from '../contracts/stage.js';

/** What happened since the last logged row: step metrics averaged, tokens and seconds summed. */
export class MetricsWindow {
  private readonly sums = new Map<string, { sum: number; count: number }>();
  private steps = 0;
  private seconds = 0;
  private tokens = 0;
  private computedTokens = 0;

  add(result: Omit<StepResult, 'metrics'>, metrics: Readonly<Record<string, number>>, seconds: number): void {
    for (const [name, value] of Object.entries(metrics)) {
      const entry = this.sums.get(name) ?? { sum: 0, count: 0 };
      this.sums.set(name, { sum: entry.sum + value, count: entry.count + 1 });
    }
    this.steps += 1;
    this.seconds += seconds;
    this.tokens += result.tokens;
    this.computedTokens += result.computedTokens;
  }

  /** The averages, the seconds per step and the rates; empties the window. */
  take(): Record<string, number> {
    const averages = [...this.sums].map(([name, { sum, count }]) => [name, sum / count] as const);
    const row = {
      ...Object.fromEntries(averages),
      stepSeconds: round(this.seconds / this.steps, 6),
      tokensPerSecond: round(this.tokens / this.seconds, 2),
      computedTokensPerSecond: round(this.computedTokens / this.seconds, 2),
    };
    this.sums.clear();
    this.steps = this.seconds = this.tokens = this.computedTokens = 0;
    return row;
  }

  get isEmpty(): boolean {
    return this.steps === 0;
  }
}

const round = (value: number, digits: number) => Number(value.toFixed(digits));
