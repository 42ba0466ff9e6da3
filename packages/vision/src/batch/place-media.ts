// SPDX-License-Identifier: Apache-2.0
import type { Batch } from '@llmf/training';
import type { MediaPlan } from '../rows/media-plan.js';
import type { RowMedia } from '../rows/row-media.js';
import { kindOfToken } from '../tokens/expand-placeholders.js';
import type { MediaTokens } from '../tokens/media-tokens.js';
import type { MropePositions } from '../tokens/mrope-positions.js';

/** A packed batch's media, each distinct one once, and which of their embeddings stands at each token. */
export interface PlacedMedia {
  readonly plans: readonly MediaPlan[];
  /** [T] row of the media embeddings (all plans' tokens, one after the other), or −1 for text. */
  readonly sources: Int32Array;
  readonly positions: MropePositions; // [3][T]
}

/**
 * Lays the rows' positions and media out over a packed batch. A medium that several rows or answers show appears once
 * in `plans`, so that the tower runs once for it.
 * @param tokensOf language-model tokens of a medium
 */
export function placeMedia(
  batch: Pick<Batch, 'ids' | 'segments' | 'responses' | 'groups'>,
  rows: readonly RowMedia[],
  tokens: MediaTokens,
  tokensOf: (plan: MediaPlan) => number,
): PlacedMedia {
  const total = batch.ids.length;
  const positions: MropePositions = [new Int32Array(total), new Int32Array(total), new Int32Array(total)];
  const sources = new Int32Array(total).fill(-1);
  const distinct = new Distinct(tokensOf);

  for (const { row, parts, start, answerLength } of laidOutParts(batch, rows)) {
    let at = start;
    for (const part of parts) {
      const own = positionsOf(row, part, answerLength);
      own.forEach((axis, index) => positions[index]!.set(axis, at));
      const firstMedium = row.uses.slice(0, part).reduce((sum, count) => sum + count, 0);
      const media = row.plans.slice(firstMedium, firstMedium + (row.uses[part] ?? 0));
      fillSources(batch.ids, at, media, own[0].length);
      at += own[0].length;
    }
  }
  return { plans: distinct.plans, sources, positions };

  function fillSources(ids: Int32Array, start: number, media: readonly MediaPlan[], length: number): void {
    let at = start;
    for (const plan of media) {
      while (at < start + length && kindOfToken(ids[at]!, tokens) === null) at += 1;
      const first = distinct.firstToken(plan);
      for (let token = 0; token < tokensOf(plan); token++, at++) sources[at] = first + token;
    }
  }
}

/** Of a part of a row; an answer that was written since the row was made is text behind the prompt. */
function positionsOf({ positions }: RowMedia, part: number, length: number): MropePositions {
  if (part === 0) return positions.prompt;
  const known = positions.responses[part - 1];
  if (known !== undefined) return known;
  const next = 1 + positions.prompt.reduce((most, axis) => axis.reduce((a, b) => Math.max(a, b), most), -1);
  const axis = Int32Array.from({ length }, (_, at) => next + at);
  return [axis, axis, axis];
}

/** Media by content and limit, in order of first appearance. */
class Distinct {
  readonly plans: MediaPlan[] = [];
  readonly #first = new Map<string, number>();
  #tokens = 0;

  constructor(private readonly tokensOf: (plan: MediaPlan) => number) {}

  /** Where its embeddings begin among all. */
  firstToken(plan: MediaPlan): number {
    const key = JSON.stringify([plan.kind, plan.identity, plan.maxPixels, plan.frames, plan.crop ?? null]);
    const known = this.#first.get(key);
    if (known !== undefined) return known;
    const first = this.#tokens;
    this.#first.set(key, first);
    this.plans.push(plan);
    this.#tokens += this.tokensOf(plan);
    return first;
  }
}

/** A run of packed tokens and what it holds: part 0 is the row's prompt, part r + 1 its answer r. */
interface LaidOutPart {
  readonly row: RowMedia;
  readonly parts: readonly number[];
  readonly start: number;
  /** Tokens of its answer; 0: it holds none. */
  readonly answerLength: number;
}

/** Walks the segments group by group: a shared prompt and its answers, or a prompt with each answer. */
function* laidOutParts(
  { segments, responses, groups }: Pick<Batch, 'segments' | 'responses' | 'groups'>,
  rows: readonly RowMedia[],
): Generator<LaidOutPart> {
  let segment = 0;
  let response = 0;
  for (let group = 0; group < groups; group++) {
    const row = rows[group]!;
    const answers = responses.group.reduce((count, of) => count + (of === group ? 1 : 0), 0);
    const isShared = segments[segment + 1]?.prefix === segment;
    if (isShared) yield { row, parts: [0], start: segments[segment++]!.start, answerLength: 0 };
    for (let answer = 0; answer < answers; answer++) {
      const parts = isShared ? [answer + 1] : [0, answer + 1];
      yield { row, parts, start: segments[segment++]!.start, answerLength: responses.length[response++]! };
    }
  }
}
