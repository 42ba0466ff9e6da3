// SPDX-License-Identifier: Apache-2.0
/**
 * Continuous batching over one arena of keys and values: prompts of unequal lengths, several answers a prompt, new ones
 * begun as soon as others end. Nothing is padded and every row of a pass is computed by itself, so an answer does not
 * depend on what else is written.
 */
import { uniforms } from '@llmf/core';
import type {
  Completion,
  GenerationRequest,
  GenerationSettings,
  Generator,
  GeneratorOptions,
} from '../contracts/generation.js';
import type { AttentionSpan } from '../contracts/ops.js';
import { adapterFor, lengthBefore } from '../adapters/adapter-of.js';
import type { ActiveAdapter, ForwardContext, Model } from '../contracts/model.js';
import type { Positions, Segment } from '../contracts/segments.js';
import { sampleTokens, type SampleTokensOptions } from '../ops/sample-tokens/sample-tokens.js';
import { selectedLogProbs } from '../ops/selected-log-probs/selected-log-probs.js';
import { tf } from '../tf.js';
import { nonFiniteWeight } from '../weights/non-finite-weight.js';
import { generationErrors } from './generation-errors.js';
import { KeyValueArena } from './key-value-arena.js';
import { logitsOf } from './logits.js';
import { checkSampling } from './check-sampling.js';
import { beginAnswer, endAnswer, promptRows, type Prompt, type Sequence } from './sequence.js';

/** Tokens of one pass through the model. */
interface Pass {
  readonly ids: Int32Array;
  readonly segments: readonly Segment[];
  readonly positions: Positions;
  /** That of each segment. */
  readonly adapters: readonly (ActiveAdapter | null)[];
  /** Rows of the arena, and what is seen of it: of the tokens with what their adapters put before them. */
  readonly rows: Int32Array;
  readonly spans: readonly AttentionSpan[];
  readonly embedded?: GenerationRequest['embedded'];
}

export class BatchedGenerator implements Generator {
  constructor(
    private readonly model: Model,
    private readonly options: GeneratorOptions = {},
  ) {}

  async *complete(requests: readonly GenerationRequest[], settings: GenerationSettings): AsyncGenerator<Completion> {
    checkSampling(settings);
    if (this.model.isEncoder) throw generationErrors.encoder({ modelType: this.model.modelType });
    const { adapter = null } = this.options;
    const waiting = requests.map((request, number) => promptOf(this.model, { adapter, ...request }, number, settings));
    if (waiting.length === 0) return;
    const { maxSequences = 64 } = this.options;
    const arena = new KeyValueArena(capacityFor(waiting, maxSequences));
    const live: Sequence[] = [];
    try {
      while (waiting.length > 0 || live.length > 0) {
        const begun = await this.begin(waiting, arena, maxSequences - live.length, settings);
        live.push(...begun);
        if (begun.length === 0) await this.continue(live, arena, settings);
        for (const sequence of live.filter((each) => reasonToEnd(each, settings) !== null)) {
          live.splice(live.indexOf(sequence), 1);
          endAnswer(sequence, arena);
          yield sequence.completion(reasonToEnd(sequence, settings)!);
        }
      }
    } finally {
      for (const { last } of waiting) last?.dispose();
      arena.dispose();
    }
  }

