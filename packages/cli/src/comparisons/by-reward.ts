// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import {
  applyOverrides,
  resolveConfig,
  startBackend,
  temporaryFolder,
  TrainingRun,
  wholeSource,
  type Logger,
} from '@llmf/core';
import { Rewards, type Sample } from '@llmf/rollouts';
import { composeEngine } from '../compose-engine.js';
import type { CliIo } from '../io.js';
import { answerIn, type PairRow } from './labels.js';
import type { SampleRow } from './sample-row.js';

/** Rows of scores by prompt: one number an answer; null where the reward says nothing. */
export type PromptScores = readonly (number | null)[];

export interface RewardRequest {
  /** `rewards=…` and keys of the backend. */
  readonly settings: readonly string[];
  readonly plugins: readonly string[];
  readonly logger: Logger;
}

/** Prompts whose answers are scored by one call of the reward. */
const promptsTogether = 64;

/** Scores every answer by the rewards of the settings. */
export async function scoresByReward(
  io: CliIo,
  rows: readonly SampleRow[],
  { settings, plugins, logger }: RewardRequest,
  onProgress: (done: number) => void,
): Promise<PromptScores[]> {
  const { engine, named } = await composeEngine({ folder: io.folder, plugins });
  const scratch = await temporaryFolder('llmf-label');
  try {
    const given = { raw: {}, source: wholeSource('command line'), folder: io.folder, file: null };
    const { raw, source } = applyOverrides(given, settings);
    const config = await resolveConfig(engine, raw, { source, named, uses: ['rewards', 'backend'] });
    const run = new TrainingRun(config, engine.container.createChild(), scratch, io.folder, logger);
    try {
      await engine.hooks.run.promise(run);
      await startBackend(engine, run.container, config.choices['backend']?.[0], logger);
      const rewards = await Rewards.open(run, { policy: null, text: null }, 'label');
      const scores: PromptScores[] = [];
      for (let start = 0; start < rows.length; start += promptsTogether) {
        const part = rows.slice(start, start + promptsTogether);
        const scored = await rewards.score(part.flatMap(samplesOf), 0);
        let at = 0;
        for (const { samples } of part) {
          scores.push(samples.map(() => totalOf(scored[at++]!)));
        }
        onProgress(scores.length);
      }
      return scores;
    } finally {
      await run.hooks.shutdown.promise();
    }
  } finally {
    await engine.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

const totalOf = ({ score, tokens }: Awaited<ReturnType<Rewards['score']>>[number]): number | null =>
  score === null ? null : score + (tokens?.reduce((sum, each) => sum + each, 0) ?? 0);

/** As a reward sees them while a policy is trained, but for token ids, which are another model's. */
function samplesOf({ row, prompt, samples, source }: SampleRow): Sample[] {
  const messages = typeof prompt === 'string' ? [{ role: 'user', content: prompt }] : prompt;
  return samples.map(({ text, reason }, number) => ({
    prompt: typeof prompt === 'string' ? prompt : messages.map(({ content }) => content).join('\n'),
    answer: text,
    promptIds: new Int32Array(),
    ids: new Int32Array(),
    reason,
    source,
    chat: { messages, isPlain: typeof prompt === 'string' },
    row: row - 1,
    number,
  }));
}

/** The best and the worst answer of each prompt whose scores differ by more than `margin`. */
export function pairsByScore(rows: readonly SampleRow[], scores: readonly PromptScores[], margin: number): PairRow[] {
  return rows.flatMap((row, at) => {
    const ranked = rankedAnswers(row, scores[at]!);
    const [best, worst] = [ranked[0], ranked.at(-1)];
    if (best === undefined || worst === undefined || best.score - worst.score <= margin) return [];
    return [{ prompt: row.prompt, chosen: answerIn(row, best.text), rejected: answerIn(row, worst.text) }];
  });
}

/** Answers best first, one of each score, since a ranking has no ties; of prompts that have two or more different scores. */
export function rankingsByScore(rows: readonly SampleRow[], scores: readonly PromptScores[]) {
  return rows.flatMap((row, at) => {
    const ranked = rankedAnswers(row, scores[at]!).filter(({ score }, rank, all) => score !== all[rank - 1]?.score);
    if (ranked.length < 2) return [];
    return [
      {
        prompt: row.prompt,
        responses: ranked.map(({ text }) => answerIn(row, text)),
        scores: ranked.map(({ score }) => score),
      },
    ];
  });
}

/** Different answers that have a score, best first; an empty one is no answer that rows may hold. */
function rankedAnswers({ samples }: SampleRow, scores: PromptScores): { text: string; score: number }[] {
  const byText = new Map(samples.map(({ text }, at) => [text, scores[at] ?? null]));
  return [...byText]
    .flatMap(([text, score]) => (score === null || text === '' ? [] : [{ text, score }]))
    .toSorted((a, b) => b.score - a.score);
}
