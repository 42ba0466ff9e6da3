// SPDX-License-Identifier: Apache-2.0
/** ILQL from the command line: heads are saved and gone on from, resumed to the same bits, and steer what is written. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensors } from '@llmf/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { llmf, succeeded } from './support/command.js';
import { firstRunCopy, metricsOf } from './support/first-run.js';
import { sha256 } from './support/kill-and-resume.js';

let copy: Awaited<ReturnType<typeof firstRunCopy>>;
const inFolder = (...parts: string[]) => join(copy.folder, ...parts);
beforeAll(async () => {
  copy = await firstRunCopy();
  const pairs = JSON.parse(readFileSync(inFolder('data', 'train.json'), 'utf8')) as {
    readonly prompt: string;
    readonly chosen: string;
    readonly rejected: string;
  }[];
  const rows = pairs.flatMap(({ prompt, chosen, rejected }) => [
    { prompt, completion: chosen, reward: 1 },
    { prompt, completion: rejected, reward: -1 },
  ]);
  writeFileSync(inFolder('scored.json'), JSON.stringify(rows));
});
afterAll(() => copy.remove());

const words = (output: string, ...more: string[]) => [
  'train',
  '--plugin',
  'algo-ilql',
  `output=${output}`,
  'data.train=[{ path: scored.json }]',
  'data.eval=null',
  'adapter=none',
  'train.gradientAccumulation=1',
  'train.logEvery=1',
  'train.saveEvery=2',
  'train.learningRate=1e-3',
  'stage.syncEvery=2',
  'stage.alpha=0.3',
  ...more,
];
const run = (argv: readonly string[]) => llmf(argv, { folder: copy.folder });

describe('ILQL', () => {
  it('resumes to the same bits, target heads included', { timeout: 240_000 }, async () => {
    succeeded(await run(words('whole', 'train.maxSteps=6')));
    // Ended as by a kill behind its second checkpoint: the schedule knows of six steps.
    const cut = await llmf(words('cut', 'train.maxSteps=6', 'train.keepCheckpoints=9'), {
      folder: copy.folder,
      killAfter: async () => {
        const there = () => readFileSync(inFolder('cut', 'checkpoints', 'step-4', 'state.json'), 'utf8');
        for (;;) {
          try {
            return there();
          } catch {
            await new Promise((resolve) => setTimeout(resolve, 5));
          }
        }
      },
    });
    if (cut.signal === 'SIGKILL')
      succeeded(await run([...words('cut', 'train.maxSteps=6', 'train.keepCheckpoints=9'), '--resume']));
    for (const file of ['model.safetensors', 'heads.safetensors'])
      expect(await sha256(inFolder('cut', file)), file).toBe(await sha256(inFolder('whole', file)));
    const heads = await readSafetensors(inFolder('whole', 'heads.safetensors'));
    expect(Object.keys(heads)).toHaveLength(20); // two Qs, their targets and V, two layers each
    expect(heads['target_q_head_1.0.weight']).not.toEqual(heads['q_head_1.0.weight']); // it follows slowly
    const losses = (await metricsOf(inFolder('whole'))).filter((row) => 'loss_q' in row);
    expect(losses).toHaveLength(6);
    const last = losses.at(-1)!;
    const parts = last['loss_q']! + last['loss_v']! + 0.1 * last['loss_cql']! + last['loss_awac']!;
    expect(parts).toBeCloseTo(last['loss']!, 4);
  });

  it(
    'steers what is written, goes on from its heads, and refuses a model without them',
    { timeout: 240_000 },
    async () => {
      const answer = (model: string, ...more: string[]) =>
        run([
          'generate',
          '--plugin',
          'algo-ilql',
          '--model',
          model,
          '--greedy',
          '--max-new-tokens',
          '12',
          '--prompt',
          'What is a bus?',
          ...more,
        ]);
      const plain = succeeded(await answer('whole'));
      expect(succeeded(await answer('whole', '--guide', '0.000001'))).toBe(plain);
      expect(succeeded(await answer('whole', '--guide', '1000'))).not.toBe(plain);
      expect((await answer('model', '--guide', '1')).err).toContain('LLMF_CLI_NO_GUIDE');
      const sampled = async (file: string, ...more: string[]) => {
        const options = ['--plugin', 'algo-ilql', '--model', 'whole', '--greedy', '--max-new-tokens', '12'];
        succeeded(await run(['sample', 'asked.jsonl', ...options, '--output', file, '--answers', '1', ...more]));
        const [line] = readFileSync(inFolder(file), 'utf8').split('\n');
        return (JSON.parse(line!) as { samples: { text: string }[] }).samples[0]!.text;
      };
      writeFileSync(inFolder('asked.jsonl'), '{"prompt":"What is a bus?"}\n');
      expect(await sampled('steered.jsonl', '--guide', '1000')).not.toBe(await sampled('plain.jsonl'));
      const other = await run(words('other', 'loss=sft'));
      expect(other.err).toContain('LLMF_ALGO_ILQL_LOSS_UNUSED');
      const on = succeeded(await run(words('on', 'model.path=whole', 'train.maxSteps=1')));
      expect(on).toMatch(/head q_head_1: continued from .*whole/);
    },
  );
});
