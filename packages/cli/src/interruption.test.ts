// SPDX-License-Identifier: Apache-2.0
import type { Engine } from '@llmf/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Display } from './display.js';
import { Interruption } from './interruption.js';
import type { CliIo } from './io.js';

const said: string[] = [];
const left: number[] = [];
let press = () => {};
const io = {
  leave: (status: number) => void left.push(status),
  onInterrupt: (listener: () => void) => {
    press = listener;
    return () => {};
  },
} as unknown as CliIo;
const display = { info: (line: string) => void said.push(line) } as unknown as Display;

/** An engine whose runs take their first step when `start` is called. */
function engineWithRun(): { engine: Engine; start: () => void } {
  let start = () => {};
  const started = { tap: (_: string, tapped: () => void) => void (start = tapped) };
  const run = { hooks: { started } };
  const hooks = { run: { tap: (_: string, tapped: (given: unknown) => void) => tapped(run) } };
  return { engine: { hooks } as unknown as Engine, start: () => start() };
}

beforeEach(() => {
  vi.useFakeTimers();
  said.length = left.length = 0;
});
afterEach(() => vi.useRealTimers());

describe('Ctrl-C', () => {
  it('leaves work that does not end within two seconds', () => {
    const interruption = new Interruption(io, display);
    press();
    expect(interruption.signal.aborted).toBe(true);
    expect(said).toEqual(['ending (Ctrl-C again leaves at once)']);
    vi.advanceTimersByTime(1999);
    expect(left).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(left).toEqual([130]);
  });

  it('waits for a run that takes steps, however long, and for none after it', async () => {
    const interruption = new Interruption(io, display);
    const { engine, start } = engineWithRun();
    await interruption.around(engine, async () => {
      start();
      press();
      vi.advanceTimersByTime(3_600_000);
    });
    expect(said[0]).toMatch(/^finishing this step/);
    expect(left).toEqual([]);
    press();
    vi.advanceTimersByTime(2000);
    expect(left).toEqual([130]);
  });

  it('waits for a run that came to its steps in the meantime', async () => {
    const interruption = new Interruption(io, display);
    const { engine, start } = engineWithRun();
    await interruption.around(engine, async () => {
      press();
      start();
      vi.advanceTimersByTime(3_600_000);
    });
    expect(left).toEqual([]);
  });

  it('leaves nothing once the command is over', () => {
    const interruption = new Interruption(io, display);
    press();
    interruption.close();
    vi.advanceTimersByTime(3_600_000);
    expect(left).toEqual([]);
  });
});
