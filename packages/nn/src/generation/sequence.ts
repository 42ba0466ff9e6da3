// SPDX-License-Identifier: Apache-2.0
import type { AttentionSpan } from '../contracts/ops.js';
import type { ActiveAdapter } from '../contracts/model.js';
import type { Completion, GenerationRequest } from '../contracts/generation.js';
import type { Positions } from '../contracts/segments.js';
import type { tf } from '../tf.js';
import type { KeyValueArena } from './key-value-arena.js';

/** A prompt whose keys are in the arena, and how many of its answers are still to come or being written. */
export interface Prompt {
  readonly request: number;
  /** What the decoder begins with: the prompt; of an encoder–decoder the token with which answers begin. */
  readonly ids: Int32Array;
  /** What the encoder of an encoder–decoder reads. */
  readonly source: Int32Array | null;
  readonly positions: Positions;
  /** Position of the first new token. */
  readonly next: number;
  readonly embedded: GenerationRequest['embedded'];
  readonly adapter: ActiveAdapter | null;
  /** Rows of the arena for what the adapter puts before the prompt. */
  readonly before: number;
  readonly key: string;
  /** Of its draws, where the request has one. */
  readonly seed: number | undefined;
  readonly answers: number;
  /** Tokens an answer may have. */
  readonly limit: number;
  /** Rows of the arena; with one answer they run on into the answer's. */
  start: number;
  /** The same for what the encoder gives. */
  sourceStart: number;
  /** Its last hidden state [1, C], kept until all its answers have begun. */
  last: tf.Tensor2D | null;
  /** Answers begun, and ended. */
  begun: number;
  ended: number;
}

/** One answer while it is written. */
export class Sequence {
  readonly ids: number[] = [];
  readonly logProbs: number[] = [];

  /** @param start first row of the arena for the answer's own keys */
  constructor(
    readonly prompt: Prompt,
    readonly answer: number,
    readonly start: number,
  ) {}

  /** The random stream of this answer. */
  get site(): string {
    return `${this.prompt.key}/${this.answer}`;
  }

  /** Row of the arena for the newest token. */
  get row(): number {
    return this.start + this.ids.length - 1;
  }

  get position(): number {
    return this.prompt.next + this.ids.length - 1;
  }

  /** What the newest token sees: in one range with its prompt, or with the prompt shared by several answers. */
  span(query: number): AttentionSpan {
    const { prompt, start, ids } = this;
    const promptLength = prompt.before + prompt.ids.length;
    const own = { queryStart: query, queryLength: 1 };
    return prompt.answers === 1
      ? { ...own, keyStart: prompt.start, keyLength: promptLength + ids.length, prefixStart: 0, prefixLength: 0 }
      : {
          ...own,
          keyStart: start,
          keyLength: ids.length,
          prefixStart: prompt.start,
          prefixLength: promptLength,
        };
  }

  /** What the newest token sees of its prompt's source. */
  spanAcross(query: number): AttentionSpan {
    return spanAcross(this.prompt, query);
  }

  completion(reason: Completion['reason']): Completion {
    const { prompt, answer } = this;
    const [ids, logProbs] = [Int32Array.from(this.ids), Float32Array.from(this.logProbs)];
    return { request: prompt.request, answer, ids, logProbs, reason };
  }
}

/** One query that sees all that the encoder gave for a prompt. */
export const spanAcross = ({ source, sourceStart }: Prompt, query: number): AttentionSpan => ({
  queryStart: query,
  queryLength: 1,
  keyStart: sourceStart,
  keyLength: source!.length,
  prefixStart: 0,
  prefixLength: 0,
  causal: false,
});

/** Rows that a prompt holds while any of its answers is written. */
export const promptRows = ({ ids, before, answers, limit }: PromptSize): number =>
  before + ids.length + (answers === 1 ? limit : 0);

type PromptSize = Pick<Prompt, 'ids' | 'before' | 'answers' | 'limit'>;

/** Begins the next answer of a prompt; null where the arena has no room for it. */
export function beginAnswer(prompt: Prompt, arena: KeyValueArena): Sequence | null {
  const start =
    prompt.answers === 1 ? prompt.start + prompt.before + prompt.ids.length : arena.ranges.take(prompt.limit);
  return start === null ? null : new Sequence(prompt, prompt.begun++, start);
}

/** Gives back the rows of an answer that has ended, and of its prompt with the last one. */
export function endAnswer({ prompt, start }: Sequence, arena: KeyValueArena): void {
  prompt.ended++;
  if (prompt.answers > 1) arena.ranges.giveBack(start, prompt.limit);
  if (prompt.ended === prompt.answers) giveBackPrompt(prompt, arena);
}

/** Takes the rows that a prompt needs; false where the arena has no room for it. */
export function placePrompt(prompt: Prompt, arena: KeyValueArena): boolean {
  const start = arena.ranges.take(promptRows(prompt));
  if (start === null) return false;
  prompt.start = start;
  if (prompt.source === null) return true;
  const sourceStart = arena.across!.ranges.take(prompt.source.length);
  if (sourceStart === null) arena.ranges.giveBack(start, promptRows(prompt));
  else prompt.sourceStart = sourceStart;
  return sourceStart !== null;
}

export function giveBackPrompt(prompt: Prompt, arena: KeyValueArena): void {
  arena.ranges.giveBack(prompt.start, promptRows(prompt));
  if (prompt.source !== null) arena.across!.ranges.giveBack(prompt.sourceStart, prompt.source.length);
}
