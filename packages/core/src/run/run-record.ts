// SPDX-License-Identifier: Apache-2.0
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { writeFileAtomic } from '../files/atomic-write.js';
import type { TrainingRun } from './training-run.js';

/** Writes `run.json`: what one needs to know to repeat the run. */
export async function writeRunRecord(run: TrainingRun): Promise<void> {
  const record = {
    config: run.config.resolved,
    totalSteps: run.totalSteps,
    startedAtStep: run.step,
    startedAt: new Date().toISOString(),
    ...run.record,
    hardware: {
      processor: cpus()[0]?.model ?? 'unknown',
      logicalCores: cpus().length,
      memoryBytes: totalmem(),
      system: `${platform()} ${release()} ${arch()}`,
    },
    node: process.version,
  };
  await writeFileAtomic(join(run.output, 'run.json'), `${JSON.stringify(record, null, 2)}\n`);
}
