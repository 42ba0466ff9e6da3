// SPDX-License-Identifier: Apache-2.0
import { getHeapStatistics } from 'node:v8';
import { formatBytes } from '@llmf/core';
import { cliErrors } from './cli-errors.js';

const everyMs = 250;
const nearlyFull = 0.9;

/**
 * V8 ends a process whose JavaScript heap is full by itself, with nothing but a trace of its own. What that will have
 * been is said before, once, where the program comes round to it.
 */
export function watchHeap(say: (text: string) => void, statistics: typeof getHeapStatistics = getHeapStatistics): void {
  const timer = setInterval(() => {
    const { used_heap_size: used, heap_size_limit: limit } = statistics();
    if (used < nearlyFull * limit) return;
    clearInterval(timer);
    const text = (bytes: number) => formatBytes(bytes, { binary: true });
    say(`warning: ${cliErrors.heapNearlyFull({ used: text(used), limit: text(limit) }).message}\n`);
  }, everyMs);
  timer.unref();
}
