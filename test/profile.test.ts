// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cpuBackend } from '@llmf/backend-cpu';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { llmf, succeeded } from './support/command.js';
import { firstRunCopy, metricsOf } from './support/first-run.js';
import { sha256 } from './support/kill-and-resume.js';

let copy: Awaited<ReturnType<typeof firstRunCopy>>;
beforeAll(async () => {
  copy = await firstRunCopy();
});
afterAll(() => copy.remove());

const train = (output: string, ...more: string[]) =>
  llmf(
    [
      'train',
      '--plugin',
      'loss-simpo',
      'train.maxSteps=4',
      'train.logEvery=1',
      'data.eval=null',
      `output=runs/${output}`,
      ...more,
    ],
    { folder: copy.folder },
  );

it('--profile writes a table whose groups are the step and a trace of calls within it, and changes no bit', async (test) => {
  const reason = await cpuBackend.unavailable();
  if (reason !== null) return test.skip(reason);
  const out = succeeded(await train('profiled', '--profile'));
  succeeded(await train('plain'));
  const folder = join(copy.folder, 'runs', 'profiled');
  const text = await readFile(join(folder, 'profile.md'), 'utf8');
  expect(out).toContain(text.split('\n')[0]!.slice(2));

  const whole = Number(/^# A step of ([\d.]+) ms \(mean of 3 steps/.exec(text)![1]);
  const groups = text
    .split('\n\n')[2]!
    .split('\n')
    .slice(2)
    .map((line) => Number(line.split(' | ')[2]));
  expect(groups.length).toBeGreaterThan(4);
  const sum = groups.reduce((total, milliseconds) => total + milliseconds, 0);
  expect(Math.abs(sum / whole - 1)).toBeLessThan(0.03);
  const logged = (await metricsOf(folder))
    .filter(({ step }) => step! > 1)
    .map(({ stepSeconds }) => stepSeconds! * 1000);
  const mean = logged.reduce((total, milliseconds) => total + milliseconds, 0) / logged.length;
  expect(whole).toBeLessThan(mean * 1.01); // a logged step also waits for the numbers of the one before

  const { traceEvents } = JSON.parse(await readFile(join(folder, 'profile-trace.json'), 'utf8')) as {
    traceEvents: { name: string; ph: string; ts: number; dur: number; tid: number }[];
  };
  const steps = traceEvents.filter(({ ph, tid }) => ph === 'X' && tid === 1);
  expect(steps.map(({ name }) => name)).toEqual(['step 1', 'step 2', 'step 3']);
  const calls = traceEvents.filter(({ ph, tid }) => ph === 'X' && tid === 2);
  expect(calls.length).toBeGreaterThan(300);
  for (const { ts, dur } of calls) {
    expect(steps.some((step) => step.ts <= ts && ts + dur <= step.ts + step.dur + 1)).toBe(true);
  }
  const weights = (name: string) => sha256(join(copy.folder, 'runs', name, 'model.safetensors'));
  expect(await weights('profiled')).toBe(await weights('plain'));
}, 60_000);

it('--profile is refused by a backend that cannot be watched', async () => {
  const { status, err } = await train('wasm', '--profile', 'backend=wasm');
  expect([status, err]).toEqual([1, expect.stringMatching(/LLMF_CLI_NOT_PROFILED[^]*use `backend: cpu`/)]);
}, 60_000);
