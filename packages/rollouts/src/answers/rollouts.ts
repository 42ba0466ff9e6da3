// SPDX-License-Identifier: Apache-2.0
import { beforeChange, type Run } from '@llmf/core';
import { lossChoices, type EncodedRow, type Policy, type RowSet } from '@llmf/training';
import { Rewards } from '../rewards/rewards.js';
import { ScoreWatch } from '../health/score-watch.js';
import { rolloutsErrors } from '../rollouts-errors.js';
import { AnswerWriter, type WriteRequest } from './answer-writer.js';
import { CompletionsLog, total } from './completions-log.js';
import { sampleTable } from './sample-table.js';
import type { SamplingOptions } from './sampling-options.js';
import type { ScoredAnswer } from './scored-answer.js';

export interface RolloutRequest {
  readonly step: number;
  readonly split: 'train' | 'eval';
  /** Answers to each prompt. */
  readonly answers: number;
  /** Which time a step asks; default 0. A prompt that is asked again gets other answers. */
  readonly round?: number;
}

/** Answers of the policy to prompts, scored and written down: what an online algorithm learns from. */
export class Rollouts {
  private readonly watch: ScoreWatch;

  private constructor(
    private readonly run: Run,
    private readonly writer: AnswerWriter,
    private readonly rewards: Rewards,
    private readonly log: CompletionsLog,
    private readonly shownSamples: number,
  ) {
    this.watch = new ScoreWatch(run);
  }

  /**
   * Refuses what can be told from the config alone. @param stage its name, for messages
   * @throws LLMF_ROLLOUTS_LOSS_UNUSED, …_NO_REWARD, and what a reward throws when it is checked
   */
  static async check(run: Run, stage: string): Promise<void> {
    const losses = lossChoices(run.config.choices['loss']).map(({ name }) => name);
    if (losses.length > 0) throw rolloutsErrors.lossUnused({ stage, losses });
    await Rewards.check(run, stage);
  }

  /** @throws what a reward throws when it is opened */
  static async open(
    run: Run,
    policy: Policy,
    stage: string,
    options: SamplingOptions & { readonly shownSamples: number },
  ): Promise<Rollouts> {
    const writer = await AnswerWriter.open(run, policy, options);
    const rewards = await Rewards.open(run, { policy, text: writer.text }, stage);
    return new Rollouts(run, writer, rewards, new CompletionsLog(run), options.shownSamples);
  }

  /**
   * Answers to prompts of a split, those to a prompt together, in the order of the prompts. In training each step draws
   * anew; in evaluation a prompt's answers differ with the policy alone. A reward that fails ends the run with the steps
   * before it saved. @throws LLMF_ROLLOUTS_NOTHING_SCORED
   */
  async of(split: RowSet, prompts: readonly EncodedRow[], request: RolloutRequest): Promise<ScoredAnswer[]> {
    const { step, answers, round = 0 } = request;
    const again = round === 0 ? '' : `, round ${round}`;
    const stream = request.split === 'train' ? `step ${step}${again}` : 'evaluation';
    const scored = await this.scored(split, prompts, { stream, answers }, step).catch((error: unknown) => {
      throw beforeChange(error);
    });
    if (request.split === 'train') {
      await this.record(step, 'train', scored);
      if (round === 0) this.show(step, scored);
      this.watch.see(
        step,
        scored.map(({ reward }) => reward.score),
      );
    }
    return scored;
  }

  /** Writes answers to `completions.jsonl`; of an evaluation all at once, so that one that was broken off leaves none. */
  async record(step: number, split: RolloutRequest['split'], answers: readonly ScoredAnswer[]): Promise<void> {
    await this.log.append(step, split, answers);
  }

  private async scored(
    split: RowSet,
    prompts: readonly EncodedRow[],
    request: WriteRequest,
    step: number,
  ): Promise<ScoredAnswer[]> {
    const written = await this.writer.write(split, prompts, request);
    const rewards = await this.rewards.score(
      written.map(({ sample }) => sample),
      step,
    );
    return written.map((answer, at) => ({ ...answer, reward: rewards[at]! }));
  }

  /** What the rewards said of answers, by the names of TRL's metrics. */
  metricsOf(answers: readonly ScoredAnswer[]): Record<string, number> {
    const known = answers.flatMap(({ reward }) => total(reward) ?? []);
    const cutOff = answers.filter(({ sample }) => sample.reason === 'length').length;
    const parts = this.rewards.labels.flatMap((label) => {
      const values = answers.flatMap(({ reward }) => reward.parts[label] ?? []);
      return values.length === 0 ? [] : [[`rewards/${label}/mean`, mean(values)] as const];
    });
    return {
      ...(known.length === 0 ? {} : { 'objective/scores': mean(known), 'objective/scores_std': deviation(known) }),
      ...(parts.length > 1 ? Object.fromEntries(parts) : {}),
      'completions/mean_length': mean(answers.map(({ sample }) => sample.ids.length)),
      'completions/clipped_ratio': cutOff / answers.length,
      'completions/unscored': answers.length - known.length,
      'val/num_eos_tokens': answers.length - cutOff,
    };
  }

  /** At the first step, and at every tenth row of the log. */
  private show(step: number, answers: readonly ScoredAnswer[]): void {
    const every = 10 * this.run.config.train.logEvery;
    if (this.shownSamples === 0 || (step !== 1 && step % every !== 0)) return;
    const lines = sampleTable(answers, this.shownSamples);
    this.run.logger.info([`answers of step ${step}:`, ...lines].join('\n  '));
  }
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function deviation(values: readonly number[]): number {
  const center = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - center) ** 2)));
}
