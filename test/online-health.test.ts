// SPDX-License-Identifier: Apache-2.0
/** Each health rule of the online stages, on runs that are made to fail in its way. */
import algoPpo from '@llmf/algo-ppo';
import type { Plugin } from '@llmf/core';
import { tf } from '@llmf/nn';
import { trainingHooks } from '@llmf/training';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { firstRunCopy } from './support/first-run.js';
import { pleasure, ruleOf, trainOnline, watcher, type OnlineRun } from './support/online.js';

let copy: Awaited<ReturnType<typeof firstRunCopy>>;
beforeAll(async () => {
  copy = await firstRunCopy();
});
afterAll(() => copy.remove());

/** What the rules said of a run. */
async function health({ plugins = [pleasure], ...run }: Partial<OnlineRun> & { steps: number }): Promise<string[]> {
  const { lines } = await trainOnline({
    folder: copy.folder,
    output: `run-${runs++}`,
    ...run,
    plugins: [algoPpo(), ...plugins],
    stage: { name: 'ppo', ...run.stage },
  });
  return lines.filter((line) => line.startsWith('health'));
}
let runs = 0;
const said = (lines: readonly string[], rule: string) => lines.filter((line) => line.includes(`, ${rule})`));

/** A score that is twelve times as large from the sixth step on. */
const growing = () => {
  let step = 0;
  return ruleOf((all) => (step++, all.map(({ answer }) => answer.length * (step > 5 ? 12 : 1))));
};

/** Divides the logits of the models that a run loads, or of the first of them, by a temperature of the step. */
function warped(temperature: (step: number) => number, most = Infinity): Plugin {
  return watcher((run) => {
    let loaded = 0;
    trainingHooks(run).modelLoaded.tap('warped', (model) => {
      if (++loaded > most) return model;
      const { head } = model;
      const transform: typeof head.transform = (hidden, context) =>
        tf.div(head.transform?.(hidden, context) ?? hidden, temperature(run.step));
      return new Proxy(model, {
        get: (target, key) => {
          if (key === 'head') return { ...head, transform };
          const value: unknown = Reflect.get(target, key, target);
          return typeof value === 'function' ? (value as CallableFunction).bind(target) : value;
        },
      });
    });
  });
}

describe('a rule speaks of a run', () => {
  it.each<[string, string, Partial<OnlineRun> & { steps: number }, RegExp]>([
    [
      'that leaves its reference behind',
      'kl-explosion',
      { steps: 6, stage: { klTarget: 0.3, klCoefficient: 0 }, train: { learningRate: 1e-2 } },
      /above 0.9: raise klCoefficient/,
    ],
    [
      'whose answers are not drawn from the policy',
      'negative-kl',
      {
        steps: 3,
        plugins: [pleasure, warped(() => 2, 1)], // its reference, loaded after it, is sharper
        stage: { temperature: 0.3, temperatureInObjective: false },
        more: { reference: { name: 'path', path: 'model' } },
      },
      /below 0: answers are not drawn from the policy/,
    ],
    [
      'that goes too far in each step',
      'clip-fraction',
      { steps: 4, stage: { klCoefficient: 0, ratioLimit: null }, train: { learningRate: 3e-2 } },
      /of the tokens are clipped/,
    ],
    ['whose scores run away', 'value-loss', { steps: 10, plugins: [growing()] }, /the value loss rose from/],
    [
      'that is paid for length',
      'length-reward',
      {
        steps: 14,
        stage: { maxNewTokens: 48, klCoefficient: 0 },
        plugins: [ruleOf((all) => all.map(({ ids }) => ids.length))],
        train: { learningRate: 5e-3 },
      },
      /the reward rises with the length of answers/,
    ],
    [
      'whose answers are cut off',
      'missing-eos',
      { steps: 3, stage: { maxNewTokens: 2 } },
      /100 % of the answers are cut off/,
    ],
    [
      'that says one thing only',
      'entropy-collapse',
      {
        steps: 8,
        plugins: [pleasure, warped((step) => (step <= 3 ? 1 : 0.01))],
      },
      /the entropy of answers fell from/,
    ],
    [
      'whose reward cannot tell answers apart',
      'equal-scores',
      { steps: 3, plugins: [ruleOf((all) => all.map(() => 1))] },
      /got the same score/,
    ],
  ])('%s: %s', async (_, rule, run, remedy) => {
    const lines = await health(run);
    expect(said(lines, rule), lines.join('\n')).toHaveLength(1);
    expect(said(lines, rule)[0]).toMatch(remedy);
  });

  it('that learns: none', async () => {
    expect(await health({ steps: 8 })).toEqual([]);
  });
});
