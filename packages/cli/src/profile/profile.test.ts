// SPDX-License-Identifier: Apache-2.0
import { expect, it, vi } from 'vitest';
import type { KernelCall } from '@llmf/core';
import { profileText } from './profile-table.js';
import { StepTimes } from './step-times.js';
import { traceOf } from './trace.js';

const product = { kernel: 'linear', group: 'products', flops: 8e9, bytes: 4e6, liveBytes: 3 * 2 ** 20 };
const norm = { kernel: 'rmsNorm', group: 'others', flops: 0, bytes: 2e9, liveBytes: 2 ** 20 };

/** Three steps of 100, 50 and 30 ms; in each a product of 20 ms and a norm of 5; one more product between two steps. */
function threeSteps(): StepTimes {
  const clock = vi.spyOn(performance, 'now');
  const times = new StepTimes();
  const tell = (call: Omit<KernelCall, 'start' | 'milliseconds'>, start: number, milliseconds: number) =>
    times.told({ ...call, start, milliseconds });
  for (const [at, [start, length]] of [
    [0, 100],
    [200, 50],
    [300, 30],
  ].entries()) {
    clock.mockReturnValue(start!);
    times.begin();
    tell(product, start! + 1, 20);
    tell(norm, start! + 22, 5);
    clock.mockReturnValue(start! + length!);
    times.end(at + 1);
    tell(product, start! + 60, 20);
  }
  clock.mockRestore();
  return times;
}

it('a table has the mean of the steps after the first, by group and kernel, as shares of the limits', () => {
  const limits = { flopsPerSecond: 8e11, bytesPerSecond: 8e11 };
  const text = profileText(threeSteps(), limits, { before: 2 ** 30, peak: 2 ** 31 });
  expect(text).toContain('# A step of 40.00 ms (mean of 2 steps, without the first, which took 100 ms)');
  // 8 GFLOP in 20 ms are 400 of 800 GFLOP/s; 2 GB in 5 ms 400 of 800 GB/s; 40 − 25 ms are left
  expect(text).toContain('| products | 1 | 20.00 | 50.0 | 400 GFLOP/s | 50 |');
  expect(text).toContain('| others | 1 | 5.00 | 12.5 | 400 GB/s | 50 |');
  expect(text).toContain('| outside of kernels |  | 15.00 | 37.5 |  |  |');
  expect(text).toContain('| linear | products | 1 | 20.00 | 50.0 | 400 GFLOP/s | 50 |');
  expect(text).toContain(
    'hold at most 3.0 MiB; the process took 1.0 GiB before the first step and 2.0 GiB at its peak',
  );
});

it('a trace has every step and call in microseconds from the first step, and living tensors as a counter', () => {
  const { traceEvents } = JSON.parse(traceOf(threeSteps().traced)) as { traceEvents: Record<string, unknown>[] };
  const of = (phase: string) => traceEvents.filter(({ ph }) => ph === phase);
  expect(of('X').map(({ name, ts, dur }) => [name, ts, dur])).toEqual(
    [0, 200_000, 300_000].flatMap((start, at) => [
      [`step ${at + 1}`, start, [100_000, 50_000, 30_000][at]],
      ['linear', start + 1000, 20_000],
      ['rmsNorm', start + 22_000, 5000],
    ]),
  );
  expect(
    of('C')
      .slice(0, 2)
      .map(({ ts, args }) => [ts, args]),
  ).toEqual([
    [21_000, { bytes: 3 * 2 ** 20 }],
    [27_000, { bytes: 2 ** 20 }],
  ]);
});