  /** Begins answers that have room, with their first token: those of a prompt that has run, else of the next prompts. */
  private async begin(
    waiting: Prompt[],
    arena: KeyValueArena,
    room: number,
    settings: GenerationSettings,
  ): Promise<Sequence[]> {
    const [first] = waiting;
    if (first === undefined || room === 0) return [];
    const prompts = first.begun > 0 ? [first] : this.placed(waiting, arena);
    const sequences = prompts.map((prompt) => ({ prompt, answers: [] as Sequence[] }));
    for (const { prompt, answers } of sequences) {
      const left = room - sequences.reduce((sum, each) => sum + each.answers.length, 0);
      answers.push(...beginAnswers(prompt, arena, left));
    }
    const begun = sequences.filter(({ answers }) => answers.length > 0);
    for (const { prompt } of sequences.slice(begun.length)) arena.ranges.giveBack(prompt.start, promptRows(prompt));
    if (begun.length === 0) return [];
    if (first.last === null)
      await this.runPrompts(
        begun.map(({ prompt }) => prompt),
        arena,
      );
    for (const { prompt, answers } of begun)
      await this.choose(
        prompt.last!,
        answers,
        answers.map(() => 0),
        settings,
      );
    for (const { prompt } of begun) if (prompt.begun === prompt.answers) release(prompt, waiting);
    return begun.flatMap(({ answers }) => answers);
  }

  /** The next prompts that run together and have room in the arena, placed there. */
  private placed(waiting: readonly Prompt[], arena: KeyValueArena): Prompt[] {
    const prompts: Prompt[] = [];
    let tokens = 0;
    for (const prompt of waiting) {
      const start = this.joins(prompts, prompt, tokens) ? arena.ranges.take(promptRows(prompt)) : null;
      if (start === null) break;
      prompt.start = start;
      prompts.push(prompt);
      tokens += prompt.ids.length;
    }
    return prompts;
  }

  /** May this prompt run in one pass with those before it? One with pictures runs alone. */
  private joins(prompts: readonly Prompt[], { ids, embedded }: Prompt, tokens: number): boolean {
    const { maxPromptTokens = 2048 } = this.options;
    if (prompts.length === 0) return true;
    return embedded === undefined && prompts[0]!.embedded === undefined && tokens + ids.length <= maxPromptTokens;
  }

  /** One more token for every answer that is being written. */
  private async continue(live: readonly Sequence[], arena: KeyValueArena, settings: GenerationSettings): Promise<void> {
    const position = Int32Array.from(live, (each) => each.position);
    const isPlain = live.every(({ prompt }) => prompt.positions instanceof Int32Array);
    const pass: Pass = {
      ids: Int32Array.from(live, ({ ids }) => ids.at(-1)!),
      segments: live.map((_, start) => ({ start, length: 1, continues: true })),
      adapters: live.map(({ prompt }) => prompt.adapter),
      positions: isPlain ? position : [position, position, position],
      rows: Int32Array.from(live, ({ row }) => row),
      spans: live.map((each, query) => each.span(query)),
    };
    const hidden = tf.tidy(() => this.forward(pass, arena)); // [live, C]
    try {
      await this.choose(hidden, live, [...live.keys()], settings);
    } finally {
      hidden.dispose();
    }
  }

  /** Files the keys of prompts and keeps the state after each. */
  private async runPrompts(prompts: readonly Prompt[], arena: KeyValueArena): Promise<void> {
    const hidden = tf.tidy(() => this.forward(promptPass(prompts), arena)); // [T, C]
    let end = 0;
    for (const prompt of prompts) {
      end += prompt.ids.length;
      prompt.last = tf.slice(hidden, [end - 1, 0], [1, -1]);
    }
    hidden.dispose();
  }

  /** One more token for each sequence: that after row `ends[i]` of the hidden states [T, C]. */
  private async choose(
    hidden: tf.Tensor2D,
    sequences: readonly Sequence[],
    ends: readonly number[],
    settings: GenerationSettings,
  ): Promise<void> {
    const logits = this.logits(hidden, ends); // [sequences, V]
    const draws = drawsOf(sequences, settings);
    const { ids, logProb } = sampleTokens(logits, draws, optionsOf(sequences, settings, logits.shape[1]));
    logits.dispose();
    const [chosen, ofLogits] = await Promise.all([ids.data(), logProb.data()]);
    tf.dispose([ids, logProb]);
    const failed = sequences.find((_, at) => chosen[at]! < 0);
    if (failed !== undefined) throw await this.notFinite(failed);
    const isSteered = this.options.steering !== undefined && settings.logProbs === true;
    const logProbs = isSteered ? await this.ownLogProbs(hidden, ends, chosen as Int32Array) : ofLogits;
    for (const [at, sequence] of sequences.entries()) {
      const id = chosen[at]!;
      sequence.ids.push(id);
      if (settings.logProbs === true) sequence.logProbs.push(logProbs[at]!);
      settings.onToken?.({ request: sequence.prompt.request, answer: sequence.answer, id });
    }
  }

