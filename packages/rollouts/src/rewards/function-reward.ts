// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isThereSync } from '@llmf/core';
import { z } from 'zod';
import type { OpenedReward, Reward } from '../contracts/reward.js';
import { rolloutsErrors } from '../rollouts-errors.js';
import { FunctionThread } from './function-thread.js';

const functionOptions = z.strictObject({
  path: z.string().min(1).describe('A .mjs or .js file (.ts where Node.js runs it), relative to the config’s folder.'),
  export: z.string().min(1).default('default').describe('Name of the exported function: samples in, scores out.'),
  timeoutSeconds: z
    .number()
    .positive()
    .default(60)
    .describe('It must answer within this time for all samples of a step.')
    .meta({ decides: false }),
});

/**
 * A function of the user's: `rewards: { name: function, path: ./reward.mjs }`. It runs in a thread of its own, takes a
 * list of samples (`prompt`, `answer`, `ids`, `source`, …) and returns, or promises, one score each.
 */
export const functionReward: Reward = {
  name: 'function',
  description: 'a function in a file of yours: samples in, one number (or null, or one a token) each out',
  options: functionOptions,
  check: ({ folder }, given) => checkFile(resolve(folder, (given as z.infer<typeof functionOptions>).path)),
  async open({ run }, given): Promise<OpenedReward> {
    const options = given as z.infer<typeof functionOptions>;
    const path = resolve(run.folder, options.path);
    const thread = new FunctionThread({
      path,
      url: pathToFileURL(path).href,
      exported: options.export,
      seconds: options.timeoutSeconds,
    });
    await thread.start();
    return {
      description: `function ${options.export} of ${options.path}`,
      score: (samples) => thread.score(samples),
      dispose: () => thread.stop(),
    };
  },
};

/** @throws LLMF_ROLLOUTS_REWARD_FILE, …_REWARD_TYPES */
function checkFile(path: string): void {
  if (!isThereSync(path)) throw rolloutsErrors.rewardFile({ path, reason: 'there is no such file' });
  const runsTypes = (process.features as { typescript?: unknown }).typescript;
  if (/\.[mc]?ts$/.test(path) && (runsTypes === undefined || runsTypes === false)) {
    throw rolloutsErrors.rewardTypes({ path, node: process.versions.node });
  }
}
