// SPDX-License-Identifier: Apache-2.0
import type { Program } from './program.js';

/**
 * Drivers reset a GPU whose dispatch lasts seconds (two on Windows), and the screen stands still meanwhile. A fifth of half a
 * second leaves room for what else begins to use the GPU before that is noticed.
 */
export const secondsPerDispatch = 0.1;

/** Below it, what launches cost would pass for what was computed. */
const leastSeconds = secondsPerDispatch / 8;
/** One measurement makes a pace at most this much slower, or faster: who was disturbed once comes back by and by. */
const [mostSlower, mostFaster] = [32, 1.25];
/** Multiplications a second that no pace falls below: a dispatch of one group is as small as can be. */
const slowest = 2 ** 20;

/** Seconds that a submission was expected to take, by program. */
export type Expected = ReadonlyMap<Program, number>;

/** How fast the GPU goes through the work of each program: as measured at the start, and by every submission since. */
export class Paces {
  private readonly known = new Map<Program, number>();
  /** Submissions on their way. */
  private pending = 0;
  /** What has ended since the last look. */
  private ended: Expected[] = [];
  /** Time of the last look, in ms, where the GPU then went on to another submission. */
  private since: number | null = null;

  /** @param first multiplications a second, of a program that has not been measured */
  constructor(public first: number) {}

  of(program: Program): number {
    return this.known.get(program) ?? this.first;
  }

  /** Measures a submission, if it can. @param done when the GPU has done it */
  watch(expected: Expected, done: Promise<unknown>): void {
    this.pending++;
    void done.then(
      () => this.ends(expected),
      () => void this.pending--, // the device was lost
    );
  }

  private ends(expected: Expected): void {
    this.pending--;
    if (this.ended.push(expected) === 1) setImmediate(() => this.look(performance.now()));
  }

  /** Where another submission is still on its way, the GPU has not rested since the last look, however late this one is. */
  private look(now: number): void {
    const isBusy = this.pending > 0;
    if (isBusy && this.since !== null) this.learn(merged(this.ended), (now - this.since) / 1000);
    this.ended = [];
    this.since = isBusy ? now : null;
  }

  /** @param seconds that it took */
  learn(expected: Expected, seconds: number): void {
    const sum = [...expected.values()].reduce((total, each) => total + each, 0);
    if (sum === 0 || Math.max(sum, seconds) < leastSeconds) return;
    const factor = Math.min(mostFaster, Math.max(1 / mostSlower, sum / seconds));
    for (const program of expected.keys()) this.known.set(program, Math.max(slowest, this.of(program) * factor));
  }
}

function merged(all: readonly Expected[]): Expected {
  const sums = new Map<Program, number>();
  for (const [program, seconds] of all.flatMap((each) => [...each])) {
    sums.set(program, (sums.get(program) ?? 0) + seconds);
  }
  return sums;
}