  /** The model's own, where something else steered the choice: one more pass through the head. */
  private async ownLogProbs(hidden: tf.Tensor2D, ends: readonly number[], ids: Int32Array): Promise<Float32Array> {
    const { weight, bias } = this.model.head;
    const { logProb } = selectedLogProbs(hidden, weight, Int32Array.from(ends), ids, { bias });
    const values = (await logProb.data()) as Float32Array;
    logProb.dispose();
    return values;
  }

  private logits(hidden: tf.Tensor2D, ends: readonly number[]): tf.Tensor2D {
    const { steering } = this.options;
    return tf.tidy(() => {
      const logits = logitsOf(this.model, hidden, ends);
      return steering?.(tf.gather(hidden, tf.tensor1d([...ends], 'int32')), logits) ?? logits;
    });
  }

  private forward(pass: Pass, arena: KeyValueArena): tf.Tensor2D {
    const { ids, segments, positions, adapters, rows, spans, embedded } = pass;
    arena.begin(rows, spans);
    const embeddings = this.model.embed(ids); // [T, C]
    const context: ForwardContext = {
      segments,
      positions,
      adapter: adapterFor(adapters),
      training: false,
      randomKey: { seed: 0, stream: 'evaluation', step: 0, microbatch: 0 },
      cache: arena,
      gradientCheckpointing: false,
    };
    return this.model.forward(embedded?.(embeddings) ?? embeddings, context);
  }

  private async notFinite({ prompt, ids }: Sequence): Promise<Error> {
    const weight = await nonFiniteWeight(this.model, prompt.adapter);
    return generationErrors.logitsNotFinite({ tokens: prompt.ids.length + ids.length, weight });
  }
}

function promptOf(model: Model, request: GenerationRequest, number: number, settings: GenerationSettings): Prompt {
  const { ids, answers = 1, key = String(number), seed, embedded, adapter = null } = request;
  const context = model.contextLength;
  const before = lengthBefore(adapter);
  const length = before + ids.length;
  if (ids.length === 0) throw generationErrors.emptyPrompt({ tokens: 0 });
  if (length >= context) throw generationErrors.contextFull({ prompt: length, context });
  const positions = request.positions ?? Int32Array.from(ids, (_, index) => index);
  const limit = Math.min(settings.maxNewTokens, context - length);
  const next = largest(positions) + 1;
  return {
    request: number,
    ids,
    positions,
    next,
    embedded,
    adapter,
    before,
    key,
    seed,
    answers,
    limit,
    start: 0,
    last: null,
    begun: 0,
    ended: 0,
  };
}

/** All answers of a prompt have begun: it waits no more. */
function release(prompt: Prompt, waiting: Prompt[]): void {
  prompt.last?.dispose();
  prompt.last = null;
  waiting.splice(waiting.indexOf(prompt), 1);
}

function beginAnswers(prompt: Prompt, arena: KeyValueArena, room: number): Sequence[] {
  const answers: Sequence[] = [];
  while (answers.length < room && prompt.begun < prompt.answers) {
    const sequence = beginAnswer(prompt, arena);
    if (sequence === null) break;
    answers.push(sequence);
  }
  return answers;
}

/** Prompts, packed. */
function promptPass(prompts: readonly Prompt[]): Pass {
  const embedded = prompts[0]!.embedded;
  return {
    ids: Int32Array.from(prompts.flatMap(({ ids }) => [...ids])),
    segments: oneAfterTheOther(prompts.map(({ ids }) => ids.length)),
    adapters: prompts.map(({ adapter }) => adapter),
    positions: joinedPositions(prompts.map(({ positions }) => positions)),
    rows: Int32Array.from(prompts.flatMap(({ ids, before, start }) => rangeFrom(start, before + ids.length))),
    spans: promptSpans(prompts),
    ...(embedded === undefined ? {} : { embedded }),
  };
}

