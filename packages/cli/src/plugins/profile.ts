// SPDX-License-Identifier: Apache-2.0
import { join, relative } from 'node:path';
import {
  apiVersion,
  StartedBackendToken,
  writeFileAtomic,
  type KernelProfile,
  type Plugin,
  type Run,
} from '@llmf/core';
import { cliErrors } from '../cli-errors.js';
import type { Display } from '../display.js';
import { profileText, summaryOf } from '../profile/profile-table.js';
import { StepTimes } from '../profile/step-times.js';
import { traceOf } from '../profile/trace.js';

/** `--profile`: writes profile.md and profile-trace.json when a run ends. Changes nothing of what is computed. */
export function profile(display: Display): Plugin {
  return {
    name: 'profile',
    apiVersion,
    decides: false,
    description: 'where the time of a step goes',
    apply: ({ hooks }) =>
      hooks.run.tap('profile', (run) => run.hooks.started.tap('profile', () => watch(run, display))),
  };
}

/** @throws LLMF_CLI_NOT_PROFILED */
function profileOf(run: Run): KernelProfile {
  const backend = run.container.resolve(StartedBackendToken);
  const found = backend.profile?.();
  if (found === undefined) throw cliErrors.notProfiled({ backend: backend.description });
  return found;
}

function watch(run: Run, display: Display): void {
  const kernels = profileOf(run);
  const times = new StepTimes();
  const before = process.memoryUsage().rss;
  const unwatch = kernels.watch(times.told);
  run.hooks.stopping.tap('profile', () => {
    times.begin();
    return undefined; // asks for no end
  });
  run.hooks.stepDone.tap('profile', ({ step }) => times.end(step));
  run.hooks.shutdown.tap('profile', unwatch);
  run.hooks.end.tapPromise('profile', async () => {
    unwatch();
    if (times.traced.length === 0) return;
    const peak = process.resourceUsage().maxRSS * 1024; // before the limits take memory of their own
    const text = profileText(times, kernels.limits(), { before, peak });
    const [table, trace] = ['profile.md', 'profile-trace.json'].map((name) => join(run.output, name));
    await writeFileAtomic(table!, text);
    await writeFileAtomic(trace!, traceOf(times.traced));
    display.info(summaryOf(text));
    display.info(
      `\nprofile: ${relative(run.folder, table!)}; ${relative(run.folder, trace!)} opens in https://ui.perfetto.dev`,
    );
  });
}
