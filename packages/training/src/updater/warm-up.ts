// SPDX-License-Identifier: Apache-2.0
import type { RunConfig } from '@llmf/core';

type WarmUp = Pick<RunConfig['train'], 'warmupRatio' | 'warmupSteps'>;

/** Steps of warm-up in a run of so many steps. */
export const warmupIn = ({ warmupRatio, warmupSteps }: WarmUp, totalSteps: number): number =>
  warmupSteps ?? Math.ceil(warmupRatio * totalSteps);

/** What to say of a run that ends while it warms up; null: it reaches its peak. */
export function unreachedPeak(train: WarmUp, totalSteps: number): string | null {
  const steps = warmupIn(train, totalSteps);
  if (steps <= totalSteps) return null;
  const share = ((100 * totalSteps) / steps).toLocaleString('en', { maximumSignificantDigits: 2 });
  return `train.warmupSteps ${steps} is more than the run’s ${totalSteps} steps: the learning rate ends at ${share} % of its peak`;
}
