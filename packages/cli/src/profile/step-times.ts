// SPDX-License-Identifier: Apache-2.0
import type { KernelCall } from '@llmf/core';

/** Calls of one kernel, summed. */
export interface KernelTotal {
  readonly kernel: string;
  readonly group: string;
  calls: number;
  milliseconds: number;
  flops: number;
  bytes: number;
}

/** One step as it was computed, for a trace. */
export interface TracedStep {
  readonly step: number;
  readonly start: number;
  readonly milliseconds: number;
  readonly calls: readonly KernelCall[];
}

/** Steps whose calls are kept one by one: the first, which touches memory and compiles, and two as all others are. */
const tracedSteps = 3;

/** Where the time of steps went: the first ones call by call, those after the first summed by kernel. */
export class StepTimes {
  readonly traced: TracedStep[] = [];
  readonly totals = new Map<string, KernelTotal>();
  /** Steps that the totals are of. */
  steps = 0;
  /** … and how long they took. */
  milliseconds = 0;
  mostLiveBytes = 0;
  private calls: KernelCall[] | null = null;
  private start = 0;

  begin(): void {
    this.calls = [];
    this.start = performance.now();
  }

  /** What is called between steps (an evaluation, a checkpoint) is not theirs. */
  readonly told = (call: KernelCall): void => {
    this.calls?.push(call);
  };

  end(step: number): void {
    const { calls, start } = this;
    if (calls === null) return;
    const milliseconds = performance.now() - start;
    this.calls = null;
    if (this.traced.length < tracedSteps) this.traced.push({ step, start, milliseconds, calls });
    if (this.traced.length === 2 && this.steps === 1) this.forget(); // the first one is not as the others are
    this.add(milliseconds, calls);
  }

  private forget(): void {
    this.totals.clear();
    this.steps = 0;
    this.milliseconds = 0;
  }

  private add(milliseconds: number, calls: readonly KernelCall[]): void {
    this.steps++;
    this.milliseconds += milliseconds;
    for (const { kernel, group, flops, bytes, liveBytes, ...call } of calls) {
      let total = this.totals.get(kernel);
      if (total === undefined) {
        total = { kernel, group, calls: 0, milliseconds: 0, flops: 0, bytes: 0 };
        this.totals.set(kernel, total);
      }
      total.calls++;
      total.milliseconds += call.milliseconds;
      total.flops += flops;
      total.bytes += bytes;
      this.mostLiveBytes = Math.max(this.mostLiveBytes, liveBytes);
    }
  }
}
