// SPDX-License-Identifier: Apache-2.0
import type { Batch, CollateOptions, EncodedResponse, EncodedRow, ResponseRole } from '@llmf/training';
import type { Segment } from '@llmf/nn';
import { errors } from '../errors.js';

/**
 * Packs rows into one row of tokens without padding. Prompt-once: a prompt with several answers is one segment that the
 * answers' segments have as their prefix, so its last token predicts the first token of each; positions of every answer
 * run on from the prompt. A prompt with one answer, and everything in the two-row form, is one segment per answer.
 * The first token of a segment without prefix has no predictor and is never a target.
 *
 * For an encoder–decoder a prompt is one segment for the encoder, which its answers have as their source; each answer's
 * segment begins with the decoder's first token, which predicts the answer's first. Prompts predict nothing.
 * @throws LLMF_DATA_NO_SOURCE for a row without a prompt
 */
export function collate(rows: readonly EncodedRow[], options: CollateOptions): Batch {
  const { promptOnce, decoderStart } = options;
  const hasTokenExtras = rows.some(({ responses }) => responses.some(({ tokenExtras }) => tokenExtras !== undefined));
  const packer = new Packer(
    rows.reduce((sum, row) => sum + packedLength(row, options), 0),
    hasTokenExtras,
  );
  rows.forEach((row, group) => {
    if (decoderStart === undefined) packer.addGroup(row, group, promptOnce && row.responses.length > 1);
    else packer.addEncoded(row, group, decoderStart);
  });
  return packer.finish(rows);
}

/** Tokens that a row takes in a packed batch. */
export function packedLength({ prompt, responses }: EncodedRow, { promptOnce, decoderStart }: CollateOptions): number {
  const answers = responses.reduce((sum, { ids }) => sum + ids.length, 0);
  if (decoderStart !== undefined) return answers + prompt.length + responses.length;
  return answers + prompt.length * (promptOnce ? 1 : responses.length);
}

