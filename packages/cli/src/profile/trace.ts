// SPDX-License-Identifier: Apache-2.0
import type { TracedStep } from './step-times.js';

/** Rows of the trace: whole steps above, the kernels in them below. */
const lanes = { steps: 1, kernels: 2 };
const process = 1;

/**
 * Steps as a trace in the Trace Event Format, which Perfetto and chrome://tracing open: an event for each call, and the
 * bytes of living tensors as a counter. Times in microseconds from the first step's beginning.
 */
export function traceOf(steps: readonly TracedStep[]): string {
  const zero = steps[0]?.start ?? 0;
  const micro = (time: number) => Math.round((time - zero) * 1e6) / 1e3;
  const whole = (milliseconds: number) => Math.round(milliseconds * 1e6) / 1e3;
  const named = Object.entries(lanes).map(([name, tid]) => ({
    name: 'thread_name',
    ph: 'M',
    pid: process,
    tid,
    args: { name },
  }));
  const events = steps.flatMap(({ step, start, milliseconds, calls }) => [
    {
      name: `step ${step}`,
      cat: 'step',
      ph: 'X',
      ts: micro(start),
      dur: whole(milliseconds),
      pid: process,
      tid: lanes.steps,
    },
    ...calls.flatMap((call) => [
      {
        name: call.kernel,
        cat: call.group,
        ph: 'X',
        ts: micro(call.start),
        dur: whole(call.milliseconds),
        pid: process,
        tid: lanes.kernels,
        args: { flops: call.flops, bytes: call.bytes },
      },
      {
        name: 'tensors',
        ph: 'C',
        ts: micro(call.start + call.milliseconds),
        pid: process,
        args: { bytes: call.liveBytes },
      },
    ]),
  ]);
  return JSON.stringify({ displayTimeUnit: 'ms', traceEvents: [...named, ...events] });
}
