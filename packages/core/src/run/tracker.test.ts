// SPDX-License-Identifier: Apache-2.0
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { MetricsRow, Run } from '../contracts/run.js';
import { createRunHooks } from './hooks.js';
import { defineTracker, type Tracker, type TrackedOutcome } from './tracker.js';

/** A tracker that fails while `isDown`, in a run that only has hooks and a logger. */
function tracked({ isDown = false, patience = { retry: 0, end: 200 }, delay = 0 } = {}) {
  const kept: MetricsRow[] = [];
  const outcomes: TrackedOutcome[] = [];
  const warnings: string[] = [];
  const state = { isDown };
  const fail = async () => {
    if (delay > 0) await setTimeout(delay);
    if (state.isDown) throw new Error('no route to host');
  };
  const tracker: Tracker = {
    log: async (row) => {
      await fail();
      kept.push(row);
    },
    end: async (outcome) => {
      await fail();
      outcomes.push(outcome);
    },
  };
  const hooks = createRunHooks();
  const run = { hooks, logger: { info: () => {}, warn: (line: string) => warnings.push(line) } } as unknown as Run;
  const plugin = defineTracker({ name: 'test', patience, open: () => fail().then(() => tracker) });
  let tap: (run: Run) => void = () => {};
  plugin.apply({ hooks: { run: { tap: (_name: string, fn: typeof tap) => (tap = fn) } } } as never);
  tap(run);
  const started = { step: 0, totalSteps: 3, stepsPerEpoch: 3 };
  return { plugin, hooks, kept, outcomes, warnings, state, start: () => hooks.started.promise(started) };
}

const end = { step: 3, reason: 'finished' } as const;

describe('a tracker', () => {
  it('keeps every row in order and learns how the run ended', async () => {
    const { hooks, kept, outcomes, start } = tracked();
    await start();
    for (const step of [1, 2, 3]) await hooks.log.promise({ step });
    await hooks.end.promise(end);
    expect(kept).toEqual([{ step: 1 }, { step: 2 }, { step: 3 }]);
    expect(outcomes).toEqual(['finished']);
  });

  it('tells a failure once and keeps the rows that waited when it works again', async () => {
    const { hooks, kept, warnings, state, start } = tracked({ isDown: true });
    await start();
    await hooks.log.promise({ step: 1 });
    await setTimeout(5);
    await hooks.log.promise({ step: 2 });
    await setTimeout(5);
    expect(kept).toEqual([]);
    state.isDown = false;
    await hooks.log.promise({ step: 3 });
    await hooks.end.promise(end);
    expect(kept.map(({ step }) => step)).toEqual([1, 2, 3]);
    expect(warnings).toEqual(['test: no route to host; the run goes on']);
  });

  it('says how many rows are lost where it never works', async () => {
    const { hooks, warnings, start } = tracked({ isDown: true });
    await start();
    for (const step of [1, 2, 3]) await hooks.log.promise({ step });
    await hooks.end.promise(end);
    expect(warnings[1]).toBe('test: 3 rows were not kept; metrics.jsonl has them all');
  });

  it('neither delays the steps nor holds the end of a run for longer than it may', async () => {
    const { hooks, kept, warnings, start } = tracked({ delay: 5000 });
    await start();
    await hooks.log.promise({ step: 1 });
    await hooks.end.promise(end);
    expect(kept).toEqual([]);
    expect(warnings).toEqual(['test: 1 rows were not kept; metrics.jsonl has them all']);
  });

  it('learns of a failed run', async () => {
    const { hooks, outcomes, start } = tracked();
    await start();
    await hooks.failure.promise(new Error('broken'));
    expect(outcomes).toEqual(['failed']);
  });

  it('does not decide the result', () => {
    expect(tracked().plugin.decides).toBe(false);
  });
});
