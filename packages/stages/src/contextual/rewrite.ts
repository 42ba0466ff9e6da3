// SPDX-License-Identifier: Apache-2.0
import { uniforms } from '@llmf/core';
import type { EncodedRow, RowsPlace } from '@llmf/training';

/** A text as what is given and what is learned behind it. */
export interface Rewritten {
  readonly prompt: readonly number[];
  readonly answer: readonly number[];
}

/**
 * Rewrites the tokens of a text.
 * @param draw gives `count` numbers from 0 to below 1; others under another name
 * @param room tokens that prompt and answer may have together
 * @returns null where the text is too short, or is to stay as it is
 */
export type Rewrite = (
  ids: readonly number[],
  draw: (name: string, count: number) => Float32Array,
  room: number,
) => Rewritten | null;

/**
 * The rows of a stage, rewritten. Draws depend on seed, split, step and row alone. Special tokens at the beginning and the
 * end of a text (`<s>`, `</s>`) stay there.
 */
export function rewriting(seed: number, specialIds: ReadonlySet<number>, rewrite: Rewrite) {
  return (row: EncodedRow, { split, step }: RowsPlace): EncodedRow => {
    const [response] = row.responses;
    const whole = [...response!.ids];
    const first = whole.findIndex((id) => !specialIds.has(id));
    const last = whole.findLastIndex((id) => !specialIds.has(id));
    if (first === -1) return row;
    const key = { seed, stream: `contextual ${split}`, step, microbatch: 0 };
    const draw = (name: string, count: number) => uniforms(key, `row ${row.index} ${name}`, count);
    const room = whole.length - first - (whole.length - 1 - last);
    const rewritten = rewrite(whole.slice(first, last + 1), draw, room);
    if (rewritten === null) return row;
    const prompt = Int32Array.from([...whole.slice(0, first), ...rewritten.prompt]);
    const ids = Int32Array.from([...rewritten.answer, ...whole.slice(last + 1)]);
    const counted = new Uint8Array(ids.length).fill(1);
    if (prompt.length === 0) counted[0] = 0; // nothing predicts it
    return { ...row, prompt, responses: [{ ...response!, ids, counted }] };
  };
}
