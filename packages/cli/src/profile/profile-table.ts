// SPDX-License-Identifier: Apache-2.0
import { formatBytes, type MeasuredLimits } from '@llmf/core';
import type { KernelTotal, StepTimes } from './step-times.js';

const outside = 'outside of kernels';

/** Memory of the process around the profiled steps, in bytes. */
export interface ProfiledMemory {
  readonly before: number;
  readonly peak: number;
}

/** Where a step's time went, as Markdown: by group, then kernel by kernel, each as a share of what the machine can do. */
export function profileText(times: StepTimes, limits: MeasuredLimits, memory: ProfiledMemory): string {
  const { steps, milliseconds, traced } = times;
  const whole = milliseconds / steps;
  const kernels = [...times.totals.values()]
    .map((total) => perStep(total, steps))
    .toSorted((a, b) => b.milliseconds - a.milliseconds);
  const groups = groupsOf(kernels, whole);
  const first = traced[0]!;
  const which =
    steps === 1 ? `step ${first.step}` : `${steps} steps, without the first, which took ${ms(first.milliseconds)} ms`;
  return [
    `# A step of ${ms(whole)} ms (mean of ${which})`,
    '',
    `Measured on this machine: products ${giga(limits.flopsPerSecond)} GFLOP/s, memory ${giga(limits.bytesPerSecond)} GB/s.`,
    '',
    ...table(
      ['group', 'calls', 'ms', '% of the step', 'rate', '% of the limit'],
      groups.map((group) => row(group, whole, limits)),
    ),
    '',
    ...table(
      ['kernel', 'group', 'calls', 'ms', '% of the step', 'rate', '% of the limit'],
      kernels.map((kernel) => {
        const [name, ...rest] = row(kernel, whole, limits);
        return [name!, kernel.group, ...rest];
      }),
    ),
    '',
    `Tensors of a step hold at most ${formatBytes(times.mostLiveBytes, { binary: true })}; the process took ${formatBytes(memory.before, { binary: true })} before the first step and ${formatBytes(memory.peak, { binary: true })} at its peak.`,
    '',
  ].join('\n');
}

/** The first lines of it: what a terminal shows. */
export const summaryOf = (text: string): string => text.split('\n\n').slice(0, 3).join('\n').replace(/^# /, '');

type Share = Pick<KernelTotal, 'calls' | 'milliseconds' | 'flops' | 'bytes'> & { readonly name: string };

const perStep = ({ kernel, group, ...total }: KernelTotal, steps: number): Share & { readonly group: string } => ({
  name: kernel,
  group,
  calls: total.calls / steps,
  milliseconds: total.milliseconds / steps,
  flops: total.flops / steps,
  bytes: total.bytes / steps,
});

/** Sums of kernels by group, longest first, and what is left of the step. */
function groupsOf(kernels: readonly (Share & { readonly group: string })[], whole: number): Share[] {
  const groups = new Map<string, Share>();
  for (const { group, calls, milliseconds, flops, bytes } of kernels) {
    const before = groups.get(group) ?? { name: group, calls: 0, milliseconds: 0, flops: 0, bytes: 0 };
    groups.set(group, {
      name: group,
      calls: before.calls + calls,
      milliseconds: before.milliseconds + milliseconds,
      flops: before.flops + flops,
      bytes: before.bytes + bytes,
    });
  }
  const inKernels = kernels.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  return [
    ...[...groups.values()].toSorted((a, b) => b.milliseconds - a.milliseconds),
    { name: outside, calls: 0, milliseconds: whole - inKernels, flops: 0, bytes: 0 },
  ];
}

function row(share: Share, whole: number, limits: MeasuredLimits): string[] {
  const { name, calls, milliseconds, flops, bytes } = share;
  const [amount, limit, unit] =
    flops > 0 ? [flops, limits.flopsPerSecond, 'GFLOP/s'] : [bytes, limits.bytesPerSecond, 'GB/s'];
  const rate = (amount * 1000) / milliseconds;
  const rated = amount > 0 ? [`${giga(rate)} ${unit}`, ((100 * rate) / limit).toFixed(0)] : ['', ''];
  return [
    name,
    calls === 0 ? '' : calls.toFixed(0),
    ms(milliseconds),
    ((100 * milliseconds) / whole).toFixed(1),
    ...rated,
  ];
}

const ms = (milliseconds: number) => milliseconds.toFixed(milliseconds < 100 ? 2 : 0);
const giga = (value: number) => (value / 1e9).toPrecision(3);

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}
