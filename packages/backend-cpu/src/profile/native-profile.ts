// SPDX-License-Identifier: Apache-2.0
import type { KernelCall, KernelProfile, MeasuredLimits } from '@llmf/core';
import type { NativeBackend } from '../backend/native-backend.js';
import { productsPeak } from '../kernels/linear/products-peak.js';
import { costOf } from './kernel-costs.js';

type Calls = Record<string, (values: object) => void>;

/** Each array of the two that are added to measure bandwidth: past every cache. */
const measuredBytes = 96 * 1024 * 1024;
const rounds = 7;

/** Kernel calls of the native backend, timed while somebody watches; nobody pays for it otherwise. */
export class NativeProfile implements KernelProfile {
  constructor(private readonly backend: NativeBackend) {}

  watch(told: (call: KernelCall) => void): () => void {
    const { arena } = this.backend;
    const kernels = this.backend.kernels as unknown as Calls;
    const plain = { ...kernels };
    for (const [kernel, run] of Object.entries(plain)) {
      const { group, flops, bytes } = costOf.get(kernel)!;
      kernels[kernel] = (values) => {
        const start = performance.now();
        run(values);
        const milliseconds = performance.now() - start;
        const costs = { group: group(values), flops: flops(values), bytes: bytes(values), liveBytes: arena.liveBytes };
        told({ kernel, start, milliseconds, ...costs });
      };
    }
    return () => void Object.assign(kernels, plain);
  }

  limits(): MeasuredLimits {
    const { kernels, roundsProducts } = this.backend;
    return { flopsPerSecond: productsPeak(kernels, roundsProducts), bytesPerSecond: this.bandwidth() };
  }

  /** Adding one array to another, which reads both and writes one, as an optimizer does. */
  private bandwidth(): number {
    const count = measuredBytes / 4;
    const [accumulator, value] = [new Float32Array(count), new Float32Array(count)];
    let best = 0;
    for (let round = 0; round < rounds; round++) {
      const began = performance.now();
      this.backend.kernels.accumulate({ count, accumulator, value });
      best = Math.max(best, (3 * measuredBytes * 1000) / (performance.now() - began));
    }
    return best;
  }
}
