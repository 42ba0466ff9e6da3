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
import { adapterFor, lengthBefore } from '../layers/adapter-of.js';
import type { ForwardContext, Model } from '../contracts/model.js';
import type { Positions } from '../contracts/segments.js';
import { embedded } from '../modules/replaced-modules.js';
import { sampleTokens, type SampleTokensOptions } from '../ops/sample-tokens/sample-tokens.js';
import { tf } from '../tf.js';
import { nonFiniteWeight } from '../weights/non-finite-weight.js';
import { generationErrors } from './generation-errors.js';
import { KeyValueArena } from './key-value-arena.js';
import { checkSampling } from './check-sampling.js';
import { promptPass, type Pass } from './prompt-pass.js';
import { rowLogits, rowLogProbs } from './row-heads.js';
import {
  beginAnswer,
  endAnswer,
  giveBackPrompt,
  placePrompt,
  promptRows,
  type Prompt,
  type Sequence,
} from './sequence.js';

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
    const arena = arenaFor(waiting, maxSequences);
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
    for (const { prompt } of sequences.slice(begun.length)) giveBackPrompt(prompt, arena);
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
      if (!this.joins(prompts, prompt, tokens) || !placePrompt(prompt, arena)) break;
      prompts.push(prompt);
      tokens += tokensOf(prompt);
    }
    return prompts;
  }

  /** May this prompt run in one pass with those before it? One with pictures runs alone. */
  private joins(prompts: readonly Prompt[], prompt: Prompt, tokens: number): boolean {
    const { maxPromptTokens = 2048 } = this.options;
    if (prompts.length === 0) return true;
    const isPlain = prompt.embedded === undefined && prompts[0]!.embedded === undefined;
    return isPlain && tokens + tokensOf(prompt) <= maxPromptTokens;
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
      ...(arena.across === undefined
        ? {}
        : { across: { rows: new Int32Array(0), spans: live.map((each, query) => each.spanAcross(query)) } }),
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
    const pass = promptPass(prompts);
    const hidden = tf.tidy(() => this.forward(pass, arena)); // [T, C]
    for (const [at, prompt] of prompts.entries()) prompt.last = tf.slice(hidden, [pass.ends[at]!, 0], [1, -1]);
    hidden.dispose();
  }

  /** One more token for each sequence: that after row `ends[i]` of the hidden states [T, C]. */
  private async choose(
    hidden: tf.Tensor2D,
    sequences: readonly Sequence[],
    ends: readonly number[],
    settings: GenerationSettings,
  ): Promise<void> {
    const adapters = sequences.map(({ prompt }) => prompt.adapter);
    const logits = this.logits(hidden, ends, adapters); // [sequences, V]
    const draws = drawsOf(sequences, settings);
    const { ids, logProb } = sampleTokens(logits, draws, optionsOf(sequences, settings, logits.shape[1]));
    logits.dispose();
    const [chosen, ofLogits] = await Promise.all([ids.data(), logProb.data()]);
    tf.dispose([ids, logProb]);
    const failed = sequences.find((_, at) => chosen[at]! < 0);
    if (failed !== undefined) throw await this.notFinite(failed);
    const isSteered = this.options.steering !== undefined && settings.logProbs === true;
    const logProbs = isSteered ? await this.ownLogProbs(hidden, ends, adapters, chosen as Int32Array) : ofLogits;
    for (const [at, sequence] of sequences.entries()) {
      const id = chosen[at]!;
      sequence.ids.push(id);
      if (settings.logProbs === true) sequence.logProbs.push(logProbs[at]!);
      settings.onToken?.({ request: sequence.prompt.request, answer: sequence.answer, id });
    }
  }

  /** The model's own, where something else steered the choice: one more pass through the head. */
  private async ownLogProbs(
    hidden: tf.Tensor2D,
    ends: readonly number[],
    adapters: Pass['adapters'],
    ids: Int32Array,
  ): Promise<Float32Array> {
    const logProbs = tf.tidy(() => rowLogProbs(this.model, hidden, ends, adapters, ids));
    const values = (await logProbs.data()) as Float32Array;
    logProbs.dispose();
    return values;
  }

  private logits(hidden: tf.Tensor2D, ends: readonly number[], adapters: Pass['adapters']): tf.Tensor2D {
    const { steering } = this.options;
    return tf.tidy(() => {
      const logits = rowLogits(this.model, hidden, ends, adapters);
      return steering?.(tf.gather(hidden, tf.tensor1d([...ends], 'int32')), logits) ?? logits;
    });
  }

  private forward(pass: Pass, arena: KeyValueArena): tf.Tensor2D {
    const { ids, segments, positions, adapters, rows, spans, across } = pass;
    arena.begin(rows, spans);
    if (across !== undefined) arena.across!.begin(across.rows, across.spans);
    const adapter = adapterFor(adapters);
    const embeddings = embedded(this.model, ids, { adapter, segments }); // [T, C]
    const context: ForwardContext = {
      segments,
      positions,
      adapter,
      training: false,
      randomKey: { seed: 0, stream: 'evaluation', step: 0, microbatch: 0 },
      cache: arena,
      gradientCheckpointing: false,
    };
    return this.model.forward(pass.embedded?.(embeddings) ?? embeddings, context);
  }

  private async notFinite({ prompt, ids }: Sequence): Promise<Error> {
    const weight = await nonFiniteWeight(this.model, prompt.adapter);
    return generationErrors.logitsNotFinite({ tokens: prompt.ids.length + ids.length, weight });
  }
}

function promptOf(model: Model, request: GenerationRequest, number: number, settings: GenerationSettings): Prompt {
  const { answers = 1, key = String(number), seed, embedded, adapter = null } = request;
  const context = model.contextLength;
  if (request.ids.length === 0) throw generationErrors.emptyPrompt({ tokens: 0 });
  const isEncoded = model.decoderStart !== undefined;
  const ids = isEncoded ? Int32Array.of(model.decoderStart!) : request.ids;
  const before = lengthBefore(adapter);
  const length = before + ids.length;
  if (length >= context) throw generationErrors.contextFull({ prompt: length, context });
  const positions = (isEncoded ? undefined : request.positions) ?? Int32Array.from(ids, (_, index) => index);
  const limit = Math.min(settings.maxNewTokens, context - length);
  const next = largest(positions) + 1;
  return {
    request: number,
    ids,
    source: isEncoded ? request.ids : null,
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
    sourceStart: 0,
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

/** Tokens that a prompt sends through the model. */
const tokensOf = ({ ids, source }: Prompt): number => ids.length + (source?.length ?? 0);

function arenaFor(prompts: readonly Prompt[], maxSequences: number): KeyValueArena {
  const sources = prompts.flatMap(({ source }) => (source === null ? [] : [source.length]));
  const all = sources.reduce((sum, length) => sum + length, 0);
  const across =
    sources.length === 0 ? undefined : new KeyValueArena(Math.min(all, maxSequences * Math.max(...sources)));
  return new KeyValueArena(capacityFor(prompts, maxSequences), across);
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
