// SPDX-License-Identifier: Apache-2.0
import { apiVersion, type Plugin, type Run } from '@llmf/core';
import { tf } from '@llmf/nn';
import { RewardToken, rewardRule, type Sample, type Scores } from '@llmf/rollouts';
import { train } from 'llmf';

/** A plugin that brings the reward `rule`. */
export const ruleOf = (score: (samples: readonly Sample[]) => Scores | Promise<Scores>): Plugin => ({
  name: 'rule',
  apiVersion,
  apply: (engine) => engine.provide(RewardToken, rewardRule('rule', 'a rule of the test', score)),
});

/** 1 for an answer that says "pleasure", 0 for another. */
export const pleasure = ruleOf((samples) => samples.map(({ answer }) => (answer.includes('pleasure') ? 1 : 0)));

/** A plugin that looks at a run. */
export const watcher = (watch: (run: Run) => void): Plugin => ({
  name: 'watcher',
  apiVersion,
  decides: false,
  apply: (engine) => engine.hooks.run.tap('watcher', watch),
});

/** A plugin that counts live tensors after every logged step. */
export const tensorWatch = (counts: number[]): Plugin =>
  watcher((run) => run.hooks.log.tap('watcher', () => void counts.push(tf.memory().numTensors)));

export interface OnlineRun {
  readonly folder: string;
  readonly output: string;
  readonly plugins: readonly Plugin[];
  readonly stage: Readonly<Record<string, unknown>>;
  readonly steps: number;
  readonly more?: Readonly<Record<string, unknown>>;
  readonly train?: Readonly<Record<string, unknown>>;
  readonly resume?: boolean;
}

/** Trains the first run's model online on a few of its prompts. */
export async function trainOnline({
  folder,
  output,
  plugins,
  stage,
  steps,
  more = {},
  train: settings,
  resume,
}: OnlineRun) {
  const config = {
    model: { path: 'model' },
    stage: { maxNewTokens: 20, shownSamples: 0, ...stage },
    rewards: 'rule',
    adapter: { name: 'lora', rank: 4 },
    backend: { name: 'cpu', precision: 'f32' },
    data: { train: [{ path: 'data/sft.json' }], maxSamples: 48, maxLength: 96 },
    train: {
      batchSize: 8,
      gradientAccumulation: 1,
      maxSteps: steps,
      learningRate: 1e-3,
      logEvery: 1,
      seed: 3,
      ...settings,
    },
    plugins: [...plugins],
    output,
    ...more,
  };
  const lines: string[] = [];
  const logger = { info: (line: string) => void lines.push(line), warn: (line: string) => void lines.push(line) };
  const outcome = await train(
    config as never,
    { folder, logger, ...(resume === undefined ? {} : { resume }) } as never,
  );
  return { ...outcome, lines };
}
