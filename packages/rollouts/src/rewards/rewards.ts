// SPDX-License-Identifier: Apache-2.0
import { LlmfError, type Choice, type Run } from '@llmf/core';
import { chosen } from '@llmf/training';
import { RewardToken, type OpenedReward, type RewardContext, type Sample, type Scores } from '../contracts/reward.js';
import { noReward } from '../reward-slot.js';
import { rolloutsErrors } from '../rollouts-errors.js';
import { checkScores } from './check-scores.js';

/** What all rewards together make of a sample. */
export interface SampleReward {
  /** Σ weight · score over the rewards that score whole answers; null: no reward says anything, the sample is left out. */
  readonly score: number | null;
  /** Σ weight · score per token over the rewards that score tokens; null: none does. */
  readonly tokens: Float32Array | null;
  /** Each reward's own number (of tokens their sum), null where it says nothing. */
  readonly parts: Readonly<Record<string, number | null>>;
}

interface WeightedReward {
  /** Its name; with a number where several have the same. */
  readonly label: string;
  readonly weight: number;
  readonly reward: OpenedReward;
}

/** The rewards of a run, opened, each with its weight. */
export class Rewards {
  private constructor(private readonly all: readonly WeightedReward[]) {}

  /** Refuses what can be told of them before anything is loaded. @throws LLMF_ROLLOUTS_NO_REWARD and what a reward throws */
  static async check(run: Run, stage: string): Promise<void> {
    for (const { name, options } of choicesOf(run, stage)) {
      await chosen(run.container, RewardToken, name, 'rewards').check?.(run, options);
    }
  }

  /** Opens the rewards of the config and says what they are. @throws LLMF_ROLLOUTS_NO_REWARD and what a reward throws */
  static async open(run: Run, context: Omit<RewardContext, 'run'>, stage: string): Promise<Rewards> {
    await Rewards.check(run, stage);
    const choices = choicesOf(run, stage);
    const all: WeightedReward[] = [];
    run.hooks.shutdown.tapPromise('rewards', async () => {
      for (const { reward } of all) await reward.dispose?.();
    });
    for (const [at, { name, options, weight }] of choices.entries()) {
      const isAlone = choices.filter((choice) => choice.name === name).length === 1;
      const reward = await chosen(run.container, RewardToken, name, 'rewards').open({ run, ...context }, options);
      all.push({ label: isAlone ? name : `${name}-${at + 1}`, weight, reward });
      run.logger.info(`reward: ${weight === 1 ? '' : `${weight} × `}${reward.description}`);
    }
    return new Rewards(all);
  }

  get labels(): string[] {
    return this.all.map(({ label }) => label);
  }

  /**
   * One entry a sample, in order. @param step for messages
   * @throws LLMF_ROLLOUTS_REWARD_FAILED, …_REWARD_TIMEOUT, …_REWARD_COUNT, …_REWARD_VALUE, …_REWARD_TOKENS
   */
  async score(samples: readonly Sample[], step: number): Promise<SampleReward[]> {
    if (samples.length === 0) return [];
    const scores: Scores[] = [];
    for (const { label, reward } of this.all) {
      const got = await asked(label, reward, samples, step);
      checkScores(label, got, samples);
      scores.push(got);
    }
    return samples.map(({ ids }, at) =>
      this.together(
        scores.map((each) => each[at]!),
        ids.length,
      ),
    );
  }

  private together(given: readonly Scores[number][], length: number): SampleReward {
    let score: number | null = null;
    let tokens: Float32Array | null = null;
    const parts: Record<string, number | null> = {};
    for (const [at, { label, weight }] of this.all.entries()) {
      const value = given[at]!;
      parts[label] = typeof value === 'object' ? (value?.reduce((sum, each) => sum + each, 0) ?? null) : value;
      if (value === null) continue;
      score ??= 0;
      if (typeof value === 'number') score += weight * value;
      else {
        tokens ??= new Float32Array(length);
        for (const [token, each] of value.entries()) tokens[token]! += weight * each;
      }
    }
    return { score, tokens, parts };
  }
}

function choicesOf(run: Run, stage: string): readonly Choice[] {
  const choices = (run.config.choices['rewards'] ?? []).filter(({ name }) => name !== noReward);
  const known = run.container.resolveAll(RewardToken).map(({ name }) => name);
  if (choices.length === 0) throw rolloutsErrors.noReward({ stage, known });
  return choices;
}

/** Its scores, not checked yet. @throws LLMF_ROLLOUTS_REWARD_FAILED for whatever else it throws than a coded error */
async function asked(reward: string, opened: OpenedReward, samples: readonly Sample[], step: number): Promise<Scores> {
  try {
    return await opened.score(samples);
  } catch (error) {
    if (LlmfError.is(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw rolloutsErrors.rewardFailed({ reward, step, reason }, { cause: error });
  }
}
