// SPDX-License-Identifier: Apache-2.0
import { uniforms } from '@llmf/core';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { llmf, succeeded } from './command.js';
import { firstRunCopy, metricsOf } from './first-run.js';
import { killAndResume, sha256 } from './kill-and-resume.js';

export interface KillCase {
  readonly title: string;
  /** Words after `llmf train`. */
  readonly words: readonly string[];
  readonly steps: number;
  readonly kills: number;
  /** The file that holds the trained weights at the end. */
  readonly weights: string;
}

/** The claims of one run that is killed, as tests. */
export function describeKills({ title, words, steps, kills, weights }: KillCase): void {
  describe(title, () => {
    let copy: Awaited<ReturnType<typeof firstRunCopy>>;
    const output = (name: string) => join(copy.folder, 'runs', name);
    const every = ['train.saveEvery=1', 'train.logEvery=1', 'train.evalOnStart=false'];
    const argv = (name: string) => ['train', ...words, `output=runs/${name}`, `train.maxSteps=${steps}`, ...every];

    beforeAll(async () => {
      copy = await firstRunCopy();
      succeeded(await llmf(argv('undisturbed'), { folder: copy.folder }));
    }, 180_000);
    afterAll(() => copy.remove());

    it(
      `is killed ${kills} times and ends with the weights of an undisturbed run, bit for bit`,
      { timeout: (kills + 2) * 60_000 },
      async () => {
        const { resumedFrom, checkpointsRead } = await killAndResume({
          folder: copy.folder,
          argv: argv('killed'),
          output: output('killed'),
          steps,
          kills,
          random: randomNumbers(),
        });
        expect(resumedFrom).toEqual(resumedFrom.toSorted((a, b) => a - b)); // no kill loses what was saved
        expect(resumedFrom.length).toBeGreaterThan(0); // how many kills hit before the first checkpoint is the machine's affair
        expect(checkpointsRead).toBeGreaterThan(0);
        expect(await sha256(join(output('killed'), weights))).toBe(await sha256(join(output('undisturbed'), weights)));
        expect(await lossesOf(output('killed'))).toEqual(await lossesOf(output('undisturbed')));
      },
    );
  });
}

/** Step and loss of every logged step, once each. */
async function lossesOf(folder: string): Promise<(readonly [number, number])[]> {
  const rows = await metricsOf(folder);
  return rows.flatMap(({ step, loss }) => (loss === undefined ? [] : [[step!, loss] as const]));
}

/** The moments differ from run to run of the tests, and can be had again: LLMF_KILL_SEED. */
function randomNumbers(): () => number {
  const seed = Number(process.env['LLMF_KILL_SEED'] ?? Date.now() % 1_000_000);
  console.log(`LLMF_KILL_SEED=${seed}`);
  const values = uniforms({ seed, stream: 'kill', step: 0, microbatch: 0 }, 'moments', 200);
  let next = 0;
  return () => values[next++]!;
}
