// SPDX-License-Identifier: Apache-2.0
/** A step's result does not depend on the passes in which it is computed, through the real command. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { llmf, succeeded } from './support/command.js';
import { firstRunCopy, metricsOf } from './support/first-run.js';

let copy: Awaited<ReturnType<typeof firstRunCopy>>;
beforeAll(async () => {
  copy = await firstRunCopy();
});
afterAll(() => copy.remove());

const words = [
  '--plugin',
  'loss-dpo',
  'adapter={ name: lora, rank: 2, dropout: 0.2 }',
  'data.eval={ split: 0.1 }',
  'train.batchSize=4',
  'train.gradientAccumulation=2',
  'train.learningRate=1e-3',
  'train.evalOnStart=false',
  'train.logEvery=1',
];
const train = (output: string, tokensPerPass: number, ...more: string[]) =>
  llmf(['train', ...words, `output=runs/${output}`, `train.tokensPerPass=${tokensPerPass}`, ...more], {
    folder: copy.folder,
  });

const clocks = /seconds|tokens|memory|time/i;

/** Numbers of both runs differ by the order of sums in float32 alone: products and sums over tokens are cut elsewhere. */
async function expectSame(one: string, other: string): Promise<void> {
  const rowsOf = async (name: string) => {
    const rows = await metricsOf(join(copy.folder, 'runs', name));
    return [
      ...rows.filter(({ loss }) => loss !== undefined),
      rows.find(({ step, eval_loss: loss }) => step === 3 && loss)!,
    ];
  };
  const [left, right] = [await rowsOf(one), await rowsOf(other)];
  expect([left.length, right.length]).toEqual([4, 4]); // three steps, and the evaluation at the end
  let compared = 0;
  for (const [at, row] of left.entries()) {
    for (const [name, value] of Object.entries(row).filter(([key]) => !clocks.test(key))) {
      const bound = 2e-5 * Math.max(1e-3, Math.abs(value));
      expect(Math.abs(right[at]![name]! - value), `${name} of row ${at}: ${value}`).toBeLessThanOrEqual(bound);
      compared++;
    }
  }
  expect(compared).toBeGreaterThan(15);
}

it('8 pairs in one pass, in many, and in others after a resume give the same steps, dropout included', async () => {
  const steps = (count: number) => [`train.maxSteps=${count}`, 'train.schedule=constant', 'train.warmupSteps=0'];
  succeeded(await train('one', 100_000, ...steps(3)));
  succeeded(await train('many', 50, ...steps(2)));
  succeeded(await train('many', 300, ...steps(3), '--resume'));
  await expectSame('one', 'many');
}, 60_000);