/** What each prompt sees: itself and what its adapter puts before it, of which virtual tokens are queries too. */
function promptSpans(prompts: readonly Prompt[]): AttentionSpan[] {
  const queries = oneAfterTheOther(
    prompts.map(({ ids, adapter }) => ids.length + (adapter?.virtualTokens?.length ?? 0)),
  );
  return prompts.map(({ ids, before, start }, at) => {
    const { start: queryStart, length: queryLength } = queries[at]!;
    return {
      queryStart,
      queryLength,
      keyStart: start,
      keyLength: before + ids.length,
      prefixStart: 0,
      prefixLength: 0,
    };
  });
}

const rangeFrom = (start: number, length: number): number[] => Array.from({ length }, (_, at) => start + at);

function oneAfterTheOther(lengths: readonly number[]): Segment[] {
  let end = 0;
  return lengths.map((length) => ({ start: (end += length) - length, length }));
}

function joinedPositions(all: readonly Positions[]): Positions {
  const axis = (at: 0 | 1 | 2) =>
    Int32Array.from(all.flatMap((each) => [...(each instanceof Int32Array ? each : each[at])]));
  return all.every((each) => each instanceof Int32Array) ? axis(0) : [axis(0), axis(1), axis(2)];
}

/** Tokens of the arena: enough for all at once, or for as many answers as are written at the same time. */
function capacityFor(prompts: readonly Prompt[], maxSequences: number): number {
  const own = ({ answers, limit }: Prompt) => (answers === 1 ? 0 : limit);
  const needs = prompts.map((each) => promptRows(each) + Math.min(each.answers, maxSequences) * own(each));
  const all = needs.reduce((sum, need) => sum + need, 0);
  const perAnswer = Math.max(...prompts.map((each) => promptRows(each) + own(each)));
  return Math.min(all, Math.max(...needs, maxSequences * perAnswer));
}

/** Each answer draws from a stream of its own, by its number of tokens. */
const drawsOf = (sequences: readonly Sequence[], { seed = 0 }: GenerationSettings): Float32Array =>
  Float32Array.from(
    sequences,
    ({ prompt, ids, site }) =>
      uniforms({ seed: prompt.seed ?? seed, stream: 'sample', step: ids.length, microbatch: 0 }, site, 1)[0]!,
  );

function optionsOf(
  sequences: readonly Sequence[],
  settings: GenerationSettings,
  vocabulary: number,
): SampleTokensOptions {
  const { temperature = 1, topK = 0, topP = 1, minP = 0, repetitionPenalty = 1, bans = [] } = settings;
  const banned = ({ prompt, ids }: Sequence) =>
    bans.flatMap((ban) => ban(prompt.ids, ids)).filter((id) => id < vocabulary);
  return {
    temperature,
    topK,
    topP,
    minP,
    repetitionPenalty,
    ...(repetitionPenalty === 1 ? {} : { seen: sequences.map(({ prompt, ids }) => [...prompt.ids, ...ids]) }),
    ...(bans.length === 0 ? {} : { banned: sequences.map(banned) }),
  };
}

function reasonToEnd(
  { ids, prompt }: Sequence,
  { eosIds = [], stops }: GenerationSettings,
): Completion['reason'] | null {
  if (eosIds.includes(ids.at(-1)!) || stops?.(ids) === true) return 'stop';
  return ids.length >= prompt.limit ? 'length' : null;
}

function largest(positions: Positions): number {
  const lists: readonly Int32Array[] = positions instanceof Int32Array ? [positions] : positions;
  return lists.reduce((most, list) => list.reduce((a, b) => Math.max(a, b), most), -1);
}
