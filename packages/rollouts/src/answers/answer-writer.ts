// SPDX-License-Identifier: Apache-2.0
import { setImmediate as nextTurn } from 'node:timers/promises';
import { throwIfStopped, type Run } from '@llmf/core';
import { GeneratorToken, type Completion, type Generator, type GenerationRequest } from '@llmf/nn';
import { DataServiceToken, tempered, type EncodedRow, type Policy, type RowSet, type RowText } from '@llmf/training';
import type { Sample } from '../contracts/reward.js';
import { promptInput } from './prompt-input.js';
import { objectiveTemperature, offPolicy, type SamplingOptions } from './sampling-options.js';

/** An answer that the policy wrote to a prompt. */
export interface Answer {
  /** The prompt's row. */
  readonly row: EncodedRow;
  /** What rewards see of it. */
  readonly sample: Sample;
  /** log π of each token when it was drawn, of the policy as the objective has it. */
  readonly logProbs: Float32Array;
}

export interface WriteRequest {
  /** Names the random streams: answer i to row r in it is the same whatever else is written. */
  readonly stream: string;
  /** To each prompt; default 1. */
  readonly answers?: number;
}

/** Writes answers of the policy as it stands. */
export class AnswerWriter {
  private readonly generator: Generator;
  private readonly endIds: readonly number[];

  private constructor(
    private readonly run: Run,
    private readonly policy: Policy,
    private readonly options: SamplingOptions,
    /** How the run's tokens read; null without a tokenizer. */
    readonly text: RowText | null,
  ) {
    const { model, adapter } = policy;
    const { maxSequences, stopIds } = options;
    const drawn = tempered(model, objectiveTemperature(options));
    this.generator = run.container.resolve(GeneratorToken).open(drawn, { adapter, maxSequences });
    this.endIds = [...new Set([...(text?.endIds ?? []), ...stopIds])];
  }

  static async open(run: Run, policy: Policy, options: SamplingOptions): Promise<AnswerWriter> {
    const warning = offPolicy(options);
    if (warning !== null) run.logger.warn(warning);
    return new AnswerWriter(run, policy, options, await run.container.resolve(DataServiceToken).text(run));
  }

  /** Answers to prompts of a split, those to a prompt together, in the order of the prompts. @throws Stopped */
  async write(split: RowSet, prompts: readonly EncodedRow[], { stream, answers = 1 }: WriteRequest): Promise<Answer[]> {
    const { maxNewTokens, topK, topP, minP, stop } = this.options;
    const temperature = this.options.temperature / objectiveTemperature(this.options);
    const requests = await Promise.all(
      prompts.map(async (row): Promise<GenerationRequest> => {
        return { ...(await promptInput(this.run, this.policy, row)), answers, key: `${stream}/${row.index}` };
      }),
    );
    const settings = {
      maxNewTokens,
      temperature,
      topK,
      topP,
      minP,
      seed: this.run.config.train.seed,
      eosIds: this.endIds,
      logProbs: true,
      ...(stop.length === 0 ? {} : { stops: (ids: readonly number[]) => this.stopIn(this.decode(ids)) !== null }),
    };
    const written: Answer[] = [];
    for await (const completion of this.generator.complete(requests, settings)) {
      await nextTurn();
      throwIfStopped(this.run);
      const row = prompts[completion.request]!;
      written[completion.request * answers + completion.answer] = this.answer(split, row, completion);
    }
    return written;
  }

  private answer(split: RowSet, row: EncodedRow, { ids, logProbs, reason, answer: number }: Completion): Answer {
    const { columns, chat } = split.source(row.index);
    const text = this.decode(ids);
    const sample: Sample = {
      prompt: this.text?.decode(row.prompt, { specialTokens: true }) ?? row.prompt.join(' '),
      answer: text.slice(0, this.stopIn(text) ?? text.length),
      promptIds: row.prompt,
      ids,
      reason,
      source: columns,
      chat,
      row: row.index,
      number,
    };
    return { row, sample, logProbs };
  }

  private decode(ids: ArrayLike<number>): string {
    return this.text?.decode(ids) ?? Array.from(ids).join(' ');
  }

  /** Where the first text that ends an answer begins. */
  private stopIn(text: string): number | null {
    const places = this.options.stop.map((stop) => text.indexOf(stop)).filter((place) => place >= 0);
    return places.length === 0 ? null : Math.min(...places);
  }
}
