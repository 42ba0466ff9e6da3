// SPDX-License-Identifier: Apache-2.0
import { uniforms } from '@llmf/core';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { llmf, succeeded } from './command.js';
import { firstRunCopy } from './first-run.js';
import { sha256 } from './kill-and-resume.js';

/** Random weights, then supervised training, then SimPO, each saving every few steps. */
const pipeline = {
  common: { adapter: 'none', data: { maxLength: 128 }, train: { batchSize: 4, gradientAccumulation: 1, saveEvery: 4 } },
  stages: {
    untrained: { command: 'init', flags: { config: 'architecture/config.json', tokenizer: 'architecture' } },
    sft: { from: 'untrained', stage: 'sft', data: { train: [{ path: 'data/sft.json' }] }, train: { maxSteps: 60 } },
    simpo: {
      from: 'sft',
      plugins: ['loss-simpo'],
      data: { train: [{ path: 'data/train.json' }] },
      train: { maxSteps: 40 },
    },
  },
};

/** A pipeline is killed at random moments of its whole length, and resumed each time. */
export function describePipelineKills(kills: number): void {
  describe('a pipeline', () => {
    let copy: Awaited<ReturnType<typeof firstRunCopy>>;
    const weightsOf = async (output: string) =>
      await Promise.all(
        ['untrained', 'sft', 'simpo'].map((stage) => sha256(join(copy.folder, output, stage, 'model.safetensors'))),
      );
    const written = async (output: string) => {
      await writeFile(join(copy.folder, `${output}.json`), JSON.stringify({ ...pipeline, output }));
      return ['run', `${output}.json`, '--resume'];
    };

    beforeAll(async () => {
      copy = await firstRunCopy();
    });
    afterAll(() => copy.remove());

    it(
      `is killed ${kills} times and ends with the weights of an undisturbed one, bit for bit`,
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
            expect(await weightsOf('killed')).toEqual(await weightsOf('undisturbed'));
            await rm(join(copy.folder, 'killed'), { recursive: true });
          }
        }
        succeeded(await llmf(argv, { folder: copy.folder }));
        expect(hits).toBeGreaterThan(0);
        expect(await weightsOf('killed')).toEqual(await weightsOf('undisturbed'));
      },
    );
  });
}
