// SPDX-License-Identifier: Apache-2.0
import type { EncodedResponse } from '@llmf/training';
import { RowProblem } from '../readers/row-reader.js';
import { countedTokens, longestLength, type EncodedParts } from './encoded-parts.js';

export type Truncation = 'keepStart' | 'keepEnd' | 'proportional';

/** Tokens that prompt and longest answer keep, and from which end the answers are cut. */
interface Budget {
  readonly prompt: number;
  readonly answer: number;
  readonly answersKeep: 'start' | 'end';
}

/**
 * What each policy keeps of a prompt of `prompt` and a longest answer of `answer` tokens, together above `limit`.
 * keepStart cuts answers at their end; keepEnd cuts the prompt at its beginning, then answers at theirs; proportional is
 * LLaMA-Factory's rule (`infer_seqlen`): a part that needs less than half the room stays whole, else both keep their
 * share; each keeps its beginning.
 */
export function budget(policy: Truncation, prompt: number, answer: number, limit: number): Budget {
  if (policy === 'keepStart') {
    const kept = Math.min(prompt, limit);
    return { prompt: kept, answer: Math.min(answer, limit - kept), answersKeep: 'start' };
  }
  if (policy === 'keepEnd') {
    const kept = Math.min(answer, limit);
    return { prompt: Math.min(prompt, limit - kept), answer: kept, answersKeep: 'end' };
  }
  if (2 * answer < limit) return { prompt: Math.min(prompt, limit - answer), answer, answersKeep: 'start' };
  if (2 * prompt < limit) return { prompt, answer: limit - prompt, answersKeep: 'start' };
  const share = Math.max(1, Math.floor((limit * answer) / (prompt + answer)));
  return { prompt: limit - share, answer: share, answersKeep: 'start' };
}

/**
 * Cuts a row to `limit` tokens of prompt and longest answer; the prompt is cut once for all answers. With keepEnd it
 * keeps its end (the question and the turn's opening) and its first token when that is `bos`.
 * @throws RowProblem when an answer would be left without a counted token, or the answers of a pair would be the same.
 */
export function truncateRow(row: EncodedParts, policy: Truncation, limit: number, bos: number | null): EncodedParts {
  const longest = longestLength(row);
  if (longest <= limit) return row;
  const answer = longest - row.prompt.length;
  const keep = budget(policy, row.prompt.length, answer, limit);
  const prompt = policy === 'keepEnd' ? promptEnd(row.prompt, keep.prompt, bos) : row.prompt.slice(0, keep.prompt);
  const responses = row.responses.map((response) => cut(response, keep.answer, keep.answersKeep));
  if (responses.some((response) => countedTokens(prompt, response) === 0)) {
    throw new RowProblem(`too long (${lengths(row, answer, limit)}): ${policy} would leave no token to learn`);
  }
  const [first, second] = responses;
  if (first?.role === 'chosen' && second !== undefined && equalIds(first.ids, second.ids)) {
    throw new RowProblem(`chosen equals rejected after cutting (${lengths(row, answer, limit)})`);
  }
  return { ...row, prompt, responses };
}

function lengths(row: EncodedParts, answer: number, limit: number): string {
  return `prompt ${row.prompt.length}, longest answer ${answer}, maxLength ${limit} tokens`;
}

function promptEnd(prompt: Int32Array, length: number, bos: number | null): Int32Array {
  if (length === 0) return new Int32Array(0);
  const end = prompt.slice(prompt.length - length);
  if (bos !== null && prompt[0] === bos && length > 1) end[0] = bos;
  return end;
}

function cut(response: EncodedResponse, length: number, keep: 'start' | 'end'): EncodedResponse {
  if (response.ids.length <= length) return response;
  const start = keep === 'start' ? 0 : response.ids.length - length;
  return {
    ...response,
    ids: response.ids.slice(start, start + length),
    counted: response.counted.slice(start, start + length),
  };
}

const equalIds = (a: Int32Array, b: Int32Array) => a.length === b.length && a.every((id, at) => id === b[at]);
