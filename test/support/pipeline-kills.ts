// SPDX-License-Identifier: Apache-2.0
import { uniforms } from '@llmf/core';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { llmf, succeeded } from './command.js';
import { firstRunCopy } from './first-run.js';
import { sha256 } from './kill-and-resume.js';

const common = {
  adapter: 'none',
  data: { maxLength: 128 },
  train: { batchSize: 4, gradientAccumulation: 1, saveEvery: 4 },
};
const untrained = { command: 'init', flags: { config: 'architecture/config.json', tokenizer: 'architecture' } };
const sft = (maxSteps: number) => ({
  from: 'untrained',
  stage: 'sft',
  data: { train: [{ path: 'data/sft.json' }] },
  train: { maxSteps },
});
const pairs = { train: [{ path: 'data/train.json' }] };

interface PipelineCase {
  readonly common: object;
  readonly stages: Readonly<Record<string, object>>;
  /** What each stage leaves that must be the same. */
  readonly files: readonly string[];
}

/** All begin with random weights and save every few steps. */
export const pipelineCases = {
  'supervised training, then SimPO': {
    common,
    stages: {
      untrained,
      sft: sft(60),
      simpo: { from: 'sft', plugins: ['loss-simpo'], data: pairs, train: { maxSteps: 40 } },
    },
    files: ['untrained', 'sft', 'simpo'].map((stage) => join(stage, 'model.safetensors')),
  },
  'supervised training, a reward model, then PPO': {
    common,
    stages: {
      untrained,
      sft: sft(40),
      reward: { from: 'sft', plugins: ['algo-reward'], stage: 'reward', data: pairs, train: { maxSteps: 20 } },
      ppo: {
        from: 'sft',
        plugins: ['algo-ppo'],
        stage: { name: 'ppo', maxNewTokens: 12, scoreScaling: 'running', klController: 'adaptive' },
        rewards: { name: 'model', path: { from: 'reward' } },
        adapter: { name: 'lora', rank: 4 },
        data: { train: [{ path: 'data/sft.json' }] },
        train: { maxSteps: 12, learningRate: 1e-3 },
      },
    },
    files: [
      ...['untrained', 'sft', 'reward'].map((stage) => join(stage, 'model.safetensors')),
      join('ppo', 'adapter_model.safetensors'),
      join('ppo', 'completions.jsonl'),
    ],
  },
} as const satisfies Record<string, PipelineCase>;

/** A pipeline is killed at random moments of its whole length, and resumed each time. */
export function describePipelineKills(name: keyof typeof pipelineCases, kills: number): void {
  const { files, ...pipeline }: PipelineCase = pipelineCases[name];
  describe(`a pipeline of ${name}`, () => {
    let copy: Awaited<ReturnType<typeof firstRunCopy>>;
    const resultOf = async (output: string) =>
      await Promise.all(files.map((file) => sha256(join(copy.folder, output, file))));
    const written = async (output: string) => {
      await writeFile(join(copy.folder, `${output}.json`), JSON.stringify({ ...pipeline, output }));
      return ['run', `${output}.json`, '--resume'];
    };

    beforeAll(async () => {
      copy = await firstRunCopy();
    });
    afterAll(() => copy.remove());

    it(
      `is killed ${kills} times and ends as an undisturbed one, bit for bit`,
      { timeout: (kills + 2) * 60_000 },
      async () => {
        const undisturbed = await llmf(await written('undisturbed'), { folder: copy.folder });
        succeeded(undisturbed);
        const seed = Number(process.env['LLMF_KILL_SEED'] ?? Date.now() % 1_000_000);
        console.log(`LLMF_KILL_SEED=${seed}`);
        const moments = uniforms({ seed, stream: 'kill', step: 0, microbatch: 0 }, 'pipeline', kills);
        const argv = await written('killed');
        let hits = 0;
        for (const moment of moments) {
          const milliseconds = 1000 * undisturbed.seconds * (0.15 + 0.7 * moment);
          const killAfter = (over: AbortSignal) => setTimeout(milliseconds, undefined, { signal: over });
          const finished = await llmf(argv, { folder: copy.folder, killAfter });
          if (finished.signal === 'SIGKILL') hits++;
          else {
            // It came to its end between kills: the next ones hit a pipeline that starts anew.
            succeeded(finished);
            expect(await resultOf('killed')).toEqual(await resultOf('undisturbed'));
            await rm(join(copy.folder, 'killed'), { recursive: true });
          }
        }
        succeeded(await llmf(argv, { folder: copy.folder }));
        expect(hits).toBeGreaterThan(0);
        expect(await resultOf('killed')).toEqual(await resultOf('undisturbed'));
      },
    );
  });
}