class Packer {
  readonly #ids: Int32Array;
  readonly #positions: Int32Array;
  readonly #segments: Segment[] = [];
  readonly #rows: number[] = [];
  readonly #targets: number[] = [];
  readonly #response: number[] = [];
  readonly #prompt = { rows: [] as number[], targets: [] as number[], group: [] as number[] };
  readonly #responses = {
    group: [] as number[],
    role: [] as ResponseRole[],
    tokens: [] as number[],
    weight: [] as number[],
    start: [] as number[],
    length: [] as number[],
  };
  /** Of every counted token its answer and its place there; where some answer has numbers of its tokens. */
  readonly #counted: (readonly [response: EncodedResponse, at: number])[] | null;
  #length = 0;
  #realTokens = 0;

  constructor(tokens: number, hasTokenExtras: boolean) {
    this.#counted = hasTokenExtras ? [] : null;
    this.#ids = new Int32Array(tokens);
    this.#positions = new Int32Array(tokens);
  }

  addGroup(row: EncodedRow, group: number, isShared: boolean): void {
    const { prompt } = row;
    let shared: { start: number; segment: number } | null = null;
    if (isShared && prompt.length > 0) {
      shared = { start: this.#length, segment: this.#segments.length };
      this.#addSegment([prompt], 0);
      this.#addPromptTargets(prompt, shared.start, group);
    }
    row.responses.forEach((response, at) => {
      const { ids } = response;
      const start = this.#length;
      const isApart = shared !== null;
      this.#addSegment(isApart ? [ids] : [prompt, ids], isApart ? prompt.length : 0, shared?.segment);
      if (!isApart && at === 0) this.#addPromptTargets(prompt, start, group);
      const answerStart = isApart ? start : start + prompt.length;
      const beforeFirst =
        shared !== null ? shared.start + prompt.length - 1 : prompt.length > 0 ? answerStart - 1 : null;
      this.#addResponse(row, group, response, { answerStart, beforeFirst });
    });
  }

  addEncoded(row: EncodedRow, group: number, decoderStart: number): void {
    if (row.prompt.length === 0) throw errors.noSource({ row: row.index });
    const source = this.#segments.length;
    this.#addSegment([row.prompt], 0);
    for (const response of row.responses) {
      const start = this.#length;
      this.#addSegment([Int32Array.of(decoderStart), response.ids], 0);
      this.#segments.push({ ...this.#segments.pop()!, source });
      this.#addResponse(row, group, response, { answerStart: start + 1, beforeFirst: start });
    }
  }

  #addResponse(
    { prompt, weight }: EncodedRow,
    group: number,
    response: EncodedResponse,
    { answerStart, beforeFirst }: { readonly answerStart: number; readonly beforeFirst: number | null },
  ): void {
    const tokens = this.#addTargets(response, answerStart, beforeFirst);
    this.#responses.group.push(group);
    this.#responses.role.push(response.role);
    this.#responses.tokens.push(tokens);
    this.#responses.weight.push(weight);
    this.#responses.start.push(answerStart);
    this.#responses.length.push(response.ids.length);
    this.#realTokens += prompt.length + response.ids.length;
  }

  finish(rows: readonly EncodedRow[]): Batch {
    return {
      ids: this.#ids,
      segments: this.#segments,
      positions: this.#positions,
      rows: Int32Array.from(this.#rows),
      targets: Int32Array.from(this.#targets),
      response: Int32Array.from(this.#response),
      prompt: {
        rows: Int32Array.from(this.#prompt.rows),
        targets: Int32Array.from(this.#prompt.targets),
        group: Int32Array.from(this.#prompt.group),
      },
      responses: {
        group: Int32Array.from(this.#responses.group),
        role: this.#responses.role,
        tokens: Int32Array.from(this.#responses.tokens),
        weight: Float32Array.from(this.#responses.weight),
        start: Int32Array.from(this.#responses.start),
        length: Int32Array.from(this.#responses.length),
        extras: numbersOf(
          rows.flatMap(({ responses, index }) => responses.map(({ extras = {} }) => ({ extras, index }))),
        ),
      },
      tokenExtras: this.#tokenExtras(),
      groups: rows.length,
      rowIndices: Int32Array.from(rows, ({ index }) => index),
      extras: numbersOf(rows),
      ...labelsOf(rows),
      media: rows.flatMap(({ media }) => media),
      tokens: this.#realTokens,
    };
  }

  #addSegment(parts: readonly Int32Array[], firstPosition: number, prefix?: number): void {
    const start = this.#length;
    for (const part of parts) {
      this.#ids.set(part, this.#length);
      this.#length += part.length;
    }
    const length = this.#length - start;
    for (let at = 0; at < length; at++) this.#positions[start + at] = firstPosition + at;
    this.#segments.push(prefix === undefined ? { start, length } : { start, length, prefix });
  }

  /** Prompt tokens but the first, which nothing predicts. */
  #addPromptTargets(prompt: Int32Array, start: number, group: number): void {
    for (let at = 1; at < prompt.length; at++) {
      this.#prompt.rows.push(start + at - 1);
      this.#prompt.targets.push(prompt[at]!);
      this.#prompt.group.push(group);
    }
  }

  /** The numbers of each counted token. @throws LLMF_DATA_EXTRA_MISSING when an answer lacks what another has. */
  #tokenExtras(): Record<string, Float32Array> {
    const all = this.#counted ?? [];
    const answers = new Set(all.map(([answer]) => answer));
    const names = new Set([...answers].flatMap(({ tokenExtras }) => Object.keys(tokenExtras ?? {})));
    return Object.fromEntries(
      [...names].map((name) => {
        const values = all.map(([{ tokenExtras }, at], token) => {
          const value = tokenExtras?.[name]?.[at];
          if (value === undefined) throw errors.extraMissing({ name, row: this.#response[token]! });
          return value;
        });
        return [name, Float32Array.from(values)];
      }),
    );
  }

  /** Targets of an answer; gives how many there are. */
  #addTargets(answer: EncodedResponse, start: number, beforeFirst: number | null): number {
    const { ids, counted } = answer;
    const response = this.#responses.group.length;
    let tokens = 0;
    for (let at = 0; at < ids.length; at++) {
      const row = at > 0 ? start + at - 1 : beforeFirst;
      if (counted[at] === 0 || row === null) continue;
      this.#rows.push(row);
      this.#targets.push(ids[at]!);
      this.#response.push(response);
      this.#counted?.push([answer, at]);
      tokens++;
    }
    return tokens;
  }
}

/** The labels of all rows, one after the other. @throws LLMF_DATA_EXTRA_MISSING where a row has none and another has */
function labelsOf(rows: readonly EncodedRow[]): Pick<Batch, 'labels'> {
  const missing = rows.find(({ labels }) => labels === undefined);
  if (missing !== undefined && rows.every(({ labels }) => labels === undefined)) return {};
  if (missing !== undefined) throw errors.extraMissing({ name: 'label', row: missing.index });
  return { labels: Float32Array.from(rows.flatMap(({ labels }) => [...labels!])) };
}

/** Every number that some row (or answer) has, one list a name. @throws LLMF_DATA_EXTRA_MISSING when one lacks it. */
function numbersOf(rows: readonly Pick<EncodedRow, 'extras' | 'index'>[]): Record<string, Float32Array> {
  const names = new Set(rows.flatMap(({ extras }) => Object.keys(extras)));
  return Object.fromEntries(
    [...names].map((name) => {
      const values = rows.map(({ extras, index }) => {
        const value = extras[name];
        if (value === undefined) throw errors.extraMissing({ name, row: index });
        return value;
      });
      return [name, Float32Array.from(values)];
    }),
  );
}
