// SPDX-License-Identifier: Apache-2.0
// Loaded before a command: at its end the CPU time and the peak memory of the process go to the file LLMF_METER.
import { writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

if (isMainThread) {
  process.on('exit', () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    const usage = { seconds: (userCPUTime + systemCPUTime) / 1e6, memoryBytes: maxRSS * 1024 };
    writeFileSync(process.env.LLMF_METER, JSON.stringify(usage));
  });
}
