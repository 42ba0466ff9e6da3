// SPDX-License-Identifier: Apache-2.0
import type { HostTensor } from '@llmf/core';

/** Per-token log-probs of every row of a split: the answers' tokens in order, and the prompt's. */
export class RowLogProbs {
  private readonly answers: (Float32Array | undefined)[];
  private readonly prompts: (Float32Array | undefined)[];

  constructor(readonly rows: number) {
    this.answers = Array.from<Float32Array | undefined>({ length: rows });
    this.prompts = Array.from<Float32Array | undefined>({ length: rows });
  }

  set(row: number, answers: readonly number[], prompt: readonly number[]): void {
    this.answers[row] = Float32Array.from(answers);
    this.prompts[row] = Float32Array.from(prompt);
  }

  /** Token `token` of the row's answers, counted over all of them. */
  answer(row: number, token: number): number {
    return this.answers[row]![token]!;
  }

  prompt(row: number, token: number): number {
    return this.prompts[row]![token]!;
  }

  toTensors(): Record<string, HostTensor> {
    return { ...pack('answers', this.answers), ...pack('prompts', this.prompts) };
  }

  /** @throws when the tensors do not describe `rows` rows. */
  static fromTensors(tensors: Readonly<Record<string, HostTensor>>, rows: number): RowLogProbs {
    const values = new RowLogProbs(rows);
    unpack('answers', tensors, values.answers);
    unpack('prompts', tensors, values.prompts);
    return values;
  }
}

function pack(name: string, lists: readonly (Float32Array | undefined)[]): Record<string, HostTensor> {
  const lengths = Int32Array.from(lists, (list) => list?.length ?? 0);
  const flat = new Float32Array(lengths.reduce((sum, length) => sum + length, 0));
  let offset = 0;
  for (const list of lists) {
    if (list === undefined) continue;
    flat.set(list, offset);
    offset += list.length;
  }
  return {
    [`${name}.lengths`]: { dtype: 'I32', shape: [lengths.length], data: new Uint8Array(lengths.buffer) },
    [`${name}.logProb`]: { dtype: 'F32', shape: [flat.length], data: new Uint8Array(flat.buffer) },
  };
}

function unpack(name: string, tensors: Readonly<Record<string, HostTensor>>, into: (Float32Array | undefined)[]): void {
  const lengths = new Int32Array(tensors[`${name}.lengths`]!.data.slice().buffer);
  const flat = new Float32Array(tensors[`${name}.logProb`]!.data.slice().buffer);
  if (lengths.length !== into.length) throw new Error(`holds ${lengths.length} rows, expected ${into.length}`);
  let offset = 0;
  for (const [row, length] of lengths.entries()) into[row] = flat.subarray(offset, (offset += length));
  if (offset !== flat.length) throw new Error(`holds ${flat.length} values, expected ${offset}`);
}
