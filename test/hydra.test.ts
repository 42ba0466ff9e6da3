// SPDX-License-Identifier: Apache-2.0
/** A reference that shares the policy's frozen weights is a full copy to the bit, through the real command. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { llmf, succeeded } from './support/command.js';
import { firstRunCopy, metricsOf } from './support/first-run.js';

let copy: Awaited<ReturnType<typeof firstRunCopy>>;
beforeAll(async () => {
  copy = await firstRunCopy();
});
afterAll(() => copy.remove());

const short = ['train.maxSteps=5', 'train.gradientAccumulation=1', 'train.logEvery=1', 'data.eval=null'];
const dpo = (output: string, ...words: string[]) =>
  llmf(['train', '--plugin', 'loss-dpo', `output=runs/${output}`, 'train.learningRate=1e-3', ...short, ...words], {
    folder: copy.folder,
  });
const lossesOf = async (output: string) =>
  (await metricsOf(join(copy.folder, 'runs', output))).flatMap(({ loss, 'rewards/margins': margin }) =>
    loss === undefined ? [] : [[loss, margin]],
  );

async function expectEqual(name: string, ...words: string[]): Promise<string> {
  succeeded(await dpo(`${name}-copy`, 'reference=copy', ...words));
  const out = succeeded(await dpo(`${name}-hydra`, 'reference=hydra', ...words));
  const losses = await lossesOf(`${name}-hydra`);
  expect(losses).toHaveLength(5);
  expect(losses).toEqual(await lossesOf(`${name}-copy`)); // to the bit
  expect(losses.at(-1)![1]).not.toBe(0); // the policy has moved, its reference has not
  return out;
}

describe('the reference hydra', () => {
  it(
    'equals a full copy where the bottom layers are frozen, and holds the trained ones alone',
    { timeout: 240_000 },
    async () => {
      const out = await expectEqual('freeze', 'adapter={ name: freeze, trainableLayers: 1 }');
      const [, copied, all] =
        /reference: a frozen copy of what is trained \(([\d,]+) of ([\d,]+) weights, [\d.]+ MB\)/.exec(out)!;
      const count = (text: string) => Number(text.replaceAll(',', ''));
      expect(count(copied!)).toBeLessThan(count(all!) / 2);
      expect(out).toContain(`training ${copied} of ${all} weights`);
    },
  );

  it(
    'equals a full copy where a saved adapter is trained on, and holds that adapter alone',
    { timeout: 240_000 },
    async () => {
      succeeded(await dpo('first', 'adapter=lora'));
      const out = await expectEqual('lora', 'adapter={ name: lora, path: runs/first }');
      expect(out).toMatch(/a frozen copy of what is trained .* on the policy's own frozen weights/);
    },
  );

  it('is refused where nothing is frozen', { timeout: 60_000 }, async () => {
    expect((await dpo('none', 'adapter=none', 'reference=hydra')).err).toContain(
      'LLMF_TRAINING_REFERENCE_NEEDS_FROZEN',
    );
  });
});
