// SPDX-License-Identifier: Apache-2.0
import { appendFile, mkdir, mkdtemp, rm, writeFile, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MetricsLog } from './metrics-log.js';
import { MetricsWindow } from './metrics-window.js';
import { prepareOutputFolder } from './output-folder.js';
import { checkResumable } from './resume-check.js';
import { RunState } from './state-registry.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'llmf-run-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('metrics.jsonl', () => {
  it('loses the rows after the checkpoint and a line cut off by a kill', async () => {
    const log = new MetricsLog(folder);
    for (const step of [1, 2, 3]) await log.append({ step, loss: step });
    await appendFile(join(folder, 'metrics.jsonl'), '{"step":4,"lo');
    await log.cutAfter(2);
    expect(await log.rows()).toEqual([
      { step: 1, loss: 1 },
      { step: 2, loss: 2 },
    ]);
  });

  it('knows the newest evaluation', async () => {
    const log = new MetricsLog(folder);
    await log.append({ step: 1, loss: 1 });
    expect(await log.lastEvaluation()).toBe(-1);
    for (const step of [2, 4]) await log.append({ step, eval_seconds: 1 });
    await log.append({ step: 5, loss: 1 });
    expect(await log.lastEvaluation()).toBe(4);
  });
});

describe('a window of steps', () => {
  it('averages metrics and seconds, and divides all tokens by all seconds', () => {
    const window = new MetricsWindow();
    window.add({ tokens: 100, computedTokens: 60 }, { loss: 1 }, 1);
    window.add({ tokens: 200, computedTokens: 120 }, { loss: 3 }, 3);
    expect(window.take()).toEqual({ loss: 2, stepSeconds: 2, tokensPerSecond: 75, computedTokensPerSecond: 45 });
    expect(window.isEmpty).toBe(true);
  });
});

describe('an output folder', () => {
  it('with a run in it is refused unless that run is resumed', async () => {
    await writeFile(join(folder, 'metrics.jsonl'), '');
    await expect(prepareOutputFolder(folder, false)).rejects.toThrow(/LLMF_CORE_OUTPUT_IN_USE[^]*--resume/);
    (await prepareOutputFolder(folder, true)).release();
  });

  it('may hold other files, and is made when absent', async () => {
    await mkdir(join(folder, 'notes'));
    (await prepareOutputFolder(folder, false)).release();
    (await prepareOutputFolder(join(folder, 'a', 'b'), false)).release();
    expect(await readdir(join(folder, 'a', 'b'))).toEqual([]);
  });

  it('with weights that no run wrote is refused: they would be replaced', async () => {
    await writeFile(join(folder, 'model.safetensors'), '');
    for (const resume of [false, true]) {
      await expect(prepareOutputFolder(folder, resume)).rejects.toThrow(
        /LLMF_CORE_OUTPUT_HOLDS_WEIGHTS[^]*model\.safetensors/,
      );
    }
    await writeFile(join(folder, 'run.json'), '{}');
    (await prepareOutputFolder(folder, true)).release();
  });

  it('belongs to one run at a time, also when it is resumed', async () => {
    const lock = await prepareOutputFolder(folder, false);
    await expect(prepareOutputFolder(folder, true)).rejects.toThrow(
      new RegExp(`LLMF_CORE_OUTPUT_RUNNING[^]*process ${process.pid}`),
    );
    lock.release();
    (await prepareOutputFolder(folder, true)).release();
  });

  it('that is a file is named', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(prepareOutputFolder(join(folder, 'file'), false)).rejects.toThrow(/LLMF_CORE_OUTPUT_UNWRITABLE/);
  });
});

describe('resuming', () => {
  const saved = { output: 'a', train: { seed: 1, maxSteps: 10 }, loss: [{ name: 'dpo', beta: 0.1 }] };

  it('allows the same', () => {
    expect(() => checkResumable(saved, structuredClone(saved), 'x')).not.toThrow();
  });

  it('allows a key that an older version had not, while it has its default', () => {
    const newer = { ...saved, train: { ...saved.train, clip: false } };
    expect(() => checkResumable(saved, newer, 'x', [], ['train.clip'])).not.toThrow();
    const nested = { ...saved, train: { ...saved.train, guard: { limit: 3 } } };
    expect(() => checkResumable(saved, nested, 'x', [], ['train.guard'])).not.toThrow();
    expect(() => checkResumable(saved, newer, 'x')).toThrow(/train\.clip: not set → false/);
    expect(() => checkResumable(newer, { ...newer, train: { ...saved.train, clip: true } }, 'x')).toThrow(/true/);
    expect(() =>
      checkResumable({ ...saved, train: { ...saved.train, clip: true } }, newer, 'x', [], ['train.clip']),
    ).toThrow(/train\.clip: true → false/);
  });

  it('refuses what changes the result, naming key, old and new value', () => {
    const changed = { ...saved, loss: [{ name: 'dpo', beta: 0.5 }] };
    expect(() => checkResumable(saved, changed, 'x')).toThrow(/RESUME_CONFIG_CHANGED[^]*loss\.0\.beta: 0\.1 → 0\.5/);
  });
});

describe('the state registry', () => {
  it('refuses a second part of one name, and a checkpoint with missing or unknown parts', async () => {
    const state = new RunState();
    const part = { save: () => ({ json: 1 }), load: () => {} };
    state.add('optimizer', part);
    expect(() => state.add('optimizer', part)).toThrow(/LLMF_CORE_STATE_TWICE/);
    await expect(state.load(new Map([['other', { json: 1 }]]), 'step-1')).rejects.toThrow(
      /missing: optimizer; unknown: other/,
    );
  });
});
