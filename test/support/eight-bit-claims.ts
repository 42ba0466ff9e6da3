// SPDX-License-Identifier: Apache-2.0
/** Full tuning with moments in 8 bits beside float32 ones, through the real command. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { llmf, succeeded } from './command.js';
import { firstRunCopy, metricsOf } from './first-run.js';
import { sha256 } from './kill-and-resume.js';

/** The supervised loss of the last steps, after full tuning from random weights. */
export function describeEightBit(seeds: readonly number[], steps: number): void {
  describe('full tuning from random weights', () => {
    let copy: Awaited<ReturnType<typeof firstRunCopy>>;
    beforeAll(async () => {
      copy = await firstRunCopy();
      const from = ['--config', 'architecture/config.json', '--tokenizer', 'architecture', '--seed', '1'];
      succeeded(await llmf(['init', 'runs/untrained', ...from], { folder: copy.folder }));
    });
    afterAll(() => copy.remove());

    const meanLoss = async (optimizer: string, rate: string, seed: number): Promise<number> => {
      const output = `runs/${optimizer}-${seed}`;
      const words = [`output=${output}`, `train.optimizer=${optimizer}`, `train.learningRate=${rate}`];
      const more = [`train.maxSteps=${steps}`, `train.seed=${seed}`, 'train.logEvery=1', 'backend=wasm'];
      succeeded(await llmf(['train', 'sft.yaml', ...words, ...more], { folder: copy.folder }));
      const rows = await metricsOf(join(copy.folder, output));
      const losses = rows.flatMap(({ loss }) => (loss === undefined ? [] : [loss])).slice(-20);
      return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
    };

    it.each(seeds)('with adamw8bit ends within 2 % of AdamW, seed %i', { timeout: 600_000 }, async (seed) => {
      const [float, eight] = [await meanLoss('adamw', '3e-3', seed), await meanLoss('adamw8bit', '3e-3', seed)];
      console.log(`adamw ${float}, adamw8bit ${eight}: ${((eight / float - 1) * 100).toFixed(2)} %`);
      expect(eight).not.toBe(float);
      expect(Math.abs(eight / float - 1)).toBeLessThan(0.02);
    });
  });
}

/** What is remembered, in a checkpoint. */
export function describeEightBitState(): void {
  describe('a checkpoint of adamw8bit', () => {
    let copy: Awaited<ReturnType<typeof firstRunCopy>>;
    beforeAll(async () => {
      copy = await firstRunCopy();
      const from = ['--config', 'architecture/config.json', '--tokenizer', 'architecture', '--seed', '1'];
      succeeded(await llmf(['init', 'runs/untrained', ...from], { folder: copy.folder }));
    });
    afterAll(() => copy.remove());

    it('goes on from a checkpoint to the same bits, its state a quarter of AdamW’s', { timeout: 300_000 }, async () => {
      const run = async (output: string, optimizer: string, until: number, ...more: string[]) => {
        const words = [`output=runs/${output}`, `train.optimizer=${optimizer}`, `train.maxSteps=${until}`];
        const common = ['train.schedule=constant', 'train.saveEvery=2', 'train.logEvery=1', 'train.seed=1'];
        succeeded(await llmf(['train', 'sft.yaml', ...words, ...common, ...more], { folder: copy.folder }));
      };
      const file = (...parts: string[]) => join(copy.folder, 'runs', ...parts);
      await run('whole', 'adamw8bit', 4);
      await run('cut', 'adamw8bit', 2);
      await run('cut', 'adamw8bit', 4, '--resume');
      expect(await sha256(file('cut', 'model.safetensors'))).toBe(await sha256(file('whole', 'model.safetensors')));
      await run('float', 'adamw', 2);
      const bytes = (output: string) => {
        const folder = file(output, 'checkpoints', 'step-2');
        return statSync(join(folder, 'optimizer.safetensors')).size;
      };
      const weights = statSync(file('float', 'checkpoints', 'step-2', 'weights.safetensors')).size / 4;
      console.log(`state: ${bytes('cut') / weights} bytes a weight, adamw ${bytes('float') / weights}`);
      expect(bytes('float') / weights).toBeCloseTo(8, 0);
      expect(bytes('cut') / weights).toBeLessThan(2.6); // 2.03 and, of this small model, norms in float32
    });
  });
}
