// SPDX-License-Identifier: Apache-2.0
/** The most resident memory that this process has while something runs, above what it had. Linux only. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const status = '/proc/self/status';
/** Writing 5 begins a new peak (proc(5)). */
const peaks = '/proc/self/clear_refs';

export const peaksAreKnown = existsSync(peaks);

/** Begins a measurement; what it gives ends it, in bytes. */
export function memoryPeak(): () => number {
  if (!peaksAreKnown) return () => 0;
  writeFileSync(peaks, '5');
  const before = bytesOf('VmRSS');
  return () => bytesOf('VmHWM') - before;
}

function bytesOf(key: 'VmRSS' | 'VmHWM'): number {
  const [, kilobytes] = new RegExp(`${key}:\\s+(\\d+) kB`).exec(readFileSync(status, 'utf8'))!;
  return Number(kilobytes) * 1024;
}
