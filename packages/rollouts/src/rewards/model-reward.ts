// SPDX-License-Identifier: Apache-2.0
import type { Run } from '@llmf/core';
import { tf } from '@llmf/nn';
import { batchLogProbs, DataServiceToken, evaluationMode, trainingHooks, type EncodedRow } from '@llmf/training';
import { z } from 'zod';
import type { OpenedReward, Reward, Sample } from '../contracts/reward.js';
import { rolloutsErrors } from '../rollouts-errors.js';
import { openScoringModel, type ScoringModel } from './scoring-model.js';

const modelOptions = z.strictObject({
  path: z
    .string()
    .min(1)
    .describe('Folder or hub id of a reward model (a sequence classifier with one label), or a PEFT folder of one.'),
  template: z.string().default('auto').describe('Chat template of a reward model; auto: its tokenizer’s own.'),
  batchSize: z.int().min(1).default(8).describe('Answers scored together.').meta({ decides: false }),
});

/**
 * A trained judge: `rewards: { name: model, path: runs/reward }`. Another model reads prompt and answer as text, in its own
 * template; an adapter stands on the policy's own base and reads its tokens.
 */
export const modelReward: Reward = {
  name: 'model',
  description: 'a reward model: a folder of any architecture, or an adapter on the policy’s own base',
  options: modelOptions,
  async open(context, given): Promise<OpenedReward> {
    const { path, template, batchSize } = given as z.infer<typeof modelOptions>;
    const scorer = await openScoringModel(context, path, template);
    return {
      description: scorer.description,
      async score(samples) {
        const scores: number[] = [];
        for (let start = 0; start < samples.length; start += batchSize) {
          scores.push(...(await scoresOf(context.run, scorer, samples.slice(start, start + batchSize), path)));
        }
        return scores;
      },
      dispose: () => scorer.dispose(),
    };
  },
};

/** @throws LLMF_ROLLOUTS_REWARD_MODEL_LONG */
async function scoresOf(run: Run, scorer: ScoringModel, samples: readonly Sample[], path: string): Promise<number[]> {
  const { model, adapter, head } = scorer;
  const rows = samples.map((sample, index) => rowOf(scorer, sample, index));
  const length = Math.max(...rows.map(lengthOf));
  if (length > model.contextLength)
    throw rolloutsErrors.rewardModelLong({ path, length, context: model.contextLength });
  const batch = run.container.resolve(DataServiceToken).collate(run, rows, model);
  const { name } = head.head;
  const request = { stats: [], span: 'response', heads: new Map([[name, head]]) } as const;
  const scores = tf.tidy(
    () => batchLogProbs(model, batch, request, evaluationMode(adapter), trainingHooks(run)).heads![name]!,
  ); // [answers, 1]
  try {
    return [...(await scores.data())];
  } finally {
    scores.dispose();
  }
}

const rowOf = (scorer: ScoringModel, sample: Sample, index: number): EncodedRow => ({
  index,
  weight: 1,
  extras: {},
  media: [],
  ...scorer.read(sample),
});

const lengthOf = ({ prompt, responses }: EncodedRow): number => prompt.length + responses[0]!.ids.length;
